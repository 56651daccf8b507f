"""Streams: Ollama's lines to canon's events. The line that is `done` is the terminal event."""

from __future__ import annotations

from router.canon.event import (
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
from router.wire.dialect import Frame
from router.wire.ids import CallIds, made_up_id
from router.wire.members import UNREADABLE
from router.wire.ollama_chat.reply import (
    FAMILY,
    created_s,
    decode_call,
    decode_finish,
    decode_logprobs,
    decode_usage,
    raise_if_failed,
    seed_of,
)
from router.wire.ollama_chat.schema import ANSWER, NULL, AnswerBody, Said


class OllamaDecoder:
    """A `StreamDecoder`. An answer is complete with its line that is `done`."""

    def __init__(self) -> None:
        self._seed: str | None = None
        self._called = 0
        self._ids = CallIds()
        self._block = 0
        self._thinks = False
        self._ended = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one line. Raises `WireFault` for a line that is an error."""
        if not frame.data or self._ended:
            return ()
        try:
            answer = ANSWER.decode(frame.data)
        except UNREADABLE:
            return (Skipped(why="a line that is no part of a chat answer"),)
        raise_if_failed(answer)
        if answer.message is None and not answer.done:
            return ()
        events = [] if self._seed is not None else [self._start(answer)]
        if answer.message is not None:
            self._read(answer.message, events)
        if answer.logprobs is not NULL and (logprobs := decode_logprobs(answer.logprobs)) is not None:
            events.append(LogprobsAdded(logprobs=logprobs))
        if answer.done:
            self._end(answer, events)
        return tuple(events)

    def end(self) -> tuple[Event, ...]:
        """Nothing: `Ended` came with the provider's own last line, or the answer was cut."""
        return ()

    def _start(self, answer: AnswerBody) -> Event:
        self._seed = seed_of(answer)
        return Started(id=made_up_id("chat-", self._seed), model=answer.model or "", created_s=created_s(answer))

    def _read(self, said: Said, events: list[Event]) -> None:
        if said.thinking:
            self._thinks = True
            events.append(ReasoningDelta(text=said.thinking, family=FAMILY, block=self._block))
        if self._thinks and (said.content or said.tool_calls):
            self._thinks = False
            self._block += 1
        if said.content:
            events.append(TextDelta(text=said.content))
        for part in said.tool_calls or ():
            call = decode_call(part, self._ids, f"{self._seed}/{self._called}")
            events.append(ToolCallStarted(index=self._called, id=call.id, name=call.name))
            if call.arguments:
                events.append(ToolCallDelta(index=self._called, arguments=call.arguments))
            self._called += 1

    def _end(self, answer: AnswerBody, events: list[Event]) -> None:
        self._ended = True
        usage = decode_usage(answer)
        if usage is not None:
            events.append(UsageReported(usage=usage))
        finish = decode_finish(answer, called=self._called > 0)
        events += [Finished(reason=finish, said=answer.done_reason or ""), Ended()]
