"""Streams: Cohere's events to canon's. `message-end` is the terminal event; `[DONE]` behind it says nothing more."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finished,
    LogprobsAdded,
    ReasoningDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.wire.cohere_v2.message import FAMILY
from router.wire.cohere_v2.reply import (
    blocks,
    call_named,
    citations,
    decode_finish,
    decode_logprobs,
    listed,
    raise_if_failed,
)
from router.wire.cohere_v2.schema import EVENT, NULL, Delta, EventBody, Said, SaidFunction
from router.wire.cohere_v2.usage import decode_usage
from router.wire.dialect import Frame
from router.wire.ids import CallIds
from router.wire.members import UNREADABLE

_DONE = b"[DONE]"
_NOTHING = "null"
"""What is written as the arguments of a function that takes none; clients want an object, and make it of nothing."""


class _Call:
    """A tool call that goes on. `held` is what may yet turn out to be `_NOTHING`."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.held: str | None = ""

    def more(self, arguments: str) -> list[Event]:
        """The events for more text of its arguments."""
        if self.held is not None:
            arguments = self.held + arguments
            self.held = arguments if _NOTHING.startswith(arguments.strip()) else None
        return [ToolCallDelta(index=self.index, arguments=arguments)] if self.held is None and arguments else []

    def end(self) -> list[Event]:
        """The events for what was held, unless it was nothing."""
        held, self.held = self.held, None
        return [ToolCallDelta(index=self.index, arguments=held)] if held and held.strip() not in ("", _NOTHING) else []


class CohereDecoder:
    """A `StreamDecoder`. An answer is complete with `message-end`, unless that tells of an error."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._called = 0
        self._ids = CallIds()
        self._seed: str | None = None
        self._block = 0
        self._thinks = False
        self._ended = False
        self._readers: dict[str, Callable[[EventBody, Said], list[Event]]] = {
            "content-start": self._content,
            "content-delta": self._content,
            "content-end": self._content_end,
            "tool-plan-delta": self._content,
            "tool-call-start": self._call_start,
            "tool-call-delta": self._call_more,
            "tool-call-end": self._call_end,
            "citation-start": self._cited,
        }
        """By type; an event of any other type adds nothing."""

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for an error in any of the forms in which servers send one."""
        data = frame.data
        if not data or self._ended or data.strip() == _DONE:
            return ()
        try:
            body = EVENT.decode(data)
        except UNREADABLE:
            return (Skipped(why="an event that is no chat event"),)
        delta = body.delta or Delta()
        raise_if_failed(delta.finish_reason, _first_error(body, delta), body.message)
        events: list[Event] = []
        if self._seed is None:
            self._seed = body.id or ""
            events.append(Started(id=self._seed, model=""))
        if body.type == "message-end":
            events += self._end(delta)
        elif body.type in self._readers:
            events += self._readers[body.type](body, delta.message or Said())
        return tuple(events)

    def end(self) -> tuple[Event, ...]:
        """Nothing: `Ended` came with the provider's own last event, or the answer was cut."""
        return ()

    def _content(self, body: EventBody, said: Said) -> list[Event]:
        """Pieces of a block, and of the plan for the calls, which is said to the user like any text."""
        events: list[Event] = []
        for block in blocks(said.content):
            if block.thinking:
                self._thinks = True
                events.append(ReasoningDelta(text=block.thinking, family=FAMILY, block=self._block))
            if block.text:
                events += self._text(block.text)
        if said.tool_plan:
            events += self._text(said.tool_plan)
        if body.logprobs is not NULL and (logprobs := decode_logprobs(body.logprobs)) is not None:
            events.append(LogprobsAdded(logprobs=logprobs))
        return events

    def _text(self, text: str) -> list[Event]:
        self._close_block()
        return [TextDelta(text=text)]

    def _content_end(self, body: EventBody, said: Said) -> list[Event]:
        self._close_block()
        return []

    def _close_block(self) -> None:
        if self._thinks:
            self._thinks = False
            self._block += 1

    def _call_start(self, body: EventBody, said: Said) -> list[Event]:
        self._close_block()
        events: list[Event] = []
        for call in listed(said.tool_calls):
            begun = _Call(self._called)
            self._calls[self._called if body.index is None else body.index] = begun
            call_id, name = call_named(call, self._ids, f"{self._seed}/{self._called}")
            self._called += 1
            events.append(ToolCallStarted(index=begun.index, id=call_id, name=name))
            events += begun.more((call.function or SaidFunction()).arguments or "")
        return events

    def _call_more(self, body: EventBody, said: Said) -> list[Event]:
        call = self._call_of(body)
        arguments = "".join((piece.function or SaidFunction()).arguments or "" for piece in listed(said.tool_calls))
        if call is None:
            return [Skipped(why="a piece of a tool call that never began")]
        return call.more(arguments)

    def _call_end(self, body: EventBody, said: Said) -> list[Event]:
        call = self._call_of(body)
        return [] if call is None else call.end()

    def _call_of(self, body: EventBody) -> _Call | None:
        """The call an event is about: that of its index, or the last one where it has none."""
        index = body.index if body.index is not None else next(reversed(self._calls), None)
        return None if index is None else self._calls.get(index)

    def _cited(self, body: EventBody, said: Said) -> list[Event]:
        return [CitationAdded(citation=raw, family=FAMILY) for raw in citations(said.citations)]

    def _end(self, delta: Delta) -> list[Event]:
        self._ended = True
        events = [event for call in self._calls.values() for event in call.end()]
        usage = decode_usage(delta.usage)
        if usage is not None:
            events.append(UsageReported(usage=usage))
        said = delta.finish_reason or ""
        return [*events, Finished(reason=decode_finish(said, called=self._called > 0), said=said), Ended()]


def _first_error(body: EventBody, delta: Delta) -> Raw:
    return body.error if body.error != NULL else delta.error
