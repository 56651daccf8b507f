"""Streams: chunks to events, and events to chunks. `relay.py` passes chunks on as they came."""

from __future__ import annotations

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.request import Reasoning
from router.canon.usage import Usage
from router.errors import GatewayError, Reason, WireFault
from router.wire.citations import nested
from router.wire.dialect import Ask, Frame, Relay, Run
from router.wire.ids import made_up_id
from router.wire.members import MEMBERS, UNREADABLE, joined
from router.wire.openai_chat.calls import CallBook
from router.wire.openai_chat.fault import encode_envelope, fault_inside
from router.wire.openai_chat.message import FAMILY, GOOGLE, encode_detail
from router.wire.openai_chat.mould import Mould, mould_of
from router.wire.openai_chat.reply import (
    decode_finish,
    encode_finish,
    fingerprint,
    raise_if_failed,
    split_content,
    stop_sequence,
)
from router.wire.openai_chat.schema import (
    CHUNK,
    ENCODER,
    NULL,
    Chunk,
    ChunkChoice,
    ExtraContent,
    GoogleExtra,
    ReasoningDetail,
    Said,
    ToolSaid,
)
from router.wire.openai_chat.usage import decode_usage, encode_usage
from router.wire.signatures import pack_id
from router.wire.sse import SKIPPED_NOTE
from router.wire.tiers import openai_tier

DONE = b"[DONE]"
DONE_EVENT = b"data: [DONE]\n\n"
KEEPALIVE = b": keepalive\n\n"

_ENDED = (Ended(),)

_MOULDS = 4
"""Moulds made of one stream: where chunks differ in more than their text, each further one would be in vain."""


class _ChoiceReader:
    """One choice of an upstream stream: what it said so far, as far as later pieces depend on it.

    `thinks` says that more text would end a thought.
    """

    def __init__(self, choice: int) -> None:
        self.choice = choice
        self._calls = CallBook(choice)
        self._block = 0
        self.thinks = False
        self._said_text = False
        self._refused = False
        self.finished: Finished | None = None

    def read(self, piece: ChunkChoice, seed: str) -> list[Event]:
        """The events in one piece, in the order a client wants them."""
        events: list[Event] = []
        if piece.delta is not None:
            self._read_said(piece.delta, seed, events)
        if piece.logprobs != NULL:
            events.append(LogprobsAdded(logprobs=piece.logprobs, choice=self.choice))
        if piece.error != NULL or piece.finish_reason:
            raise_if_failed(piece)
        if piece.finish_reason and self.finished is None:
            events.append(self._finish(piece, piece.finish_reason))
        elif self.finished is not None and self.finished.reason is Finish.STOP and self._calls.called:
            events.append(self._finish(piece, self.finished.said))
        return events

    def _read_said(self, said: Said, seed: str, events: list[Event]) -> None:
        choice = self.choice
        thought, text = split_content(said.content)
        thought = said.reasoning_content or said.reasoning or thought
        if thought or said.reasoning_details:
            events += self._think(thought, said.reasoning_details or ())
        if self.thinks and (text or said.refusal or said.tool_calls or said.function_call):
            self.thinks = False
            self._block += 1
        if text:
            self._said_text = True
            events.append(TextDelta(text=text, choice=choice))
        if said.refusal:
            self._refused = True
            events.append(RefusalDelta(text=said.refusal, choice=choice))
        for raw in said.annotations or ():
            events.append(CitationAdded(citation=raw, family=FAMILY, choice=choice))
        for call in said.tool_calls or ():
            events += self._calls.read(call, seed)
        if said.function_call is not None:
            events += self._calls.read(ToolSaid(function=said.function_call), seed)

    def _think(self, thought: str, details: tuple[ReasoningDetail, ...]) -> list[Event]:
        """Thinking, then what seals it; the text of a sealed item came beside it or before it already."""
        events: list[Event] = []
        thought = thought or "".join(detail.text or "" for detail in details if detail.signature is None)
        if thought:
            self.thinks = True
            events.append(ReasoningDelta(text=thought, family=FAMILY, block=self._block, choice=self.choice))
        for detail in details:
            if detail.signature is None and detail.data is None:
                continue
            events.append(
                ReasoningDelta(
                    signature=detail.signature,
                    redacted=detail.data,
                    family=detail.format,
                    block=self._block,
                    choice=self.choice,
                )
            )
            self.thinks = False
            self._block += 1
        return events

    def _finish(self, piece: ChunkChoice, said: str) -> Finished:
        if self._calls.nameless:
            raise WireFault(Reason.MALFORMED, "the provider ended the answer with a tool call without a name")
        refused = self._refused and not self._said_text
        self.finished = Finished(
            reason=decode_finish(said, called=self._calls.called, refused=refused),
            said=said,
            stop_sequence=stop_sequence(piece),
            choice=self.choice,
        )
        return self.finished


