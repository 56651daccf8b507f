"""Whole answers, and what whole answers and streams share: ends, counts, log probabilities, tool calls."""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.body import decoded, filled
from router.wire.ids import CallIds, made_up_id
from router.wire.members import UNREADABLE
from router.wire.ollama_chat.fault import fault_inside
from router.wire.ollama_chat.schema import (
    ANSWER,
    ENCODER,
    LOGPROBS,
    NULL,
    TEXT,
    AnswerBody,
    Said,
    SaidCall,
    SaidFunction,
)

FAMILY = "ollama-chat"
"""Whose thinking comes from a server of this dialect."""

_FINISHES: dict[str, Finish] = {"stop": Finish.STOP, "length": Finish.LENGTH}
"""Ollama's words -> canon; what is missing is `OTHER`. Old servers say nothing at all."""

_NO_ANSWERS = frozenset({"load", "unload"})
"""Words in a finish reason's place after which only a model was loaded, or taken out of memory."""


def decode_reply(body: bytes) -> Reply:
    """A whole answer.

    Raises:
        WireFault: for an error inside a 200, an answer that is not done, a mere loading of the model, an empty body, a
            web page, or JSON of another shape.
    """
    text = filled(body)
    answer = decoded(ANSWER, text, "chat answer")
    raise_if_failed(answer)
    message = answer.message
    if message is None or not answer.done:
        raise WireFault(Reason.MALFORMED, "the provider answered without a whole message")
    seed = seed_of(answer)
    ids = CallIds()
    calls = [decode_call(call, ids, f"{seed}/{number}") for number, call in enumerate(message.tool_calls or ())]
    choice = Choice(
        index=0,
        parts=(*_parts(message), *calls),
        finish=decode_finish(answer, called=bool(calls)),
        said=answer.done_reason or "",
        logprobs=decode_logprobs(answer.logprobs),
    )
    return Reply(
        id=made_up_id("chat-", seed),
        model=answer.model or "",
        choices=(choice,),
        usage=decode_usage(answer),
        created_s=created_s(answer),
        family=FAMILY,
    )


def raise_if_failed(answer: AnswerBody) -> None:
    """Raise the fault that came in place of an answer, or as its end."""
    if answer.error != NULL:
        raise fault_inside(answer.error)
    if answer.done and answer.done_reason in _NO_ANSWERS:
        raise WireFault(Reason.EMPTY_ANSWER, "the provider loaded or unloaded the model and answered nothing")


def decode_finish(answer: AnswerBody, *, called: bool) -> Finish:
    """Why an answer ended. Ollama says "stop" after a tool call too: what was said tells better."""
    finish = _FINISHES.get(answer.done_reason or "", Finish.OTHER)
    return Finish.TOOL_CALLS if called and (finish is Finish.STOP or not answer.done_reason) else finish


def decode_usage(answer: AnswerBody) -> Usage | None:
    """The counts of a last line. Without the prompt's, which no prompt leaves at zero, nobody counted."""
    if not answer.prompt_eval_count:
        return None
    return Usage(input=max(answer.prompt_eval_count, 0), output=max(answer.eval_count or 0, 0))


def decode_logprobs(raw: Raw) -> Raw | None:
    """Log probabilities in OpenAI's form, which differs in what may be left out; None for what cannot be read."""
    try:
        content = LOGPROBS.decode(raw)
    except UNREADABLE:
        return None
    return Raw(ENCODER.encode({"content": content, "refusal": None})) if content else None


def decode_call(call: SaidCall, ids: CallIds, seed: str) -> ToolCall:
    """A tool call; `seed` makes an id for one that has none of its own, the same for the same answer."""
    function = call.function or SaidFunction()
    name, arguments = function.name or "", _arguments(function.arguments)
    call_id = ids.own(call.id, "call_", f"{seed}/{name}/{arguments}")
    return ToolCall(id=call_id, name=name, arguments=arguments)


def seed_of(answer: AnswerBody) -> str:
    """What tells one answer from another, for ids that Ollama does not give."""
    return f"{answer.model}/{answer.created_at}"


def created_s(answer: AnswerBody) -> int | None:
    """When the answer began, as epoch seconds; None for no date, and for the year 1, which stands for none."""
    try:
        seconds = int(datetime.fromisoformat(answer.created_at or "").timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def _arguments(raw: Raw) -> str:
    """Arguments as JSON text, digit for digit; "" for none."""
    text = bytes(raw)
    try:
        said = TEXT.decode(text) if text.startswith(b'"') else text.decode()
    except UNREADABLE:
        return ""
    return "" if said == "null" else said


def _parts(message: Said) -> list[Text | Reasoning]:
    parts: list[Text | Reasoning] = []
    if message.thinking:
        parts.append(Reasoning(text=message.thinking, family=FAMILY))
    if message.content:
        parts.append(Text(text=message.content))
    return parts
