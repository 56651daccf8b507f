"""What is kept of an exchange's words, where somebody wants them kept: bounded, both ends, without secrets.

Redaction comes before the last cut: cutting first would leave half a secret at an edge that no pattern knows any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, decode

MARGIN = 4096
"""Characters beyond an edge that are looked at too, so that a secret across it is found whole: a private key is not
longer."""

_PROMPT = ("system", "instructions", "messages", "input", "prompt", "query", "documents")
"""The members of a request that say something to the model, in every dialect that callers speak."""

_DUMB = frozenset({"type", "id", "call_id", "tool_call_id", "tool_use_id", "signature", "data", "encrypted_content"})
"""Members that hold no words: marks, and what only a machine reads."""

_DEEPEST = 32
_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)

_ITEMS = Decoder(list[Raw])

_MOST_ITEMS = 1_000_000
"""Of a member: each takes some 80 bytes while it is looked at. A prompt of words has fewer, whatever its size."""

_MOST_LISTED = 10_000
"""Of a list inside an item, at either end."""


class TranscriptRules(Struct, frozen=True, kw_only=True):
    """Whose words are kept, and how much of them.

    Args:
        enabled: for callers that say nothing of it themselves.
        most_chars: of a question, and of an answer.
        clean: takes out what nobody may keep.
    """

    enabled: bool = False
    most_chars: int = 8192
    clean: Callable[[str], str] = str


NOTHING_KEPT = TranscriptRules()
"""The rules of a router that nobody asked."""


class Excerpt:
    """Beginning and end of a text that comes in pieces; what is between them is counted and let go.

    Args:
        most_chars: what is shown of it at most, beside the mark of a cut.
    """

    def __init__(self, most_chars: int) -> None:
        self._half = most_chars // 2
        self._room = self._half + MARGIN
        self._size = self._held = 0
        self._about = ""
        self._head: list[str] = []
        self._left = self._room
        self._tail: list[str] = []

    def add(self, text: str) -> None:
        """One more piece, in order."""
        self._size += len(text)
        if self._left > 0:
            self._head.append(text[: self._left])
            text, self._left = text[self._left :], self._left - len(text)
        if text:
            self._tail.append(text)
            self._held += len(text)
            if self._held > 2 * self._room:  # only now and then: a piece is one token
                self._tail = ["".join(self._tail)[-self._room :]]
                self._held = self._room

    @property
    def room(self) -> int:
        """Characters that its beginning still takes; its end takes as many as an empty one's beginning."""
        return max(self._left, 0)

    @property
    def held_bytes(self) -> int:
        """What it takes in memory, about."""
        return self._room - self.room + self._held

    def skip(self, chars: int) -> None:
        """So many, about, are let go unseen: only once there is no room, and before as many follow as an end has."""
        self._size += chars
        self._about = "about "

    def shown(self, clean: Callable[[str], str]) -> str:
        """What is kept of it, clean."""
        # First of all: an engine of patterns takes no half of a surrogate pair either.
        head, tail = _storable("".join(self._head)), _storable("".join(self._tail))
        if self._size <= 2 * self._room:
            whole = clean(head + tail)
            if len(whole) <= 2 * self._half:
                return whole
            head, tail = whole[: self._half], whole[-self._half :]
            return self._joined(head, tail, len(whole))
        # What was cut off in the middle of a secret lies within the margin of an inner edge.
        head = clean(head)[:-MARGIN][: self._half]
        tail = clean(tail[-self._room :])[MARGIN:][-self._half :]
        return self._joined(head, tail, self._size)

    def _joined(self, head: str, tail: str, size: int) -> str:
        left_out = max(size - len(head) - len(tail), 0)
        return f"{head}\n[... {self._about}{left_out} characters are left out ...]\n{tail}"


def wants(rules: TranscriptRules, said: bool | None) -> bool:
    """Whether an exchange's words are kept, by what its caller's key says of it, or else the server."""
    return rules.enabled if said is None else said


def asked_in(fields: Mapping[str, Raw], rules: TranscriptRules) -> str:
    """The words of a request. What lies between its ends is passed over unread: 35 MB of messages take 0.02 s, most of
    it in one piece, so this is for a thread.

    Args:
        fields: the body's top-level members. One that cannot be read says nothing that could be kept.
    """
    excerpt = Excerpt(rules.most_chars)
    room = excerpt.room
    items = [item for name in _PROMPT if name in fields for item in _items(fields[name])]
    begin, end = 0, len(items)
    while begin < end and excerpt.room:
        excerpt.add(_said_in(items[begin]))
        begin += 1
    last: list[str] = []
    while begin < end and room > 0:
        end -= 1
        last.append(_said_in(items[end]))
        room -= len(last[-1])
    if begin < end:
        excerpt.skip(sum(len(item) for item in items[begin:end]))
    for text in reversed(last):
        excerpt.add(text)
    return excerpt.shown(rules.clean)


def asked_bytes(fields: Mapping[str, Raw]) -> int:
    """What the words of a request take while they wait to be read."""
    return sum(len(fields[name]) for name in _PROMPT if name in fields)


def _items(member: Raw) -> Sequence[Raw]:
    """Its parts, each still as it was written; none of one that has too many, or that cannot be read."""
    written = bytes(member)
    if not written.startswith(b"["):
        return (member,)
    if written.count(b",") >= _MOST_ITEMS:
        return ()
    try:
        return _ITEMS.decode(written)
    except _UNREADABLE:
        return ()


def _said_in(item: Raw) -> str:
    try:
        return "".join(_words(decode(item), 0))
    except _UNREADABLE:
        return ""


def _words(value: object, depth: int) -> Iterator[str]:
    """Every text in it, a line each, behind who said it; of pictures and sound only that they were there."""
    match value:
        case str():
            yield ("[data]" if value.startswith("data:") else value) + "\n"
        case dict() if depth < _DEEPEST:
            if isinstance(value.get("role"), str):
                yield f"{value['role']}: "
            for name, item in value.items():
                if name not in _DUMB and name != "role":
                    yield from _words(item, depth + 1)
        case list() if depth < _DEEPEST:
            few = len(value) <= 2 * _MOST_LISTED
            for item in value if few else value[:_MOST_LISTED] + value[-_MOST_LISTED:]:
                yield from _words(item, depth + 1)


def _storable(text: str) -> str:
    """Of the characters that every database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
