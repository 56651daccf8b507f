"""Streams: pieces of an answer to events. Only providers speak this dialect, so nothing is said in it."""

from __future__ import annotations

import re

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    OpaqueAdded,
    ReasoningDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.usage import Usage
from router.wire.dialect import Frame
from router.wire.gemini.fault import error_in, fault_inside
from router.wire.gemini.reply import (
    FAMILY,
    arguments_text,
    blocked_because,
    call_id,
    citations_in,
    created_s,
    decode_finish,
    logprobs_in,
    opaque_in,
)
from router.wire.gemini.schema import ANSWER, NULL, UNREADABLE, Answer, Candidate, FunctionCall, Part
from router.wire.gemini.usage import decode_usage
from router.wire.ids import CallIds

_BARE = re.compile(rb"(?:\A|[\r\n])\s*(?=[\[{])")


class _ChoiceReader:
    """One choice of an upstream stream: what it said so far, as far as later pieces depend on it."""

    def __init__(self, choice: int, family: str) -> None:
        self._choice = choice
        self._family = family
        self._block = 0
        self._thinks = False
        self._called = 0
        self._ids = CallIds()
        self._spoke = False
        self.finished: Finish | None = None

    def read(self, piece: Candidate, seed: str) -> list[Event]:
        """The events in one piece. Raises `WireFault` for an answer that ends as a failure."""
        choice = self._choice
        events: list[Event] = []
        for part in (piece.content.parts if piece.content else None) or ():
            events += self._part(part, seed)
        events += [CitationAdded(citation=raw, family=FAMILY, choice=choice) for raw in citations_in(piece)]
        logprobs = logprobs_in(piece)
        if logprobs is not None:
            events.append(LogprobsAdded(logprobs=logprobs, choice=choice))
        word = piece.finish_reason
        if word and self.finished is None:
            self.finished = decode_finish(word, called=self._called > 0, spoke=self._spoke)
            events.append(Finished(reason=self.finished, said=word, choice=choice))
        elif self.finished is Finish.STOP and self._called:
            self.finished = Finish.TOOL_CALLS
            events.append(Finished(reason=self.finished, said=word or "", choice=choice))
        return events

    def block(self, said: str) -> Finished:
        """The prompt was blocked before this choice said anything."""
        self.finished = Finish.CONTENT_FILTER
        return Finished(reason=self.finished, said=said, choice=self._choice)

    def _part(self, part: Part, seed: str) -> list[Event]:
        call, signature = part.function_call, part.thought_signature
        if call is not None:
            return self._call(call, signature, seed) if call.name else []
        opaque = opaque_in(part)
        if opaque is not None:
            self._speak()
            return [OpaqueAdded(raw=opaque, family=self._family, choice=self._choice)]
        if part.thought:
            return self._thought(part.text or "", signature)
        events: list[Event] = []
        if part.text:
            self._speak()
            events.append(TextDelta(text=part.text, choice=self._choice))
        if signature:
            # It seals the text before it; canon has a place for it only where thinking is.
            self._speak()
            events += self._thought("", signature)
        return events

    def _thought(self, text: str, signature: str | None) -> list[Event]:
        if not text and not signature:
            return []
        self._thinks = self._spoke = True
        thought = ReasoningDelta(
            text=text, signature=signature, family=self._family, block=self._block, choice=self._choice
        )
        if signature:
            self._speak()
        return [thought]

    def _call(self, call: FunctionCall, signature: str | None, seed: str) -> list[Event]:
        """A call, which comes whole; the first of several that belong together has the signature of all."""
        self._speak()
        index = self._called
        self._called += 1
        events: list[Event] = [
            ToolCallStarted(
                index=index,
                id=call_id(call, self._ids, f"{seed}/{self._choice}/{index}"),
                name=call.name or "",
                signature=signature,
                family=self._family if signature else None,
                choice=self._choice,
            )
        ]
        arguments = arguments_text(call)
        if arguments:
            events.append(ToolCallDelta(index=index, arguments=arguments, choice=self._choice))
        return events

    def _speak(self) -> None:
        """Something other than thinking comes, or thinking is sealed: its block is over."""
        self._spoke = True
        self._block += self._thinks
        self._thinks = False


class GeminiDecoder:
    """A `StreamDecoder`. An answer is complete when the bytes are over and every choice that began has a finish reason.

    Google sends no terminal event of its own; a prompt that was blocked is complete as well. `family` is whose
    signatures the stream holds.
    """

    def __init__(self, family: str = FAMILY) -> None:
        self._family = family
        self._choices: dict[int, _ChoiceReader] = {}
        self._started = False
        self._ended = False
        self._seed = ""
        self._counts = NULL
        self._usage: Usage | None = None

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for an error, which may stand in the stream without `data:`."""
        _raise_bare_error(frame)
        if not frame.data:
            return ()
        try:
            answer = ANSWER.decode(frame.data)
        except UNREADABLE as failure:
            error = error_in(frame.data)
            if error is not None:
                raise fault_inside(error) from failure
            return (Skipped(why="an event that is no generated content"),)
        if answer.error != NULL:
            raise fault_inside(answer.error)
        return self._read(answer)

    def end(self) -> tuple[Event, ...]:
        """`Ended`, once, if every choice that began has finished."""
        choices = self._choices.values()
        if self._ended or not choices or not all(choice.finished for choice in choices):
            return ()
        self._ended = True
        return (Ended(),)

    def _read(self, answer: Answer) -> tuple[Event, ...]:
        events: list[Event] = []
        if not self._started and (answer.response_id or answer.model_version or answer.candidates):
            self._started = True
            self._seed = answer.response_id or ""
            events.append(
                Started(id=self._seed, model=answer.model_version or "", created_s=created_s(answer)),
            )
        for place, candidate in enumerate(answer.candidates or ()):
            index = place if candidate.index is None else candidate.index
            events += self._choice(index).read(candidate, self._seed)
        blocked = blocked_because(answer)
        if blocked is not None and not self._choices:
            events.append(self._choice(0).block(blocked))
        if answer.usage_metadata != self._counts:
            self._counts = answer.usage_metadata
            events += self._counted(answer.usage_metadata)
        return tuple(events)

    def _counted(self, counts: Raw) -> list[Event]:
        """What every event says of the whole answer so far, where it is news."""
        usage = decode_usage(counts)
        if usage is None or usage == self._usage:
            return []
        self._usage = usage
        return [UsageReported(usage=usage)]

    def _choice(self, index: int) -> _ChoiceReader:
        return self._choices.get(index) or self._choices.setdefault(index, _ChoiceReader(index, self._family))


def _raise_bare_error(frame: Frame) -> None:
    """An error among events stands on lines of its own, without a field's name, over as many as it needs."""
    raw = frame.raw
    if len(raw) - len(frame.data) < 16 and frame.data:
        return
    for match in _BARE.finditer(raw):
        error = error_in(raw[match.end() :])
        if error is not None:
            raise fault_inside(error)
