"""From the pieces of tokens to text that can be sent: whole characters, and never a part of a stop string. Pure."""

from __future__ import annotations

import codecs


def held_back(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the beginning of one of `marks`."""
    longest = max((len(mark) for mark in marks), default=0)
    for length in range(min(len(text), longest - 1), 0, -1):
        if any(mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


class TextFlow:
    """One answer's text. Holds back what a next token may complete to a character or to a stop string."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False

    def feed(self, piece: bytes) -> str:
        """Take the bytes of one token; return what may be sent. After a stop string `stopped` is true."""
        self._held += self._decoder.decode(piece)
        found = [at for at in (self._held.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = len(self._held) - held_back(self._held, self._stops)
        text, self._held = self._held[:keep], self._held[keep:]
        return text

    def end(self) -> str:
        """No more tokens: what was held back, unless a stop string came."""
        if self.stopped:
            return ""
        text, self._held = self._held + self._decoder.decode(b"", True), ""
        return text
