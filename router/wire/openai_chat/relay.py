"""The same dialect in and out: chunks pass on byte for byte, but for five things.

What was asked on our own account (usage) is taken out again; tool call deltas without a proper index, id or name are
put in order, and event names that some servers give are taken off, since clients crash on them or pass such events by;
`[DONE]` is said exactly once, and only for an answer that is complete. Azure's remarks on what it filtered, chunks with
choices that have no delta, even behind the finish, are left out: OpenAI's own clients crash on them.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.canon.event import (
    CONTENT,
    Ended,
    Event,
    ReasoningDelta,
    Skipped,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.reply import Reply
from router.canon.request import ToolCall
from router.errors import GatewayError
from router.wire.dialect import Ask, Frame, Relay
from router.wire.members import MEMBERS, joined
from router.wire.openai_chat.fault import encode_envelope
from router.wire.openai_chat.reply import call_said, given_id
from router.wire.openai_chat.schema import CHUNK, ENCODER, NULL, Chunk
from router.wire.openai_chat.stream import DONE, DONE_EVENT, ChatEncoder
from router.wire.sse import SKIPPED_NOTE, closed

_NULL_USAGE = b',"usage":null'
_CHOICES = msgspec.json.Decoder(list[dict[str, Raw]])
_NOTHING = Raw(b"{}")
_ToolEvent = ToolCallStarted | ToolCallDelta
_WORDS = frozenset({TextDelta, ReasoningDelta})


class ChatRelay:
    """A `Relay`. Comments and what it does not know pass as they came; a note stands for what could not be read."""

    def __init__(self, ask: Ask) -> None:
        self._hides_usage = ask.include_usage is not True
        self._done = False
        self.passed_bytes = 0

    @property
    def can_hand_over(self) -> bool:
        """Always: a chunk needs nothing of those before it but their id and model."""
        return True

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The frame as it came, mended where it must be, or nothing."""
        data = frame.data
        if self._done:
            return b""
        if not data:
            return b"" if frame.event else closed(frame.raw)
        if data.strip() == DONE:
            return self._finish(frame, events)
        first = type(events[0]) if events else None
        if first is Skipped or (first is None and _is_remark(data)):
            return SKIPPED_NOTE
        mended = data
        # From the end, where usage stands: most of the time per chunk goes into looking for it.
        if self._hides_usage and data.rfind(b'"usage"') >= 0:
            if first not in CONTENT and _is_usage_only(data, events):
                return b""
            mended = _without_null_usage(data)
        if not (first in _WORDS and len(events) == 1) and b'"tool_calls"' in data:
            mended = _with_proper_calls(mended, events)
        return closed(frame.raw) if mended is data and not frame.event else _unnamed(mended)

    def end(self) -> bytes:
        """`[DONE]`, if the provider's own did not pass."""
        if self._done:
            return b""
        self._done = True
        return DONE_EVENT

    def fault(self, error: GatewayError) -> bytes:
        """As the encoder says it; nothing behind `[DONE]`, where the caller has all there is."""
        return b"" if self._done else b"data: %b\n\n" % encode_envelope(error)

    def _finish(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The provider's `[DONE]` behind a complete answer; behind an incomplete one it would be a lie."""
        if not any(isinstance(event, Ended) for event in events):
            return b""
        self._done = True
        return DONE_EVENT if frame.event else closed(frame.raw)


def take_over(ask: Ask, relay: Relay, told: tuple[Event, ...]) -> ChatEncoder:
    """An encoder that has said the same; what it said of it is heard by nobody."""
    del relay
    encoder = ChatEncoder(ask)
    encoder.feed(told)
    return encoder


def mended_reply(body: bytes, reply: Reply) -> bytes:
    """A whole answer byte for byte, but for calls that came without an id of their own: they get the one we read.

    Clients answer a call by its id, and the answers to two calls without one cannot be told apart.
    """
    if all(part.id.encode() in body for choice in reply.choices for part in choice.parts if isinstance(part, ToolCall)):
        return body
    members = MEMBERS.decode(body)
    choices = _CHOICES.decode(members["choices"])
    for choice, said in zip(choices, reply.choices, strict=False):
        message = MEMBERS.decode(choice.get("message", _NOTHING))
        calls = [part for part in said.parts if isinstance(part, ToolCall)]
        if calls and "tool_calls" in message:
            named = [
                {**call, "id": Raw(ENCODER.encode(part.id))}
                for call, part in zip(_CHOICES.decode(message["tool_calls"]), calls, strict=False)
            ]
            choice["message"] = Raw(joined({**message, "tool_calls": _listed(named)}))
    return joined({**members, "choices": _listed(choices)})


def _listed(objects: list[dict[str, Raw]]) -> Raw:
    return Raw(b"[%b]" % b",".join(map(joined, objects)))


def _unnamed(data: bytes) -> bytes:
    """An event that is its data and nothing else; JSON may be spread over lines."""
    return b"data: %b\n\n" % data.replace(b"\n", b"\ndata: ")


def _is_usage_only(data: bytes, events: tuple[Event, ...]) -> bool:
    """Whether a chunk holds nothing but usage: no choice in it, not even an empty one."""
    if not any(isinstance(event, UsageReported) for event in events):
        return False
    return not CHUNK.decode(data).choices


def _is_remark(data: bytes) -> bool:
    """Whether a chunk that says nothing has a choice without a delta. Few say nothing, so that looking costs little."""
    return any(piece.delta is None for piece in CHUNK.decode(data).choices or ())


def _without_null_usage(data: bytes) -> bytes:
    """The chunk without its `"usage":null`, which OpenAI puts on every chunk of a stream that will report usage.

    The quick way is taken where only the chunk's own closing brace follows, so that the member is surely the chunk's.
    """
    place = data.rfind(_NULL_USAGE)
    if place >= 0:
        tail = data[place + len(_NULL_USAGE) :]
        if b"{" not in tail and tail.find(b"}") == len(tail) - 1:
            return data[:place] + tail
    members = MEMBERS.decode(data)
    if members.get("usage") != NULL:
        return data
    return joined({name: value for name, value in members.items() if name != "usage"})


def _with_proper_calls(data: bytes, events: tuple[Event, ...]) -> bytes:
    """The chunk with its tool calls as the events number and name them, if they are not so already."""
    chunk = CHUNK.decode(data)
    said = [event for event in events if isinstance(event, _ToolEvent)]
    if _are_proper(chunk, said):
        return data
    members = MEMBERS.decode(data)
    choices = _CHOICES.decode(members["choices"])
    for place, (choice, piece) in enumerate(zip(choices, chunk.choices or (), strict=True)):
        if piece.delta is None or not piece.delta.tool_calls:
            continue
        index = place if piece.index is None else piece.index
        delta = MEMBERS.decode(choice["delta"])
        calls = _wire_calls([event for event in said if event.choice == index])
        delta["tool_calls"] = Raw(ENCODER.encode(calls))
        if not calls:
            del delta["tool_calls"]
        choice["delta"] = Raw(joined(delta))
    return joined({**members, "choices": _listed(choices)})


def _are_proper(chunk: Chunk, said: list[_ToolEvent]) -> bool:
    """Whether every piece has the index the events gave its call, and id and name on the first piece and no other."""
    expected: dict[tuple[int, int], ToolCallStarted | None] = {}
    for event in said:
        begun = event if isinstance(event, ToolCallStarted) else None
        expected.setdefault((event.choice, event.index), begun)
    for place, choice in enumerate(chunk.choices or ()):
        index = place if choice.index is None else choice.index
        for call in (choice.delta.tool_calls if choice.delta else None) or ():
            name, arguments, _ = call_said(call)
            key = (index, -1 if call.index is None else call.index)
            if key not in expected:
                if arguments or name or given_id(call) or call.index is None:
                    return False
                continue
            begun = expected.pop(key)
            named = (begun.id, begun.name) if begun is not None else (None, "")
            if (given_id(call), name) != named:
                return False
    return not expected


def _wire_calls(events: list[_ToolEvent]) -> list[dict[str, object]]:
    calls: dict[int, dict[str, object]] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            kind, field = ("custom", "input") if event.custom else ("function", "arguments")
            named = {"name": event.name, field: ""}
            calls[event.index] = {"index": event.index, "id": event.id, "type": kind, kind: named}
        else:
            call = calls.setdefault(event.index, {"index": event.index, "function": {}})
            _add(call, event.arguments)
    return list(calls.values())


def _add(call: dict[str, object], arguments: str) -> None:
    kind, field = ("custom", "input") if "custom" in call else ("function", "arguments")
    inner = call[kind]
    assert isinstance(inner, dict)
    inner[field] = inner.get(field, "") + arguments
