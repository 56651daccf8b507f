"""Streams, upstream: events of the Responses API to canon's. `encoder.py` says them, `relay.py` passes them on.

Items are told apart by their place in the output alone: GitHub Copilot names the same item differently in every event.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Raw

from router.canon.event import (
    CitationAdded,
    Ended,
    Event,
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
from router.errors import Reason, WireFault
from router.wire.dialect import Frame, Relay, Run
from router.wire.glance import TEXT, run_of
from router.wire.ids import made_up_id
from router.wire.members import NULL, UNREADABLE
from router.wire.openai_responses.encoder import KEEPALIVE, ResponsesEncoder
from router.wire.openai_responses.fault import fault_inside
from router.wire.openai_responses.reply import (
    call_text,
    decode_finish,
    is_call,
    logprob_entries,
    logprobs_object,
    offered_tools,
    raise_if_failed,
    raw_text,
    read_item,
    said_parts,
    thought_text,
)
from router.wire.openai_responses.schema import EVENT, ResponseBody, SaidItem, StreamEvent
from router.wire.openai_responses.thought import BREAK, FAMILY
from router.wire.openai_responses.usage import decode_usage

__all__ = ["KEEPALIVE", "ResponsesDecoder", "ResponsesEncoder"]

_DONE = b"[DONE]"

_BESIDE = (
    rb'(?:, ?(?:"(?:sequence_number|content_index)": ?(?:0|[1-9]\d{0,8})'
    rb'|"(?:item_id|obfuscation)": ?"[ !#-\[\]-~]*+"|"logprobs": ?\[\]))*+'
)
_MORE_TEXT = re.compile(
    rb'event: response\.output_text\.delta\ndata: \{"type": ?"response\.output_text\.delta"%b'
    rb', ?"output_index": ?(0|[1-9]\d{0,8})%b, ?"delta": ?"%b"%b\}\n\n' % (_BESIDE, _BESIDE, TEXT, _BESIDE)
)


class _Item:
    """One item on its way: what was said of it, as far as later events depend on it.

    Args:
        call: its number among the calls; None for one that is not announced, and for what is no call.
        block: its number among the thoughts; None for one that said nothing, and for what is no thought.
        said: which kinds of content came in pieces, so that the whole behind them is not said again.
    """

    def __init__(self, kind: str | None) -> None:
        self.kind = kind
        self.call: int | None = None
        self.block: int | None = None
        self.said: set[str] = set()
        self.closed = False

    def lacks(self, whole: SaidItem) -> bool:
        """Whether its whole may hold what was not told. A thought is sealed where it ends, or not at all."""
        return not self.closed and self.kind == whole.type and "thought" not in self.said


class ResponsesDecoder:
    """A `StreamDecoder`. `Ended` comes from `response.completed` or `response.incomplete` and nothing else."""

    def __init__(self) -> None:
        self._items: dict[int, _Item] = {}
        self._started = False
        self._ended = False
        self._seed = ""
        self._offered: frozenset[str] | None = None
        self._calls = 0
        self._thoughts = 0
        self._said: set[str] = set()

    def skim(self, block: bytes, relay: Relay | None) -> Run | None:
        """As `Skimmer` says."""
        seen = None if self._ended else run_of(_MORE_TEXT, block, relay)
        if seen is None:
            return None
        place, run = seen
        self._item(StreamEvent(output_index=int(place)), "message").said.add("text")
        self._said.add("text")
        return run

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame. Raises `WireFault` for an error, nested or flat, and for a response that failed."""
        data = frame.data
        if not data or self._ended or data.strip() == _DONE:
            return ()
        try:
            event = EVENT.decode(data)
        except UNREADABLE:
            return (Skipped(why="an event that is no response event"),)
        if event.type == "error" or frame.event == "error" or (event.type is None and event.error != NULL):
            self._ended = True
            raise fault_inside(data)
        return self._read(event)

    def _read(self, event: StreamEvent) -> tuple[Event, ...]:
        read = _READERS.get(event.type or "")
        try:
            return tuple(read(self, event)) if read is not None else ()
        except UNREADABLE:
            return (Skipped(why="a response event with a member that cannot be read"),)

    def end(self) -> tuple[Event, ...]:
        """Nothing: an answer that its provider did not close is not complete."""
        return ()

    # The response.

    def _start(self, event: StreamEvent) -> list[Event]:
        response = event.response
        if self._started or response is None:
            return []
        self._started = True
        self._seed = response.id or ""
        self._offered = offered_tools(response)
        created_s = None if response.created_at is None else int(response.created_at)
        return [Started(id=response.id or "", model=response.model or "", created_s=created_s)]

    def _fail(self, event: StreamEvent) -> list[Event]:
        self._ended = True
        raise_if_failed(event.response or ResponseBody())
        raise WireFault(Reason.SERVER_ERROR, "the provider's response failed and gave no reason")

    def _complete(self, event: StreamEvent) -> list[Event]:
        response = event.response or ResponseBody()
        self._ended = True
        raise_if_failed(response)
        events = self._start(event)
        events += self._left_open(response)
        usage = decode_usage(response.usage, response.service_tier)
        if usage is not None:
            events.append(UsageReported(usage=usage))
        refused = "refusal" in self._said and "text" not in self._said
        reason, said = decode_finish(response, called=self._calls > 0, refused=refused)
        return [*events, Finished(reason=reason, said=said), Ended()]

    def _left_open(self, response: ResponseBody) -> list[Event]:
        """What only the whole answer holds: some servers close no items, or stream nothing but the end.

        Items are known by their places, and not all servers count these from 0; so one that was told already is none
        of what is missing.
        """
        events: list[Event] = []
        told = len(self._items)
        for place, raw in enumerate(response.output or ()):
            item = self._items.get(place)
            if place >= told if item is None else item.lacks(read_item(raw)):
                events += self._close_item(StreamEvent(output_index=place, item=raw))
        return events

    # Items.

    def _item(self, event: StreamEvent, kind: str | None = None) -> _Item:
        """The item that an event is about; one that was never announced begins with it."""
        place = event.output_index or 0
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = _Item(kind)
        return item

    def _open_item(self, event: StreamEvent) -> list[Event]:
        said = read_item(event.item)
        item = self._item(event, said.type)
        return self._announce(item, said) if is_call(said, self._offered) else []

    def _close_item(self, event: StreamEvent) -> list[Event]:
        """What an item holds that did not come in pieces."""
        said = read_item(event.item)
        item = self._item(event, said.type)
        if item.closed:
            return []
        item.closed = True
        if said.type == "message":
            return [part for read in self._message(item, said) for part in read]
        if said.type == "reasoning":
            return self._thought(item, said)
        if is_call(said, self._offered):
            events = self._announce(item, said)
            if item.call is None:
                return [Skipped(why="a tool call without a name")]
            return events + self._whole_arguments(item, call_text(said))
        return [OpaqueAdded(raw=event.item, family=FAMILY)]

    def _message(self, item: _Item, said: SaidItem) -> list[list[Event]]:
        """The parts of a whole message, as far as they are news. What is news is settled before any of it is said."""
        told = frozenset(item.said)
        found: list[list[Event]] = []
        for part in said_parts(said.content):
            if part.text and "text" not in told:
                found.append(self._text(item, part.text, part.logprobs))
            if part.refusal and "refusal" not in told:
                found.append(self._refusal(item, part.refusal))
            if "citation" not in told:
                found.append([CitationAdded(citation=raw, family=FAMILY) for raw in part.annotations or ()])
        return found

    # Text.

    def _text(self, item: _Item, text: str, logprobs: Raw) -> list[Event]:
        item.said.add("text")
        self._said.add("text")
        events: list[Event] = [TextDelta(text=text)] if text else []
        entries = logprob_entries(logprobs)
        return [*events, LogprobsAdded(logprobs=logprobs_object(entries))] if entries else events

    def _text_delta(self, event: StreamEvent) -> list[Event]:
        return self._text(self._item(event, "message"), event.delta or "", event.logprobs)

    def _text_done(self, event: StreamEvent) -> list[Event]:
        item = self._item(event, "message")
        return self._text(item, event.text, event.logprobs) if event.text and "text" not in item.said else []

    def _refusal(self, item: _Item, text: str) -> list[Event]:
        item.said.add("refusal")
        self._said.add("refusal")
        return [RefusalDelta(text=text)] if text else []

    def _refusal_delta(self, event: StreamEvent) -> list[Event]:
        return self._refusal(self._item(event, "message"), event.delta or "")

    def _refusal_done(self, event: StreamEvent) -> list[Event]:
        item = self._item(event, "message")
        return self._refusal(item, event.refusal or "") if "refusal" not in item.said else []

    def _citation(self, event: StreamEvent) -> list[Event]:
        self._item(event, "message").said.add("citation")
        return [] if event.annotation == NULL else [CitationAdded(citation=event.annotation, family=FAMILY)]

    # Thinking.

    def _think(self, item: _Item, text: str) -> list[Event]:
        if not text:
            return []
        item.said.add("thought")
        return [ReasoningDelta(text=text, family=FAMILY, block=self._block(item))]

    def _block(self, item: _Item) -> int:
        if item.block is None:
            item.block = self._thoughts
            self._thoughts += 1
        return item.block

    def _think_part(self, event: StreamEvent) -> list[Event]:
        """A further part of a thought."""
        item = self._item(event)
        return self._think(item, BREAK) if item.kind == "reasoning" and "thought" in item.said else []

    def _think_delta(self, event: StreamEvent) -> list[Event]:
        return self._think(self._item(event, "reasoning"), event.delta or "")

    def _think_done(self, event: StreamEvent) -> list[Event]:
        item = self._item(event, "reasoning")
        return self._think(item, event.text or "") if "thought" not in item.said else []

    def _thought(self, item: _Item, said: SaidItem) -> list[Event]:
        """What closes a thought. Its seal counts now: the one it began with is of nothing yet."""
        events = self._think(item, thought_text(said)) if "thought" not in item.said else []
        if said.encrypted_content:
            events.append(ReasoningDelta(signature=said.encrypted_content, family=FAMILY, block=self._block(item)))
        return events

    # Calls.

    def _announce(self, item: _Item, said: SaidItem) -> list[Event]:
        """The beginning of a call, once its name is known; what came before it is told when the item is done."""
        if item.call is not None or not said.name:
            return []
        item.call = self._calls
        self._calls += 1
        return [
            ToolCallStarted(
                index=item.call,
                id=said.call_id or made_up_id("call_", f"{self._seed}/{item.call}/{said.name}"),
                name=said.name,
                custom=said.type == "custom_tool_call",
            )
        ]

    def _arguments(self, item: _Item, text: str) -> list[Event]:
        if item.call is None or not text:
            return []
        item.said.add("arguments")
        return [ToolCallDelta(index=item.call, arguments=text)]

    def _whole_arguments(self, item: _Item, text: str) -> list[Event]:
        return [] if "arguments" in item.said else self._arguments(item, text)

    def _arguments_delta(self, event: StreamEvent) -> list[Event]:
        return self._arguments(self._item(event), event.delta or "")

    def _arguments_done(self, event: StreamEvent) -> list[Event]:
        text = raw_text(event.arguments if event.arguments != NULL else event.input)
        return self._whole_arguments(self._item(event), text)


