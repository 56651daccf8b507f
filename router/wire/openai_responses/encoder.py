"""Streams, downstream: canon's events to those of the Responses API, item by item and numbered without gaps.

Clients build the answer out of the events and throw when one is missing: an item is added before its parts, a part
before its text, and each is told whole when it is done. A call is done when the answer is: until then its arguments may
go on, between those of others.
"""

from __future__ import annotations

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Event,
    Finish,
    Finished,
    LogprobsAdded,
    OpaqueAdded,
    ReasoningDelta,
    RefusalDelta,
    Skipped,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from router.canon.request import Reasoning, ToolCall
from router.canon.usage import Usage
from router.errors import GatewayError
from router.wire.citations import flat
from router.wire.dialect import Ask
from router.wire.members import ENCODER
from router.wire.openai_responses.fault import encode_error_event
from router.wire.openai_responses.item import shown_call, shown_thought
from router.wire.openai_responses.place import Place
from router.wire.openai_responses.reply import (
    content_entries,
    ending_members,
    item_id,
    message_item,
    response_id,
    response_members,
    text_part,
    usage_members,
)
from router.wire.openai_responses.thought import FAMILY
from router.wire.openai_responses.turns import kept_members
from router.wire.sse import SKIPPED_NOTE

KEEPALIVE = b": keepalive\n\n"

_TEXT_DELTA = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":%d,'
    b'%b,"delta":%b,"logprobs":%b}\n\n'
)


class _Part:
    """A part of a message on its way."""

    def __init__(self, index: int, *, refuses: bool) -> None:
        self.index = index
        self.refuses = refuses
        self.is_told = False
        """Its text was said to be whole: no more of it can come, and that is not said again."""
        self.texts: list[str] = []
        self.citations: list[Raw] = []
        self.logprobs: list[Raw] = []
        self.head = b""

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self.texts)

    def members(self) -> dict[str, object]:
        """The part as far as it was said."""
        if self.refuses:
            return {"type": "refusal", "refusal": self.text}
        return text_part(self.text, list(self.citations), list(self.logprobs))


class _Message:
    """A message on its way: its finished parts, and the one that goes on."""

    def __init__(self, place: int, id: str) -> None:
        self.place = place
        self.id = id
        self.content: list[object] = []
        self.part: _Part | None = None


class _Thought:
    """A thought on its way."""

    def __init__(self, place: int, id: str, begun: ReasoningDelta) -> None:
        self.place = place
        self.id = id
        self.block = begun.block
        self.family = begun.family
        self.texts: list[str] = []
        self.signature: str | None = None
        self.redacted: str | None = None

    def whole(self) -> Reasoning:
        """All of it."""
        return Reasoning(text="".join(self.texts), signature=self.signature, redacted=self.redacted, family=self.family)


class _Call:
    """A call on its way."""

    def __init__(self, place: int, id: str, begun: ToolCallStarted) -> None:
        self.place = place
        self.id = id
        self.begun = begun
        self.arguments: list[str] = []

    def item(self, status: str) -> dict[str, object]:
        """The call as an item of the answer, as far as it is known."""
        begun = self.begun
        call = ToolCall(
            id=begun.id,
            name=begun.name,
            arguments="".join(self.arguments),
            custom=begun.custom,
            signature=begun.signature,
            family=begun.family,
        )
        item = {"id": self.id, **shown_call(call), "status": status}
        return item if self.arguments else item | {"input" if begun.custom else "arguments": ""}


