"""Whole answers, and the words for why an answer ended, which streams share."""

from __future__ import annotations

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Refusal, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.body import decoded, filled
from router.wire.citations import nested
from router.wire.ids import CallIds, made_up_id
from router.wire.openai_chat.fault import fault_inside
from router.wire.openai_chat.message import FAMILY, GOOGLE, arguments_text, decode_details, encode_call, encode_detail
from router.wire.openai_chat.schema import (
    ENCODER,
    NULL,
    REPLY,
    Chunk,
    ChunkChoice,
    FunctionSaid,
    ReplyBody,
    ReplyChoice,
    Said,
    SaidPart,
    ToolSaid,
)
from router.wire.openai_chat.usage import decode_usage, encode_usage
from router.wire.signatures import pack_id
from router.wire.tiers import openai_tier

AnswerPart = Text | Reasoning | ToolCall | Refusal

_FINISHES: dict[str, Finish] = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "eos_token": Finish.STOP,
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "model_length": Finish.CONTEXT_FULL,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "tool_use": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    "sensitive": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
}
"""Providers' words -> canon; what is missing is `OTHER`. Together says "eos", Mistral "model_length", Z.ai
"sensitive", Hugging Face's own servers "eos_token"."""

_FAILED: dict[str, Reason] = {
    "error": Reason.SERVER_ERROR,
    "abort": Reason.SERVER_ERROR,
    "insufficient_system_resource": Reason.OVERLOADED,
    "network_error": Reason.SERVER_ERROR,
}
"""Words in a finish reason's place that mean the answer failed: OpenRouter's and Mistral's, vLLM's, DeepSeek's,
Z.ai's."""

_SAID: dict[Finish, str] = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "content_filter",
    Finish.PAUSED: "length",
    Finish.CONTEXT_FULL: "length",
    Finish.OTHER: "stop",
}
"""Canon -> the four words clients know. A paused turn is not done, so it must not read as a stop."""


def decode_reply(body: bytes) -> Reply:
    """A whole answer; blank lines that kept a connection open before it are skipped.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, or JSON of another shape.
    """
    text = filled(body)
    reply = decoded(REPLY, text, "chat completion")
    if reply.error != NULL:
        raise fault_inside(reply.error)
    if reply.object == "error" or reply.success is False:
        raise fault_inside(text)
    if reply.choices is None:
        raise WireFault(Reason.MALFORMED, "the provider answered without choices")
    seed = f"{reply.id}/{reply.created}"
    return Reply(
        id=reply.id or "",
        model=reply.model or "",
        choices=tuple([_choice(choice, place, seed) for place, choice in enumerate(reply.choices)]),
        usage=decode_usage(reply.usage, reply.service_tier),
        fingerprint=fingerprint(reply),
        created_s=None if reply.created is None else int(reply.created),
        family=FAMILY,
    )


def encode_reply(reply: Reply) -> bytes:
    """A whole answer as a chat completion. `usage` is null when nobody counted."""
    return ENCODER.encode(
        {
            "id": reply.id or made_up_id("chatcmpl-", f"{reply.model}/{reply.created_s}"),
            "object": "chat.completion",
            "created": reply.created_s or 0,
            "model": reply.model,
            "choices": [_encoded_choice(choice, reply.family) for choice in reply.choices],
            "usage": None if reply.usage is None else encode_usage(reply.usage),
            "service_tier": openai_tier(reply.usage),
            "system_fingerprint": reply.fingerprint,
        }
    )


def decode_finish(said: str, *, called: bool, refused: bool) -> Finish:
    """Why an answer ended. Some say "stop" after a tool call or a refusal, some name calls without any: what was said
    tells better.

    Args:
        said: the provider's word.
        called: whether the answer holds a tool call.
        refused: whether it holds a refusal and no text.
    """
    finish = _FINISHES.get(said, Finish.OTHER)
    if called and (finish is Finish.STOP or not said):
        return Finish.TOOL_CALLS
    if finish is Finish.TOOL_CALLS and not called:
        return Finish.STOP
    return Finish.REFUSAL if refused and finish is Finish.STOP else finish


def encode_finish(finish: Finish, *, refused: bool, called: bool) -> str:
    """The word a client knows; a refusal whose words were passed on ends with "stop", as OpenAI ends it, and what ended
    for a reason that nobody knows behind a call, with the call: some clients run none after another word."""
    if called and finish is Finish.OTHER:
        return "tool_calls"
    return "stop" if finish is Finish.REFUSAL and refused else _SAID[finish]


def raise_if_failed(choice: ReplyChoice | ChunkChoice) -> None:
    """Raise the fault that a choice holds instead of an ending."""
    if choice.error != NULL:
        raise fault_inside(choice.error)
    if choice.finish_reason in _FAILED:
        raise WireFault(_FAILED[choice.finish_reason], f"the provider ended the answer with {choice.finish_reason!r}")


