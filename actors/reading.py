"""Reading one upstream stream: bytes in, parts for the feed out, and what is known of the answer so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import Flow
from router.canon.event import (
    CONTENT,
    REFUSALS,
    SPOKEN_FOR,
    Event,
    Finished,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from router.errors import WireFault
from router.wire.dialect import Codec, Frame, Relay, Skimmer, StreamDecoder
from router.wire.members import is_text
from router.wire.sse import SseSplitter
from router.wire.toolnames import event_told_back

_NO_TEXT: tuple[Event, ...] = (Skipped(why="it is not UTF-8"),)
"""What an event says that callers' clients would fail on."""


class Naming(Struct, frozen=True, kw_only=True):
    """What an answer is called where its provider does not say: some name no model, some give no time.

    Args:
        prompt_tokens: about how many the prompt has; None where there is no telling.
        tools: names that it knows tools by -> those its caller does, where that is not the same.
    """

    model: str
    created_s: int
    prompt_tokens: int | None = None
    tools: Mapping[str, str] = {}


_LOOKS = 6
"""Events of a block that are read by themselves, before the rest of it is read together: streams begin with up to four
that have no text, and the next may show how all those after it look."""


def _one_of(flows: list[Flow]) -> Flow:
    if len(flows) == 1:
        return flows[0]
    return Flow(
        events=tuple(event for flow in flows for event in flow.events), raw=b"".join(flow.raw for flow in flows)
    )


def said_bytes(events: tuple[Event, ...]) -> int:
    """How much content these bear, in bytes of UTF-8, whatever kind it is of."""
    return sum(BYTES_OF[type(event)](event) for event in events if type(event) in CONTENT)


def _length(*texts: str | None) -> int:
    return sum(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")) for text in texts if text)


def _text_bytes(event: TextDelta) -> int:
    text = event.text
    return len(text) if text.isascii() else _length(text)


BYTES_OF: dict[type, Callable[[Any], int]] = {
    TextDelta: _text_bytes,
    ReasoningDelta: lambda event: _length(event.text, event.signature, event.redacted),
    RefusalDelta: lambda event: _length(event.text),
    ToolCallStarted: lambda event: _length(event.name),
    ToolCallDelta: lambda event: _length(event.arguments),
    OpaqueAdded: lambda event: len(bytes(event.raw)),
}
"""The same of one event that bears content, by its kind."""


class Reading:
    """The translators of one upstream stream, and what they have seen.

    Args:
        relay: passes the bytes on; None when they are translated.
        max_event_bytes: the largest event to accept.
        choices: how many answers the provider was asked for.
    """

    def __init__(
        self, codec: Codec, relay: Relay | None, naming: Naming, max_event_bytes: int, choices: int = 1
    ) -> None:
        self._splitter = codec.splitter(max_event_bytes)
        self._decoder: StreamDecoder = codec.decoder()
        self._skimmer = cast(Skimmer, self._decoder) if hasattr(self._decoder, "skim") else None
        self._max_event_bytes = max_event_bytes
        self._relay = relay
        self._naming = naming
        self._asked = choices
        self._open: set[int] = set()
        self._closed: set[int] = set()
        self.finished = choices <= 0
        """Whether every choice asked for has its finish reason: only usage and the terminal event may follow."""
        self.fault: WireFault | None = None
        self.bore_content = False
        self.explained = False
        self.refused = False
        """It began with a refusal, or ended with one before anything was said."""

    def feed(self, block: bytes) -> Flow:
        """The next bytes as one flow. An error among them is kept in `fault`: what came before it is still said."""
        if self._skimmer is None or not isinstance(self._splitter, SseSplitter):
            return self._frames(self._splitter.feed(block))
        return _one_of(self._skimmed(block, self._skimmer, self._splitter))

    def _skimmed(self, block: bytes, skimmer: Skimmer, splitter: SseSplitter) -> list[Flow]:
        """What is no more than text is read at a glance. What is not is read by itself while there is hope that the
        rest can be skimmed."""
        flows: list[Flow] = []
        looks = _LOOKS
        while block and self.fault is None:
            fits = splitter.is_between and len(block) <= self._max_event_bytes
            run = skimmer.skim(block, self._relay) if fits else None
            if run is not None:
                if self._relay is not None:
                    self._relay.passed_bytes += len(run.passed)
                self._noted(run.said[0])
                flows.append(Flow(events=run.said, raw=run.passed))
                block = block[run.size_bytes :]
                continue
            size = block.find(b"\n\n") + 2 if looks > 0 else 0
            looks -= 1
            piece = block[:size] if size >= 2 else block
            block = block[len(piece) :]
            try:
                flows.append(self._frames(splitter.feed(piece)))
            except WireFault as fault:
                self.fault = fault
        return flows

    def end(self) -> Flow:
        """The bytes are over: what was still in the splitter, and whether that makes the answer complete.

        A provider may say itself that fewer choices than asked are all; its silence does not say so.
        """
        last = self._frames(self._splitter.end())
        ended = self._decoder.end() if self.fault is None and self._all_came else ()
        return Flow(events=last.events + ended, raw=last.raw)

    def terminal(self) -> bytes:
        """The terminal bytes to pass on."""
        return self._relay.end() if self._relay is not None else b""

    @property
    def _all_came(self) -> bool:
        return len(self._closed) >= self._asked

    def _frames(self, frames: tuple[Frame, ...]) -> Flow:
        events: list[Event] = []
        raw: list[bytes] = []
        for frame in frames:
            try:
                said = self._decoder.feed(frame) if is_text(frame.data) else _NO_TEXT
            except WireFault as fault:
                self.fault = fault
                break
            events.extend(said)
            if self._relay is not None:
                raw.append(self._relay.feed(frame, said))
        passed = b"".join(raw)
        if self._relay is not None:
            self._relay.passed_bytes += len(passed)
        return Flow(events=tuple([self._noted(event) for event in events]), raw=passed)

    def _noted(self, event: Event) -> Event:
        """Remember what an event says of the answer; name the answer where its provider did not."""
        if type(event) in CONTENT:
            self.refused = self.refused or (not self.bore_content and isinstance(event, RefusalDelta))
            self._open.add(event.choice)  # type: ignore[union-attr]  # `in` narrows nothing for mypy; isinstance costs 5x
            self.bore_content, self.finished = True, False
            return event_told_back(event, self._naming.tools) if self._naming.tools else event
        elif isinstance(event, Finished):
            self.refused = self.refused or (not self.bore_content and event.reason in REFUSALS)
            self._open.discard(event.choice)
            self._closed.add(event.choice)
            self.finished = self._all_came and not self._open
            self.explained = self.explained or event.reason in SPOKEN_FOR
        elif isinstance(event, Started):
            naming = self._naming
            return replace(
                event,
                model=event.model or naming.model,
                created_s=event.created_s or naming.created_s,
                prompt_tokens=naming.prompt_tokens,
            )
        return event