class ResponsesEncoder:
    """A `StreamEncoder`. Says nothing before content, so that an attempt that failed before it leaves no trace.

    The finish is held until `end`: an answer that fails after it must not look complete. Of several choices the first
    is said: this protocol has one answer to a request.
    """

    def __init__(self, ask: Ask) -> None:
        self._started = Started(id="", model=ask.model)
        self._kept = ask.kept
        self._head: dict[str, object] = {}
        self._number = 0
        self._output: list[object] = []
        self._message: _Message | None = None
        self._thought: _Thought | None = None
        self._calls: dict[int, _Call] = {}
        self._finish = Finish.STOP
        self._refused = False
        self._usage: Usage | None = None

    def feed(self, events: tuple[Event, ...]) -> bytes:
        """The events for these events."""
        return b"".join([self._say(event) for event in events if getattr(event, "choice", 0) == 0])

    def end(self) -> bytes:
        """What is still open, done, and the whole response."""
        said = [self._begin(), self._close_thought(), self._close_message()]
        said += [self._close_call(call) for call in self._calls.values()]
        ending = ending_members(self._finish, refused=self._refused)
        # Clients take a last event without numbers for one they do not know, and wait for another.
        whole = self._head | ending | {"output": self._output} | usage_members(self._usage or Usage())
        return b"".join(said) + self._event(f"response.{ending['status']}", response=whole)

    def stand(self, place: Place, number: int, told: tuple[Event, ...]) -> None:
        """Go on where another's events stopped: behind their number, in their items, under their ids."""
        for event in told:
            self._started = event if isinstance(event, Started) else self._started
        started, text = self._started, "".join(event.text for event in told if isinstance(event, TextDelta))
        self._head = response_members(place.response, started.model, started.created_s)
        self._number = number
        count = max((*place.items, -1 if place.message is None else place.message), default=-1) + 1
        self._output = [place.items.get(index) for index in range(count)]
        if place.message is None:
            return
        message = self._message = _Message(place.message, place.id)
        message.content = list(place.parts)
        rest = text[place.done_chars :]
        if place.part_open or rest:
            message.part = _Part(len(message.content), refuses=False)
            message.part.texts.append(rest)
            message.part.is_told = place.text_told

    def fault(self, error: GatewayError) -> bytes:
        """One event with the error; nothing is done and no response follows it."""
        return encode_error_event(error, self._number)

    def _say(self, event: Event) -> bytes:  # noqa: C901 one line per kind of event reads better than a table of methods
        match event:
            case TextDelta():
                return self._text(event.text, [])
            case ReasoningDelta():
                return self._think(event)
            case ToolCallDelta():
                return self._more_arguments(self._calls[event.index], event.arguments)
            case ToolCallStarted():
                return self._call(event)
            case RefusalDelta():
                return self._refuse(event.text)
            case LogprobsAdded() if entries := content_entries(event.logprobs):
                return self._text("", entries)
            case CitationAdded():
                cited = [event.citation] if event.family == FAMILY else flat(event.citation)
                return b"".join(map(self._cite, cited))
            case OpaqueAdded() if event.family == FAMILY:
                return self._opaque(event.raw)
            case UsageReported():
                self._usage = event.usage
            case Finished():
                self._finish = event.reason
            case Started():
                self._started = event
            case Skipped():
                return SKIPPED_NOTE
        return b""

    # Messages.

    def _text(self, text: str, logprobs: list[Raw]) -> bytes:
        if not text and not logprobs:
            return b""
        opened, message, part = self._part(refuses=False)
        part.texts.append(text)
        part.logprobs += logprobs
        # Nearly all events are of this kind: written out, with what does not change between them kept.
        part.head = part.head or ENCODER.encode(_where(message, part))[1:-1]
        said = _TEXT_DELTA % (self._number, part.head, ENCODER.encode(text), ENCODER.encode(logprobs))
        self._number += 1
        return opened + said

    def _refuse(self, text: str) -> bytes:
        self._refused = True
        opened, message, part = self._part(refuses=True)
        part.texts.append(text)
        return opened + self._event("response.refusal.delta", **_where(message, part), delta=text)

    def _cite(self, citation: Raw) -> bytes:
        opened, message, part = self._part(refuses=False)
        part.citations.append(citation)
        return opened + self._event(
            "response.output_text.annotation.added",
            **_where(message, part),
            annotation_index=len(part.citations) - 1,
            annotation=citation,
        )

    def _part(self, *, refuses: bool) -> tuple[bytes, _Message, _Part]:
        """The open part of this kind, and what had to be said to open it."""
        said = self._close_thought()
        message = self._message
        if message is None:
            place, opened = self._place()
            message = self._message = _Message(place, item_id("msg_", self._id, place))
            said += opened + self._added(place, message_item(message.id, [], "in_progress"))
        part = message.part
        if part is None or part.refuses is not refuses or part.is_told:
            said += self._close_part(message)
            part = message.part = _Part(len(message.content), refuses=refuses)
            said += self._event("response.content_part.added", **_where(message, part), part=part.members())
        return said, message, part

    def _close_part(self, message: _Message) -> bytes:
        part = message.part
        if part is None:
            return b""
        message.part = None
        members = part.members()
        message.content.append(members)
        where = _where(message, part)
        if part.is_told:
            said = b""
        elif part.refuses:
            said = self._event("response.refusal.done", **where, refusal=part.text)
        else:
            said = self._event("response.output_text.done", **where, text=part.text, logprobs=part.logprobs)
        return said + self._event("response.content_part.done", **where, part=members)

    def _close_message(self) -> bytes:
        message, self._message = self._message, None
        if message is None:
            return b""
        said = self._close_part(message)
        return said + self._done(message.place, message_item(message.id, message.content))

    # Thinking.

    def _think(self, event: ReasoningDelta) -> bytes:
        said = b""
        if self._thought is not None and self._thought.block != event.block:
            said = self._close_thought()
        thought = self._thought
        if thought is None:
            said += self._close_message()
            place, opened = self._place()
            thought = self._thought = _Thought(place, item_id("rs_", self._id, place), event)
            said += opened + self._added(place, {"type": "reasoning", "id": thought.id, "summary": []})
        thought.signature = event.signature or thought.signature
        thought.redacted = event.redacted or thought.redacted
        thought.family = event.family or thought.family
        if not event.text:
            return said
        where = _summary(thought)
        if not thought.texts:
            part = {"type": "summary_text", "text": ""}
            said += self._event("response.reasoning_summary_part.added", **where, part=part)
        thought.texts.append(event.text)
        return said + self._event("response.reasoning_summary_text.delta", **where, delta=event.text)

    def _close_thought(self) -> bytes:
        thought, self._thought = self._thought, None
        if thought is None:
            return b""
        whole = thought.whole()
        said = b""
        if whole.text:
            where = _summary(thought)
            part = {"type": "summary_text", "text": whole.text}
            said = self._event("response.reasoning_summary_text.done", **where, text=whole.text)
            said += self._event("response.reasoning_summary_part.done", **where, part=part)
        return said + self._done(thought.place, {"id": thought.id, **shown_thought(whole)})

    # Calls, and what only this dialect knows.

    def _call(self, event: ToolCallStarted) -> bytes:
        said = self._close_thought() + self._close_message()
        place, opened = self._place()
        call = _Call(place, item_id("ctc_" if event.custom else "fc_", self._id, place), event)
        self._calls[event.index] = call
        return said + opened + self._added(place, call.item("in_progress"))

    def _more_arguments(self, call: _Call, text: str) -> bytes:
        call.arguments.append(text)
        kind = "custom_tool_call_input" if call.begun.custom else "function_call_arguments"
        return self._event(f"response.{kind}.delta", item_id=call.id, output_index=call.place, delta=text)

    def _close_call(self, call: _Call) -> bytes:
        said = b""
        if not any(call.arguments) and not call.begun.custom:
            # A function called without arguments: clients parse what they collected, and "" is not JSON.
            said = self._more_arguments(call, "{}")
        text = "".join(call.arguments)
        where: dict[str, object] = {"item_id": call.id, "output_index": call.place}
        if call.begun.custom:
            said += self._event("response.custom_tool_call_input.done", **where, input=text)
        else:
            name = call.begun.name
            said += self._event("response.function_call_arguments.done", **where, name=name, arguments=text)
        return said + self._done(call.place, call.item("completed"))

    def _opaque(self, raw: Raw) -> bytes:
        said = self._close_thought() + self._close_message()
        place, opened = self._place()
        return said + opened + self._added(place, raw) + self._done(place, raw)

    # The response.

    @property
    def _id(self) -> str:
        return str(self._head["id"])

    def _begin(self) -> bytes:
        """The two events that every stream begins with, once."""
        if self._head:
            return b""
        started = self._started
        id = response_id(started.id, started.model, started.created_s)
        self._head = response_members(id, started.model, started.created_s)
        if self._kept is not None:
            # An id of this protocol is a provider's own, and may have been said already by a stream that broke.
            self._head |= kept_members(self._kept) | ({"id": id} if started.id.startswith("resp_") else {})
        created = self._event("response.created", response=self._head)
        return created + self._event("response.in_progress", response=self._head)

    def _place(self) -> tuple[int, bytes]:
        """The place of the next item, and what must be said before the first."""
        said = self._begin()
        self._output.append(None)
        return len(self._output) - 1, said

    def _added(self, place: int, item: object) -> bytes:
        return self._event("response.output_item.added", output_index=place, item=item)

    def _done(self, place: int, item: object) -> bytes:
        self._output[place] = item
        return self._event("response.output_item.done", output_index=place, item=item)

    def _event(self, kind: str, **members: object) -> bytes:
        said = ENCODER.encode({"type": kind, "sequence_number": self._number, **members})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), said)


def _where(message: _Message, part: _Part) -> dict[str, object]:
    return {"item_id": message.id, "output_index": message.place, "content_index": part.index}


def _summary(thought: _Thought) -> dict[str, object]:
    return {"item_id": thought.id, "output_index": thought.place, "summary_index": 0}