def stop_sequence(choice: ReplyChoice | ChunkChoice) -> str | None:
    """The stop sequence that matched, where the server tells; it gives a number when a token ended the answer."""
    said = choice.stop_reason if choice.stop_reason is not None else choice.matched_stop
    return said if isinstance(said, str) else None


def fingerprint(answer: ReplyBody | Chunk) -> str | None:
    """What the provider ran the model on, where it names it."""
    said = answer.system_fingerprint
    return said if isinstance(said, str) and said else None


def split_content(content: str | tuple[SaidPart, ...] | None) -> tuple[str, str]:
    """(thinking, text) of a content that may be a list of parts (Mistral)."""
    if content is None or isinstance(content, str):
        return "", content or ""
    thought = "".join(_thinking(part) for part in content)
    return thought, "".join(part.text or "" for part in content if part.type == "text")


def call_said(call: ToolSaid) -> tuple[str, str, bool]:
    """(name, arguments, whether the tool is free-form) of a call or a piece of one; empty where it does not say."""
    if call.custom is not None and (call.type == "custom" or call.function is None):
        return call.custom.name or "", call.custom.input or "", True
    function = call.function or FunctionSaid()
    return function.name or "", arguments_text(function), False


def given_id(call: ToolSaid) -> str | None:
    """A call's id; Mistral's schema defaults it to the text "null"."""
    return call.id if call.id and call.id != "null" else None


def _thinking(part: SaidPart) -> str:
    if isinstance(part.thinking, str) or part.thinking is None:
        return part.thinking or ""
    return "".join(inner.text or "" for inner in part.thinking)


def _choice(choice: ReplyChoice, place: int, seed: str) -> Choice:
    raise_if_failed(choice)
    message = choice.message
    thought, text = split_content(message.content)
    parts: list[AnswerPart] = list(_thoughts(message, thought))
    if text:
        parts.append(Text(text=text))
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    calls = _calls(message, f"{seed}/{place}")
    said = choice.finish_reason or ""
    return Choice(
        index=place if choice.index is None else choice.index,
        parts=(*parts, *calls),
        finish=decode_finish(said, called=bool(calls), refused=bool(message.refusal) and not text),
        said=said,
        stop_sequence=stop_sequence(choice),
        logprobs=None if choice.logprobs == NULL else choice.logprobs,
        citations=message.annotations or (),
    )


def _thoughts(message: Said, thought: str) -> tuple[Reasoning, ...]:
    """Thinking with its signatures where the server gives them, else as plain text under any of its names."""
    if message.reasoning_details:
        blocks = decode_details(message.reasoning_details)
        return tuple(block for block in blocks if block.text or block.signature or block.redacted)
    text = message.reasoning_content or message.reasoning or thought
    return (Reasoning(text=text, family=FAMILY),) if text else ()


def _calls(message: Said, seed: str) -> list[ToolCall]:
    said, old = message.tool_calls or (), message.function_call
    if not said and old is not None and old.name:
        said = (ToolSaid(function=old),)
    if not said:
        return []
    ids = CallIds()
    return [_call(call, ids, f"{seed}/{number}") for number, call in enumerate(said)]


def _call(call: ToolSaid, ids: CallIds, seed: str) -> ToolCall:
    name, arguments, custom = call_said(call)
    google = call.extra_content.google if call.extra_content else None
    signature = google.thought_signature if google else None
    return ToolCall(
        id=ids.own(given_id(call), "call_", f"{seed}/{name}/{arguments}"),
        name=name,
        arguments=arguments,
        custom=custom,
        signature=signature,
        family=GOOGLE if signature else None,
    )


def _encoded_choice(choice: Choice, family: str | None) -> dict[str, object]:
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    thoughts = [part for part in choice.parts if isinstance(part, Reasoning)]
    calls = [_seen_call(part) for part in choice.parts if isinstance(part, ToolCall)]
    message: dict[str, object] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        "annotations": [said for raw in choice.citations for said in ((raw,) if family == FAMILY else nested(raw))],
    }
    if any(thought.text for thought in thoughts):
        message["reasoning_content"] = "".join(thought.text for thought in thoughts)
    if details := [encode_detail(thought, place) for place, thought in enumerate(thoughts) if is_sealed(thought)]:
        message["reasoning_details"] = details
    if calls:
        message["tool_calls"] = calls
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": encode_finish(choice.finish, refused=bool(refusals), called=bool(calls)),
    }


def _seen_call(part: ToolCall) -> dict[str, object]:
    """A call as callers see it: they send its id back, and often nothing else of what is no part of the protocol."""
    return {**encode_call(part), "id": pack_id(part.id, part.signature, part.family)}


def is_sealed(thought: Reasoning) -> bool:
    """Whether thinking carries what must come back unchanged."""
    return thought.signature is not None or thought.redacted is not None
