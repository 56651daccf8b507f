"""Streams out: canon's events in Anthropic's words, one block after the other.

Clients read a stream by two rules that canon does not keep: a block must end before the next begins, and what a block
is must be known when it begins. So what interrupts a tool call waits until the call's arguments are whole.
"""

from __future__ import annotations

from router.canon.event import (
    CitationAdded,
    Event,
    Finish,
    Finished,
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
from router.canon.request import Reasoning
from router.canon.usage import Usage
from router.errors import GatewayError
from router.wire.anthropic_messages.fault import encode_envelope
from router.wire.anthropic_messages.message import FAMILY
from router.wire.anthropic_messages.reply import encode_finish, message_id, seen_id, signature_of, thought_block
from router.wire.anthropic_messages.schema import ENCODER
from router.wire.anthropic_messages.sources import located
from router.wire.anthropic_messages.usage import encode_usage
from router.wire.anthropic_messages.writer import input_of, is_object
from router.wire.dialect import Ask
from router.wire.sse import SKIPPED_NOTE

KEEPALIVE = b'event: ping\ndata: {"type":"ping"}\n\n'
STOP_EVENT = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_Said = TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | CitationAdded | OpaqueAdded

_TEXT = ("text", 0)


class _Call:
    """The tool call that is open: what of its arguments was said. A free-form one is said when it is whole."""

    def __init__(self, begun: ToolCallStarted) -> None:
        self.index = begun.index
        self.custom = begun.custom
        self.arguments: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether nothing can follow: what was said is one JSON object. Free text can always go on."""
        if self.custom:
            return False
        last = self.arguments[-1] if self.arguments else ""
        return last.rstrip().endswith("}") and is_object("".join(self.arguments))


class MessageEncoder:
    """A `StreamEncoder`. Says nothing before content, so that an attempt that failed before it leaves no trace.

    Only the first of several choices is said: the protocol has no more. Why the answer ended is held until `end`, since
    clients take the last `message_delta` for the whole truth, and an answer that fails must not look complete.

    A prompt that nobody counted yet is begun with our guess: 0 would empty the clients' context meters until the end.
    The counts of `message_delta` replace all of it in Anthropic's own SDKs; the guess is left standing there only where
    the provider never counted.

    Source: anthropic-sdk-python 2.11, lib/streaming/_messages.py, accumulate_event, read 2026-11.
    """

    def __init__(self, ask: Ask) -> None:
        self._started = Started(id="", model=ask.model)
        self._begun = False
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._index = -1
        self._open: tuple[str, int] | None = None
        self._call: _Call | None = None
        self._called = False
        self._sealed: ReasoningDelta | None = None
        self._waiting: list[_Said] = []

    def feed(self, events: tuple[Event, ...]) -> bytes:
        """The events of the wire for these."""
        return b"".join([self._take(event) for event in events])

    def end(self) -> bytes:
        """What still waited, then why the answer ended, what it used, and `message_stop`."""
        said = self._settle()
        finished = self._finished or Finished(reason=Finish.OTHER, said="")
        delta = encode_finish(finished.reason, finished.stop_sequence, called=self._called)
        last: dict[str, object] = {"type": "message_delta", "delta": delta, "usage": encode_usage(self._counted())}
        return said + self._begin() + _event("message_delta", last) + STOP_EVENT

    def stand(self, block: int, kind: str | None) -> None:
        """Go on at this block, which others began and, where it has no kind any more, ended: their numbers are what the
        client knows."""
        self._index = block
        if kind is None:
            self._open = None
        elif kind == "text":
            self._open = _TEXT

    def fault(self, error: GatewayError) -> bytes:
        """One error event. What is open stays open: clients take a closed block for a whole one."""
        return b"event: error\ndata: %b\n\n" % encode_envelope(error)

    def _take(self, event: Event) -> bytes:
        match event:
            case TextDelta() if event.choice == 0 and self._call is None:
                return self._text(event.text)
            case UsageReported():
                self._usage = event.usage
            case Started():
                self._started = event
            case Skipped():
                return SKIPPED_NOTE
            case Finished() if event.choice == 0:
                self._finished = event
            case _ if isinstance(event, _Said) and event.choice == 0:
                return self._say(event)
        return b""

    def _say(self, event: _Said) -> bytes:
        """Say content, or let it wait for the open call to be whole."""
        call = self._call
        if call is None:
            return self._now(event)
        if isinstance(event, ToolCallDelta) and event.index == call.index:
            return self._now(event) + (self._resume() if self._waiting and call.is_whole else b"")
        if not self._waiting and call.is_whole:
            return self._close() + self._now(event)
        self._waiting.append(event)
        return b""

    def _resume(self) -> bytes:
        """The open call is whole: close it, and say what waited for that, as far as it need not wait anew."""
        waiting, self._waiting = self._waiting, []
        return self._close() + b"".join([self._say(event) for event in waiting])

    def _settle(self) -> bytes:
        """Nothing more comes: every call is as whole as it will be."""
        said = b""
        while self._waiting:
            said += self._resume()
        return said + self._close()

    def _now(self, event: _Said) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._text(event.text)
            case ToolCallDelta():
                return self._arguments(event)
            case ToolCallStarted():
                return self._tool(event)
            case ReasoningDelta():
                return self._thought(event)
            case CitationAdded():
                return self._cite(event)
            case OpaqueAdded() if event.family == FAMILY:
                return self._whole(event.raw)
        return b""

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        begun = b"" if self._open == _TEXT else self._into(_TEXT, {"type": "text", "text": ""})
        # In one piece: a text of megabytes is held once less.
        return (
            b'%bevent: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":%b}}\n\n' % (begun, self._index, ENCODER.encode(text))
        )

    def _cite(self, event: CitationAdded) -> bytes:
        """The source as its family wrote it, or the pages it names; what names no page says nothing."""
        sources = [event.citation] if event.family == FAMILY else located(event.citation)
        said = self._into(_TEXT, {"type": "text", "text": ""}) if sources else b""
        return said + b"".join(self._delta({"type": "citations_delta", "citation": one}) for one in sources)

    def _thought(self, event: ReasoningDelta) -> bytes:
        """Thinking; what seals it is said once, when it ends, since clients let a later seal replace an earlier one."""
        place = ("thinking", event.block)
        if event.redacted is not None and not event.text and self._open != place:
            redacted = Reasoning(redacted=event.redacted, signature=event.signature, family=event.family)
            return self._whole(thought_block(redacted))
        if not event.text and event.signature is None and event.redacted is None:
            return b""
        said = self._into(place, {"type": "thinking", "thinking": "", "signature": ""})
        if self._sealed is None or event.signature is not None or event.redacted is not None:
            self._sealed = event
        return said + (self._delta({"type": "thinking_delta", "thinking": event.text}) if event.text else b"")

    def _tool(self, event: ToolCallStarted) -> bytes:
        self._called = True
        self._call = _Call(event)
        seen = seen_id(event.id, event.signature, event.family)
        return self._into(("tool", event.index), {"type": "tool_use", "id": seen, "name": event.name, "input": {}})

    def _arguments(self, event: ToolCallDelta) -> bytes:
        """More of the open call's arguments; those of a call that is closed or was never begun belong nowhere."""
        call = self._call
        if call is None or call.index != event.index or not event.arguments:
            return b""
        call.arguments.append(event.arguments)
        return b"" if call.custom else self._delta({"type": "input_json_delta", "partial_json": event.arguments})

    def _whole(self, block: object) -> bytes:
        """A block that comes at once and has no deltas."""
        return self._into(("whole", self._index + 1), block) + self._close()

    def _into(self, place: tuple[str, int], block: object) -> bytes:
        """Open a block, unless it is the open one; whatever else is open ends before it."""
        if self._open == place:
            return b""
        said = self._begin() + self._close_block()
        self._open = place
        self._index += 1
        start: dict[str, object] = {"type": "content_block_start", "index": self._index, "content_block": block}
        return said + _event("content_block_start", start)

    def _close(self) -> bytes:
        said = self._close_block()
        self._call = None
        return said

    def _close_block(self) -> bytes:
        """End the open block, with what is only said at its end."""
        if self._open is None:
            return b""
        kind, said = self._open[0], b""
        if kind == "thinking" and self._sealed is not None:
            sealed = self._sealed
            thought = Reasoning(signature=sealed.signature, redacted=sealed.redacted, family=sealed.family)
            said = self._delta({"type": "signature_delta", "signature": signature_of(thought)})
        if kind == "tool" and self._call is not None:
            said = self._last_arguments(self._call)
        self._open, self._sealed = None, None
        return said + b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self._index

    def _last_arguments(self, call: _Call) -> bytes:
        """A free-form call's whole input, or the empty object of a call without arguments: clients parse what came."""
        if call.arguments and not call.custom:
            return b""
        whole = bytes(input_of("".join(call.arguments), custom=call.custom)).decode()
        return self._delta({"type": "input_json_delta", "partial_json": whole})

    def _delta(self, delta: dict[str, object]) -> bytes:
        return _event("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    def _counted(self) -> Usage | None:
        guess = self._started.prompt_tokens
        return Usage(input=guess) if self._usage is None and guess else self._usage

    def _begin(self) -> bytes:
        """`message_start`, once: with the counts known so far, which the last event replaces."""
        if self._begun:
            return b""
        self._begun = True
        message: dict[str, object] = {
            "id": message_id(self._started.id, self._started.model),
            "type": "message",
            "role": "assistant",
            "model": self._started.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": encode_usage(self._counted()),
        }
        return _event("message_start", {"type": "message_start", "message": message})


def _event(name: str, said: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), ENCODER.encode(said))
