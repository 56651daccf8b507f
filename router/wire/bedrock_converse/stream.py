"""Streams: ConverseStream's events to canon's.

Text and thinking begin without a word; only tool calls, and blocks that no other dialect has words for, are announced.
`messageStop` says why the model stopped; `metadata` behind it what it used, and that is the last there is.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
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
from router.wire.anthropic_messages.message import FAMILY as CLAUDE
from router.wire.bedrock_converse import schema
from router.wire.bedrock_converse.fault import fault_inside
from router.wire.bedrock_converse.reply import SERVER_TOOL, decode_finish, decode_redacted, stop_sequence
from router.wire.bedrock_converse.request import ANSWER_TOOL
from router.wire.bedrock_converse.schema import ENCODER, FAMILY, NULL, OBJECT, TOOL_USE, Delta, ToolUse
from router.wire.bedrock_converse.usage import decode_usage
from router.wire.dialect import Frame
from router.wire.eventstream import exception_of
from router.wire.ids import CallIds, made_up_id
from router.wire.members import UNREADABLE

_ENDED = (Ended(),)


class _Whole:
    """A block that is only told when it is whole: what it began with, and its pieces."""

    def __init__(self, kind: str, begun: Raw) -> None:
        self._kind = kind
        self._begun = begun
        self._inputs: list[str] = []
        self._content: list[Raw] = []
        self._source: Raw | None = None

    def add(self, delta: Delta) -> None:
        """One more piece."""
        if delta.tool_use is not None:
            self._inputs.append(delta.tool_use.input or "")
        self._content += delta.tool_result or ()
        if delta.image != NULL:
            self._source = OBJECT.decode(delta.image).get("source", self._source)

    def block(self) -> Raw:
        """The block as a whole answer would hold it. Raises `msgspec.DecodeError` when its pieces make no block."""
        members: dict[str, object] = dict(OBJECT.decode(self._begun))
        if self._inputs:
            members["input"] = Raw(ENCODER.encode(msgspec.json.decode("".join(self._inputs))))
        if self._content:
            members["content"] = self._content
        if self._source is not None:
            members["source"] = self._source
        return Raw(ENCODER.encode({self._kind: members}))


class ConverseDecoder:
    """A `StreamDecoder`. An answer is complete with the `metadata` behind `messageStop`, or when the bytes end there.

    The service names no answer, so an id is made of the first two events. It tells no model either.
    """

    def __init__(self) -> None:
        self._seed: bytes | None = None
        self._finished = False
        self._ended = False
        self._calls: dict[int, int] = {}
        self._called = 0
        self._ids = CallIds()
        self._answers: set[int] = set()
        self._thoughts: dict[int, int] = {}
        self._wholes: dict[int, _Whole] = {}

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for any exception, and for an answer that is said to be broken."""
        if self._ended:
            return ()
        exception = exception_of(frame)
        if exception is not None:
            raise fault_inside(exception, frame.data)
        read = _READERS.get(frame.event)
        if read is None:
            return ()
        begun = self._begin(frame)
        try:
            return begun + read(self, frame.data)
        except UNREADABLE:
            return (*begun, Skipped(why=f"a {frame.event} event that cannot be read"))

    def end(self) -> tuple[Event, ...]:
        """`Ended`, once, if the model had stopped: only the account of it can be missing then."""
        if self._ended or not self._finished:
            return ()
        self._ended = True
        return _ENDED

    def _begin(self, frame: Frame) -> tuple[Event, ...]:
        """`Started`, with the second event: the first is the same for every answer but for its padding."""
        if self._seed is None:
            self._seed = frame.raw
            return ()
        if not self._seed:
            return ()
        seed = (self._seed + frame.raw).hex()
        self._seed = b""
        return (Started(id=made_up_id("converse-", seed), model=""),)

    def _message_start(self, data: bytes) -> tuple[Event, ...]:
        return ()

    def _block_start(self, data: bytes) -> tuple[Event, ...]:
        begun = schema.BLOCK_START.decode(data)
        for kind, raw in begun.start.items():
            call = TOOL_USE.decode(raw) if kind == "toolUse" else None
            if call is None or call.type == SERVER_TOOL:
                self._wholes[begun.content_block_index] = _Whole(kind, raw)
            else:
                return self._call(begun.content_block_index, call)
        return ()

    def _call(self, place: int, call: ToolUse) -> tuple[Event, ...]:
        if call.name == ANSWER_TOOL:
            self._answers.add(place)
            return ()
        index = self._calls[place] = self._called
        self._called += 1
        call_id = self._ids.own(call.tool_use_id, "tooluse_", f"{index}/{call.name}")
        return (ToolCallStarted(index=index, id=call_id, name=call.name),)

    def _block_delta(self, data: bytes) -> tuple[Event, ...]:
        said = schema.BLOCK_DELTA.decode(data)
        place, delta = said.content_block_index, said.delta
        if place in self._wholes:
            self._wholes[place].add(delta)
        elif delta.text:
            return (TextDelta(text=delta.text),)
        elif delta.tool_use is not None:
            return self._input(place, delta.tool_use.input)
        elif delta.reasoning_content is not None:
            return self._thought(place, delta.reasoning_content)
        elif delta.citation != NULL:
            return (CitationAdded(citation=delta.citation, family=FAMILY),)
        return ()

    def _input(self, place: int, text: str | None) -> tuple[Event, ...]:
        """More of a call's input; that of the tool that stands for the answer's form is the answer."""
        if not text:
            return ()
        if place in self._answers:
            return (TextDelta(text=text),)
        index = self._calls.get(place)
        if index is None:
            return (Skipped(why="input of a tool call that never began"),)
        return (ToolCallDelta(index=index, arguments=text),)

    def _thought(self, place: int, said: schema.ReasoningDelta) -> tuple[Event, ...]:
        """More thinking. Whose it is shows only when it is sealed."""
        block = self._thoughts.setdefault(place, len(self._thoughts))
        events: list[Event] = []
        if said.text:
            events.append(ReasoningDelta(text=said.text, block=block))
        if said.signature:
            events.append(ReasoningDelta(signature=said.signature, family=CLAUDE, block=block))
        if said.redacted_content:
            redacted, family = decode_redacted(said.redacted_content)
            events.append(ReasoningDelta(redacted=redacted, family=family, block=block))
        return tuple(events)

    def _block_stop(self, data: bytes) -> tuple[Event, ...]:
        whole = self._wholes.pop(schema.BLOCK_STOP.decode(data).content_block_index, None)
        return () if whole is None else (OpaqueAdded(raw=whole.block(), family=FAMILY),)

    def _message_stop(self, data: bytes) -> tuple[Event, ...]:
        stop = schema.MESSAGE_STOP.decode(data)
        if self._finished:
            return ()
        reason = decode_finish(stop.stop_reason, called=bool(self._calls))
        self._finished = True
        matched = stop_sequence(stop.additional_model_response_fields)
        return (Finished(reason=reason, said=stop.stop_reason, stop_sequence=matched),)

    def _metadata(self, data: bytes) -> tuple[Event, ...]:
        metadata = schema.METADATA.decode(data)
        usage = decode_usage(metadata.usage, metadata.service_tier)
        counted: tuple[Event, ...] = () if usage is None else (UsageReported(usage=usage),)
        return counted + self.end()


_READERS: dict[str, Callable[[ConverseDecoder, bytes], tuple[Event, ...]]] = {
    "messageStart": ConverseDecoder._message_start,
    "contentBlockStart": ConverseDecoder._block_start,
    "contentBlockDelta": ConverseDecoder._block_delta,
    "contentBlockStop": ConverseDecoder._block_stop,
    "messageStop": ConverseDecoder._message_stop,
    "metadata": ConverseDecoder._metadata,
}
"""Event -> its reader; events of other names are skipped."""