class ChatDecoder:
    """A `StreamDecoder`. An answer is complete when every choice that began has finished, with or without `[DONE]`."""

    def __init__(self) -> None:
        self._choices: dict[int, _ChoiceReader] = {}
        self._started = False
        self._ended = False
        self._seed = ""
        self._mould: Mould | None = None
        self._speaker = _ChoiceReader(0)
        """The choice whose text stands in the mould."""
        self._moulds_left = _MOULDS
        self._passed: tuple[Mould, tuple[bytes, bytes] | None] | None = None
        """What a relay makes of the mould, once it was asked."""

    def skim(self, block: bytes, relay: Relay | None) -> Run | None:
        """As `Skimmer` says."""
        mould = self._mould
        if mould is None or self._ended or self._speaker.thinks or (run := mould.run_of(block)) is None:
            return None
        (texts, size_bytes), choice = run, self._speaker.choice
        if relay is None:
            said = tuple([TextDelta(text=text, choice=choice) for text in texts])
            return Run(size_bytes=size_bytes, said=said, passed=b"")
        if self._passed is None or self._passed[0] is not mould:
            self._passed = mould, mould.passed_by(relay)
        if (passed := self._passed[1]) is None:
            return None
        (own, put), raw = passed, block[:size_bytes]
        said = (TextDelta(text="".join(texts), choice=choice),)
        return Run(size_bytes=size_bytes, said=said, passed=raw if put == own else raw.replace(own, put))

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for an error in any of the forms in which servers send one."""
        data = frame.data
        if self._mould is not None and not self._ended and not frame.event:
            text = None if self._speaker.thinks else self._mould.text_of(data)
            if text:
                return (TextDelta(text=text, choice=self._speaker.choice),)
        if not data or self._ended:
            self._raise_bare_error(frame)
            return ()
        if data.strip() == DONE:
            return self.end()
        if frame.event == "error":
            raise fault_inside(data)
        try:
            chunk = CHUNK.decode(data)
        except UNREADABLE:
            return (Skipped(why="an event that is no chat completion chunk"),)
        return self._read(chunk, data)

    def end(self) -> tuple[Event, ...]:
        """`Ended`, once, if every choice that began has finished."""
        choices = self._choices.values()
        if self._ended or not choices or not all(choice.finished for choice in choices):
            return ()
        self._ended = True
        return _ENDED

    def _read(self, chunk: Chunk, data: bytes) -> tuple[Event, ...]:
        if chunk.error is not NULL or chunk.x_groq is not None or chunk.choices is None:
            self._raise_error(chunk, data)
        events: list[Event] = []
        if not self._started and (chunk.id or any(piece.delta is not None for piece in chunk.choices or ())):
            events.append(self._start(chunk))
        for place, piece in enumerate(chunk.choices or ()):
            index = place if piece.index is None else piece.index
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _ChoiceReader(index)
            events += choice.read(piece, self._seed)
        usage = None if chunk.usage is NULL else decode_usage(chunk.usage, chunk.service_tier)
        if usage is None and chunk.x_groq is not None:
            usage = decode_usage(chunk.x_groq.usage, chunk.service_tier)
        if usage is not None:
            events.append(UsageReported(usage=usage))
        if self._moulds_left and len(events) == 1 and isinstance(said := events[0], TextDelta):
            self._make_mould(data, said)
        return tuple(events)

    def _make_mould(self, data: bytes, said: TextDelta) -> None:
        self._moulds_left -= 1
        self._mould = mould_of(data, said.text)
        self._speaker = self._choices[said.choice]

    def _start(self, chunk: Chunk) -> Started:
        self._started = True
        created_s = None if chunk.created is None else int(chunk.created)
        self._seed = f"{chunk.id}/{created_s}"
        return Started(id=chunk.id or "", model=chunk.model or "", created_s=created_s, fingerprint=fingerprint(chunk))

    def _raise_error(self, chunk: Chunk, data: bytes) -> None:
        if chunk.error != NULL:
            raise fault_inside(chunk.error)
        if chunk.x_groq is not None and chunk.x_groq.error != NULL:
            raise fault_inside(chunk.x_groq.error)
        if chunk.choices is None and chunk.object == "error":
            raise fault_inside(data)

    def _raise_bare_error(self, frame: Frame) -> None:
        """Old llama.cpp servers write `error: {...}` where the field should be `data`."""
        if not self._ended and frame.raw.startswith(b"error: {"):
            raise fault_inside(frame.raw.removeprefix(b"error: ").strip())


class _ChoiceWriter:
    """One choice of a stream to a caller: what was said of it, as far as later chunks depend on it."""

    def __init__(self) -> None:
        self.has_role = False
        self.finished: Finished | None = None
        self.refused = False
        self.called = False
        self.bare: set[int] = set()
        self.custom: set[int] = set()
        self.thought: dict[int, list[str]] = {}
        self.cited = 0


class ChatEncoder:
    """A `StreamEncoder`. Says nothing before content, so that an attempt that failed before it leaves no trace.

    The finish of each choice is held until `end`: some providers say more after it, and an answer that fails after
    it must not look complete. All chunks carry the id and model of the first `Started` before content.
    """

    def __init__(self, ask: Ask) -> None:
        self._wants_usage = ask.include_usage is True
        self._tail = b',"usage":null}\n\n' if self._wants_usage else b"}\n\n"
        self._started = Started(id="", model=ask.model)
        self._head = b""
        self._choices: dict[int, _ChoiceWriter] = {}
        self._usage: Usage | None = None

    def feed(self, events: tuple[Event, ...]) -> bytes:
        """The chunks for these events."""
        return b"".join([self._say(event) for event in events])

    def end(self) -> bytes:
        """Finishes, usage if the caller asked for it, and `[DONE]`."""
        counted = self._usage
        # It is known for certain only with the counts: until then no chunk names the tier.
        served = openai_tier(counted)
        tier = b"" if served is None else b',"service_tier":%b' % ENCODER.encode(served)
        self._tail = tier + self._tail
        said = [self._finish(index, choice) for index, choice in self._choices.items()]
        if self._wants_usage:
            usage = None if counted is None else encode_usage(counted)
            said.append(b'%b[]%b,"usage":%b}\n\n' % (self._prefix(), tier, ENCODER.encode(usage)))
        return b"".join(said) + DONE_EVENT

    def fault(self, error: GatewayError) -> bytes:
        """One event with the error; no finish reason and no `[DONE]` follow it."""
        return b"data: %b\n\n" % encode_envelope(error)

    def _say(self, event: Event) -> bytes:  # noqa: C901 one line per kind of event reads better than a table of methods
        match event:
            case TextDelta():
                return self._words(event.choice, event.text)
            case ReasoningDelta():
                return self._delta(event.choice, self._thought(event))
            case ToolCallDelta():
                return self._more_arguments(event)
            case ToolCallStarted():
                return self._call(event)
            case RefusalDelta():
                self._open(event.choice).refused = True
                return self._delta(event.choice, {"refusal": event.text})
            case CitationAdded():
                return self._cite(event)
            case LogprobsAdded():
                return self._chunk(event.choice, {}, logprobs=event.logprobs)
            case UsageReported():
                self._usage = event.usage
            case Finished():
                self._open(event.choice).finished = event
            case Started():
                self._started = event
            case Skipped():
                return SKIPPED_NOTE
        return b""

    def _words(self, index: int, text: str) -> bytes:
        """Text, of which nearly all chunks are: written out where nothing must be said before it."""
        choice = self._choices.get(index)
        if choice is None or not choice.has_role:
            return self._chunk(index, {"content": text})
        said = b'%b[{"index":%d,"delta":{"content":%b},"logprobs":null,"finish_reason":null}]%b'
        return said % (self._head, index, ENCODER.encode(text), self._tail)

    def _thought(self, event: ReasoningDelta) -> dict[str, object]:
        """Thinking as text; what seals a block follows it with the whole of its text, to be sent back unchanged."""
        texts = self._open(event.choice).thought.setdefault(event.block, [])
        texts.append(event.text)
        delta: dict[str, object] = {"reasoning_content": event.text} if event.text else {}
        if event.signature is not None or event.redacted is not None:
            whole = Reasoning(
                text="".join(texts), signature=event.signature, redacted=event.redacted, family=event.family
            )
            delta["reasoning_details"] = [encode_detail(whole, event.block)]
        return delta

    def _cite(self, event: CitationAdded) -> bytes:
        """Sources, numbered: OpenAI's own clients add up what a list holds by its entries' `index`."""
        choice = self._open(event.choice)
        said: list[Raw] = []
        for raw in [event.citation] if event.family == FAMILY else nested(event.citation):
            try:
                said.append(Raw(joined({"index": Raw(b"%d" % choice.cited), **MEMBERS.decode(raw)})))
            except UNREADABLE:
                continue  # a source that is no object: nobody could read it
            choice.cited += 1
        return self._delta(event.choice, {"annotations": said}) if said else b""

    def _call(self, event: ToolCallStarted) -> bytes:
        choice = self._open(event.choice)
        choice.called = True
        seen_id = pack_id(event.id, event.signature, event.family)
        call: dict[str, object] = {"index": event.index, "id": seen_id}
        if event.custom:
            choice.custom.add(event.index)
            call |= {"type": "custom", "custom": {"name": event.name, "input": ""}}
        else:
            choice.bare.add(event.index)
            call |= {"type": "function", "function": {"name": event.name, "arguments": ""}}
        if event.signature is not None and event.family == GOOGLE:
            call["extra_content"] = ExtraContent(google=GoogleExtra(thought_signature=event.signature))
        return self._delta(event.choice, {"tool_calls": [call]})

    def _more_arguments(self, event: ToolCallDelta) -> bytes:
        choice = self._open(event.choice)
        choice.bare.discard(event.index)
        field, member = ("custom", "input") if event.index in choice.custom else ("function", "arguments")
        call = {"index": event.index, field: {member: event.arguments}}
        return self._delta(event.choice, {"tool_calls": [call]})

    def _finish(self, index: int, choice: _ChoiceWriter) -> bytes:
        # A function called without arguments: clients parse what they collected, and "" is not JSON.
        said = [self._more_arguments(ToolCallDelta(index=n, arguments="{}", choice=index)) for n in sorted(choice.bare)]
        if choice.finished is not None:
            word = encode_finish(choice.finished.reason, refused=choice.refused, called=choice.called)
            said.append(self._chunk(index, {}, finish=word))
        return b"".join(said)

    def _open(self, index: int) -> _ChoiceWriter:
        return self._choices.get(index) or self._choices.setdefault(index, _ChoiceWriter())

    def _delta(self, index: int, delta: dict[str, object]) -> bytes:
        return self._chunk(index, delta) if delta else b""

    def _chunk(
        self, index: int, delta: dict[str, object], *, finish: str | None = None, logprobs: object = None
    ) -> bytes:
        """One chunk, and before a choice's first the one that names its role: clients append repeated roles."""
        choice = self._open(index)
        said = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        chunk = b"%b[%b]%b" % (self._prefix(), ENCODER.encode(said), self._tail)
        if choice.has_role:
            return chunk
        choice.has_role = True
        return self._chunk(index, {"role": "assistant", "content": ""}) + chunk

    def _prefix(self) -> bytes:
        """What every chunk of the stream begins with, made once."""
        if not self._head:
            started = self._started
            head = {
                "id": started.id or made_up_id("chatcmpl-", f"{started.model}/{started.created_s}"),
                "object": "chat.completion.chunk",
                "created": started.created_s or 0,
                "model": started.model,
            }
            if started.fingerprint is not None:
                head["system_fingerprint"] = started.fingerprint
            self._head = b'data: %b,"choices":' % ENCODER.encode(head)[:-1]
        return self._head