_READERS: dict[str, Callable[[ResponsesDecoder, StreamEvent], list[Event]]] = {
    "response.created": ResponsesDecoder._start,
    "response.queued": ResponsesDecoder._start,
    "response.in_progress": ResponsesDecoder._start,
    "response.output_item.added": ResponsesDecoder._open_item,
    "response.output_item.done": ResponsesDecoder._close_item,
    "response.output_text.delta": ResponsesDecoder._text_delta,
    "response.output_text.done": ResponsesDecoder._text_done,
    "response.output_text.annotation.added": ResponsesDecoder._citation,
    "response.refusal.delta": ResponsesDecoder._refusal_delta,
    "response.refusal.done": ResponsesDecoder._refusal_done,
    "response.content_part.added": ResponsesDecoder._think_part,
    "response.reasoning_part.added": ResponsesDecoder._think_part,
    "response.reasoning_summary_part.added": ResponsesDecoder._think_part,
    "response.reasoning_summary_text.delta": ResponsesDecoder._think_delta,
    "response.reasoning_summary_text.done": ResponsesDecoder._think_done,
    "response.reasoning_text.delta": ResponsesDecoder._think_delta,
    "response.reasoning_text.done": ResponsesDecoder._think_done,
    "response.function_call_arguments.delta": ResponsesDecoder._arguments_delta,
    "response.function_call_arguments.done": ResponsesDecoder._arguments_done,
    "response.custom_tool_call_input.delta": ResponsesDecoder._arguments_delta,
    "response.custom_tool_call_input.done": ResponsesDecoder._arguments_done,
    "response.completed": ResponsesDecoder._complete,
    "response.incomplete": ResponsesDecoder._complete,
    "response.failed": ResponsesDecoder._fail,
    "response.cancelled": ResponsesDecoder._fail,
}
"""Event type -> who reads it. What is missing says nothing that canon has a word for, or repeats what was said."""
