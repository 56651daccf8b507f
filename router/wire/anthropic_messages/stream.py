"""Streams in: events of the wire to canon's. `encoder.py` says canon's to a caller; `relay.py` passes on what came."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finished,
    OpaqueAdded,
    ReasoningDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.wire.anthropic_messages.fault import fault_inside
from router.wire.anthropic_messages.message import FAMILY
from router.wire.anthropic_messages.reply import decode_finish
from router.wire.anthropic_messages.schema import (
    BEGUN_BLOCK,
    EVENT,
    NULL,
    OBJECT,
    REDACTED_BLOCK,
    TOOL_USE_BLOCK,
    TYPED,
    DeltaBody,
    StreamEvent,
    UsageBody,
)
from router.wire.anthropic_messages.usage import merge_usage, read_usage, split_usage
from router.wire.dialect import Frame, Relay, Run
from router.wire.glance import TEXT, run_of
from router.wire.ids import CallIds
from router.wire.members import UNREADABLE, joined

DONE = b"[DONE]"

_MORE_TEXT = re.compile(
    rb'event: content_block_delta\ndata: \{"type": ?"content_block_delta", ?"index": ?(0|[1-9]\d{0,8}), ?'
    rb'"delta": ?\{"type": ?"text_delta", ?"text": ?"' + TEXT + rb'"\} *+\}\n\n'
)
"""Anthropic pads its events with blanks, so that their length tells nothing."""

_UNREADABLE = (Skipped(why="an event that is no message event"),)
_ASTRAY = (Skipped(why="a piece of a block that never began"),)
_EMPTY_INPUTS = (NULL, Raw(b"{}"))


class _Block:
    """One block of an answer, as far as its later pieces depend on it.

    Args:
        kind: its type on the wire.
        number: which tool call or which stretch of thinking it is, counted within its kind.
        raw: the whole of what it began with.
        input: the input it began with, where it had one; pieces that follow replace it.

    `more` is what came later of its other members.
    """

    def __init__(self, kind: str, number: int, raw: Raw, input: Raw = NULL) -> None:
        self.kind = kind
        self.number = number
        self.raw = raw
        self.input = input
        self.pieces: list[str] = []
        self.more: dict[str, Raw] = {}
        self.fed = False


class MessageDecoder:
    """A `StreamDecoder`. An answer is complete at `message_stop` behind a stop reason.

    A stream that ends behind its stop reason with every block closed is complete too: nothing but the stop is missing.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._seed = ""
        self._started = False
        self._finished = False
        self._ended = False
        self._calls = 0
        self._ids = CallIds()
        self._thoughts = 0
        self._usage: UsageBody | None = None

    def skim(self, block: bytes, relay: Relay | None) -> Run | None:
        """As `Skimmer` says."""
        seen = None if self._ended else run_of(_MORE_TEXT, block, relay)
        return None if seen is None else seen[1]

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for an error event; event types it does not know say nothing."""
        data = frame.data
        if not data or self._ended:
            return ()
        if frame.event == "error":
            raise fault_inside(data)
        if data.strip() == DONE:
            return self.end()
        try:
            event = EVENT.decode(data)
            kind = event.type or frame.event
            if kind == "error" or event.error != NULL:
                raise fault_inside(data)
            read = _EVENTS.get(kind)
            if read is not None:
                return read(self, event)
        except UNREADABLE:
            return _UNREADABLE
        return () if kind else _UNREADABLE

    def end(self) -> tuple[Event, ...]:
        """`Ended`, once, if the answer had said why it stops and left nothing open."""
        if self._ended or not self._finished or self._open:
            return ()
        self._ended = True
        return (Ended(),)

    def _start(self, event: StreamEvent) -> tuple[Event, ...]:
        message = event.message
        if self._started or message is None:
            return ()
        self._started = True
        self._seed = message.id or ""
        said: list[Event] = [Started(id=message.id or "", model=message.model or "")]
        self._usage = read_usage(message.usage)
        if self._usage is not None:
            said.append(UsageReported(usage=split_usage(self._usage)))
        return tuple(said)

    def _start_block(self, event: StreamEvent) -> tuple[Event, ...]:
        raw = event.content_block
        kind = TYPED.decode(raw).type
        index = max(self._open, default=-1) + 1 if event.index is None else event.index
        if index in self._open and self._open[index].raw == raw:
            return ()  # said twice
        begin = _BEGINNINGS.get(kind)
        if begin is None:
            self._open[index] = _Block(kind, 0, raw, OBJECT.decode(raw).get("input", NULL))
            return ()
        return begin(self, index, raw)

    def _begin_text(self, index: int, raw: Raw) -> tuple[Event, ...]:
        block = BEGUN_BLOCK.decode(raw)
        self._open[index] = _Block("text", 0, raw)
        said: list[Event] = [CitationAdded(citation=source, family=FAMILY) for source in block.citations or ()]
        if block.text:
            said.append(TextDelta(text=block.text))
        return tuple(said)

    def _begin_thinking(self, index: int, raw: Raw) -> tuple[Event, ...]:
        block = BEGUN_BLOCK.decode(raw)
        number = self._next_thought(index, "thinking", raw)
        if not block.thinking and not block.signature:
            return ()
        return (
            ReasoningDelta(text=block.thinking or "", signature=block.signature or None, family=FAMILY, block=number),
        )

    def _begin_redacted(self, index: int, raw: Raw) -> tuple[Event, ...]:
        data = REDACTED_BLOCK.decode(raw).data
        number = self._next_thought(index, "redacted_thinking", raw)
        return (ReasoningDelta(redacted=data, family=FAMILY, block=number),)

    def _next_thought(self, index: int, kind: str, raw: Raw) -> int:
        number = self._thoughts
        self._thoughts += 1
        self._open[index] = _Block(kind, number, raw)
        return number

    def _begin_tool(self, index: int, raw: Raw) -> tuple[Event, ...]:
        block = TOOL_USE_BLOCK.decode(raw)
        number = self._calls
        self._calls += 1
        self._open[index] = _Block("tool_use", number, raw, block.input)
        call_id = self._ids.own(block.id, "toolu_", f"{self._seed}/{number}/{block.name}")
        return (ToolCallStarted(index=number, id=call_id, name=block.name),)

    def _delta(self, event: StreamEvent) -> tuple[Event, ...]:
        delta = event.delta
        if delta is None:
            return _UNREADABLE
        read = _DELTAS.get(delta.type or "")
        if read is None:
            return ()
        return read(self._open.get(self._place(event)), delta)

    def _place(self, event: StreamEvent) -> int:
        """The block that an event is about; the newest, where it does not say."""
        return next(reversed(self._open), -1) if event.index is None else event.index

    def _stop_block(self, event: StreamEvent) -> tuple[Event, ...]:
        return self._close(self._open.pop(self._place(event), None))

    def _close(self, block: _Block | None) -> tuple[Event, ...]:
        """What of a block is told at its end."""
        if block is None or block.kind in ("text", "thinking", "redacted_thinking"):
            return ()
        if block.kind != "tool_use":
            return (OpaqueAdded(raw=_whole(block), family=FAMILY),)
        if block.fed or block.input in _EMPTY_INPUTS:
            return ()
        # Some servers send the whole input with the beginning and no pieces of it.
        return (ToolCallDelta(index=block.number, arguments=bytes(block.input).decode()),)

    def _finish(self, event: StreamEvent) -> tuple[Event, ...]:
        said: list[Event] = []
        usage = read_usage(event.usage)
        if usage is not None:
            self._usage = merge_usage(self._usage, usage)
            said.append(UsageReported(usage=split_usage(self._usage)))
        delta = event.delta
        if delta is not None and delta.stop_reason and not self._finished:
            self._finished = True
            reason = decode_finish(delta.stop_reason, called=self._calls > 0)
            said.append(Finished(reason=reason, said=delta.stop_reason, stop_sequence=delta.stop_sequence))
        return tuple(said)

    def _stop(self, _event: StreamEvent) -> tuple[Event, ...]:
        """The provider's own terminal event; without a stop reason before it, it ends nothing. It ends what is open."""
        closed = tuple(event for block in self._open.values() for event in self._close(block))
        self._open.clear()
        return (*closed, *self.end())


