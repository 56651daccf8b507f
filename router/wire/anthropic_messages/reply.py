"""Whole answers, and the words for why an answer ended, which streams share."""

from __future__ import annotations

from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.anthropic_messages.fault import fault_inside
from router.wire.anthropic_messages.message import FAMILY, call_of, text_of, thought_of, type_of
from router.wire.anthropic_messages.schema import (
    ENCODER,
    MESSAGE,
    NULL,
    REDACTED_BLOCK,
    TEXT_BLOCK,
    THINKING_BLOCK,
    TOOL_USE_BLOCK,
    TYPED,
)
from router.wire.anthropic_messages.seal import seal_of
from router.wire.anthropic_messages.sources import located
from router.wire.anthropic_messages.usage import decode_usage, encode_usage
from router.wire.anthropic_messages.writer import input_of
from router.wire.body import decoded, filled
from router.wire.ids import CallIds, clean_id, made_up_id
from router.wire.members import UNREADABLE
from router.wire.signatures import pack_id

AnswerPart = Text | Reasoning | ToolCall | Refusal | Opaque

_FINISHES: dict[str, Finish] = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.REFUSAL,
    "pause_turn": Finish.PAUSED,
    "compaction": Finish.STOP,
}
"""Anthropic's words -> canon; what is missing is `OTHER`."""

_SAID: dict[Finish, str] = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
    Finish.REFUSAL: "refusal",
    Finish.PAUSED: "pause_turn",
    Finish.CONTEXT_FULL: "model_context_window_exceeded",
    Finish.OTHER: "end_turn",
}
"""Canon -> the words clients know."""


def decode_reply(body: bytes) -> Reply:
    """A whole answer; blank lines that kept a connection open before it are skipped.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, or JSON of another shape.
    """
    text = filled(body)
    message = decoded(MESSAGE, text, "message")
    if message.type == "error" or message.error != NULL:
        raise fault_inside(text)
    if message.content is None:
        raise WireFault(Reason.MALFORMED, "the provider answered without content")
    ids = CallIds()
    try:
        parts = tuple(_part(raw, ids, f"{message.id}/{place}") for place, raw in enumerate(message.content))
    except UNREADABLE as error:
        raise WireFault(Reason.MALFORMED, "the provider answered with content that cannot be read") from error
    said = message.stop_reason or ""
    choice = Choice(
        index=0,
        parts=parts,
        finish=decode_finish(said, called=any(isinstance(part, ToolCall) for part in parts)),
        said=said,
        stop_sequence=message.stop_sequence,
        citations=tuple(source for part in parts if isinstance(part, Text) for source in part.citations),
    )
    return Reply(
        id=message.id or "",
        model=message.model or "",
        choices=(choice,),
        usage=decode_usage(message.usage),
        family=FAMILY,
    )


def encode_reply(reply: Reply) -> bytes:
    """A whole answer as a message: its first choice, since the protocol has no more."""
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=(), finish=Finish.OTHER, said="")
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    said: dict[str, object] = {
        "id": message_id(reply.id, reply.model),
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": _content(choice, owns=reply.family == FAMILY),
        **encode_finish(choice.finish, choice.stop_sequence, called=called),
        "usage": encode_usage(reply.usage),
    }
    return ENCODER.encode(said)


def decode_finish(said: str, *, called: bool) -> Finish:
    """Why an answer ended. Facades say `end_turn` after a tool call, or name calls without any: what was said tells
    better."""
    finish = _FINISHES.get(said, Finish.OTHER)
    if finish is Finish.TOOL_CALLS and not called:
        return Finish.STOP
    return Finish.TOOL_CALLS if called and (finish is Finish.STOP or not said) else finish


def encode_finish(finish: Finish, stop_sequence: str | None, *, called: bool) -> dict[str, object]:
    """The members that say why an answer ended; a client only runs tools after `tool_use`."""
    word = _SAID[finish]
    if called and word == "end_turn":
        word = "tool_use"
    matched = stop_sequence if word == "end_turn" else None
    said: dict[str, object] = {
        "stop_reason": "stop_sequence" if matched is not None else word,
        "stop_sequence": matched,
    }
    if word == "refusal":
        said["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return said


def message_id(given: str, model: str) -> str:
    """An id in the form clients know; one of another form makes one, the same for the same answer."""
    return given if given.startswith("msg_") else made_up_id("msg_", f"{given}/{model}")


def seen_id(call_id: str, signature: str | None, family: str | None) -> str:
    """A call's id as clients see it: in the letters they take, and with the signature they would drop elsewhere."""
    return pack_id(clean_id(call_id), signature, family)


def signature_of(thought: Reasoning) -> str:
    """What a client must send back with thinking: Anthropic's own signature, or a token for whatever it is."""
    own = thought.family == FAMILY and thought.signature is not None
    return thought.signature or "" if own else seal_of(thought)


def thought_block(thought: Reasoning) -> dict[str, object]:
    """Thinking as a client shows it and sends it back."""
    if thought.redacted is None or thought.text:
        return {"type": "thinking", "thinking": thought.text, "signature": signature_of(thought)}
    data = thought.redacted if thought.family == FAMILY else seal_of(thought)
    return {"type": "redacted_thinking", "data": data}


def _part(raw: Raw, ids: CallIds, seed: str) -> AnswerPart:
    match TYPED.decode(raw).type:
        case "text":
            return text_of(TEXT_BLOCK.decode(raw))
        case "tool_use":
            block = TOOL_USE_BLOCK.decode(raw)
            return call_of(block, ids.own(block.id, "toolu_", f"{seed}/{block.name}"))
        case "thinking":
            thinking = THINKING_BLOCK.decode(raw)
            return thought_of(thinking.thinking, thinking.signature or None)
        case "redacted_thinking":
            return Reasoning(redacted=REDACTED_BLOCK.decode(raw).data, family=FAMILY)
    return Opaque(raw=raw, family=FAMILY)


def _content(choice: Choice, *, owns: bool) -> list[object]:
    """The blocks of an answer. What pages another family named stand with the last text: canon does not say where."""
    blocks = [block for part in choice.parts for block in _blocks(part)]
    sources = [] if owns else [found for raw in choice.citations for found in located(raw)]
    texts = [block for block in blocks if isinstance(block, dict) and block["type"] == "text"]
    if sources and texts:
        texts[-1]["citations"] = sources
    return blocks


def _blocks(part: AnswerPart) -> list[object]:
    match part:
        case Text() | Refusal() if not part.text:
            return []
        case Text():
            sources = [raw for raw in part.citations if type_of(raw).endswith("_location")]
            text: dict[str, object] = {"type": "text", "text": part.text}
            return [{**text, "citations": sources} if sources else text]
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Reasoning() if part.text or part.signature or part.redacted:
            return [thought_block(part)]
        case ToolCall():
            seen = seen_id(part.id, part.signature, part.family)
            given = input_of(part.arguments, custom=part.custom)
            return [{"type": "tool_use", "id": seen, "name": part.name, "input": given}]
        case Opaque() if part.family == FAMILY:
            return [part.raw]
    return []