def _more_text(_block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    return (TextDelta(text=delta.text),) if delta.text else ()


def _more_thinking(block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    if block is None:
        return _ASTRAY
    return (ReasoningDelta(text=delta.thinking, family=FAMILY, block=block.number),) if delta.thinking else ()


def _signature(block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    if block is None:
        return _ASTRAY
    return (ReasoningDelta(signature=delta.signature, family=FAMILY, block=block.number),) if delta.signature else ()


def _more_input(block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    if block is None:
        return _ASTRAY
    if not delta.partial_json:
        return ()
    if block.kind != "tool_use":
        block.pieces.append(delta.partial_json)
        return ()
    block.fed = True
    return (ToolCallDelta(index=block.number, arguments=delta.partial_json),)


def _citation(_block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    return (CitationAdded(citation=delta.citation, family=FAMILY),) if delta.citation != NULL else ()


def _compaction(block: _Block | None, delta: DeltaBody) -> tuple[Event, ...]:
    """What the conversation was made into: all of it at once, behind a block that began empty."""
    if block is None:
        return _ASTRAY
    said = {"content": delta.content, "encrypted_content": delta.encrypted_content}
    block.more |= {name: raw for name, raw in said.items() if raw != NULL}
    return ()


def _whole(block: _Block) -> Raw:
    """An opaque block with what came of it in pieces; pieces of an input that make no object are left out."""
    more = block.more
    pieces = "".join(block.pieces).encode()
    try:
        OBJECT.decode(pieces)
        more = {**more, "input": Raw(pieces)}
    except UNREADABLE:
        pass
    return Raw(joined({**OBJECT.decode(block.raw), **more})) if more else block.raw


_EVENTS: dict[str, Callable[[MessageDecoder, StreamEvent], tuple[Event, ...]]] = {
    "message_start": MessageDecoder._start,
    "content_block_start": MessageDecoder._start_block,
    "content_block_delta": MessageDecoder._delta,
    "content_block_stop": MessageDecoder._stop_block,
    "message_delta": MessageDecoder._finish,
    "message_stop": MessageDecoder._stop,
}
"""Event type -> its reader. `ping` says nothing, and nor do types to come."""

_BEGINNINGS: dict[str, Callable[[MessageDecoder, int, Raw], tuple[Event, ...]]] = {
    "text": MessageDecoder._begin_text,
    "thinking": MessageDecoder._begin_thinking,
    "redacted_thinking": MessageDecoder._begin_redacted,
    "tool_use": MessageDecoder._begin_tool,
}
"""Block type -> its reader; all others are opaque and are told whole when they end."""

_DELTAS: dict[str, Callable[[_Block | None, DeltaBody], tuple[Event, ...]]] = {
    "text_delta": _more_text,
    "thinking_delta": _more_thinking,
    "signature_delta": _signature,
    "input_json_delta": _more_input,
    "citations_delta": _citation,
    "compaction_delta": _compaction,
}
