"""Whole answers, and what whole answers and streams share: why an answer ended, log probabilities, arguments."""

from __future__ import annotations

from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Reasoning, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.body import decoded, filled
from router.wire.cohere_v2.fault import COMPLAINTS
from router.wire.cohere_v2.message import FAMILY
from router.wire.cohere_v2.schema import (
    ENCODER,
    LOGPROBS,
    NULL,
    RAWS,
    REPLY,
    Said,
    SaidCall,
    SaidContent,
    SaidFunction,
    SaidLogprob,
)
from router.wire.cohere_v2.usage import decode_usage
from router.wire.ids import CallIds
from router.wire.members import UNREADABLE

_FINISHES: dict[str, Finish] = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.TOOL_CALLS,
    "ERROR_LIMIT": Finish.CONTEXT_FULL,
    "ERROR_TOXIC": Finish.CONTENT_FILTER,
}
"""Cohere's words -> canon; what is missing is `OTHER`. The last two are version 1's, which the set is open to."""

_FAILED = frozenset({"ERROR", "TIMEOUT", "USER_CANCEL"})
"""Words in a finish reason's place that mean the answer failed."""


def decode_reply(body: bytes) -> Reply:
    """A whole answer.

    Raises:
        WireFault: for an error inside a 200, an answer that ended in one, an empty body, a web page, or JSON of
            another shape.
    """
    text = filled(body)
    reply = decoded(REPLY, text, "chat answer")
    message = reply.message
    raise_if_failed(reply.finish_reason, reply.error, message if isinstance(message, str) else None)
    if not isinstance(message, Said):
        raise WireFault(Reason.MALFORMED, "the provider answered without a message")
    ids = CallIds()
    calls = [_call(call, ids, f"{reply.id}/{number}") for number, call in enumerate(listed(message.tool_calls))]
    said = reply.finish_reason or ""
    choice = Choice(
        index=0,
        parts=(*_parts(message), *calls),
        finish=decode_finish(said, called=bool(calls)),
        said=said,
        logprobs=decode_logprobs(reply.logprobs),
        citations=citations(message.citations),
    )
    return Reply(id=reply.id or "", model="", choices=(choice,), usage=decode_usage(reply.usage), family=FAMILY)


def decode_finish(said: str, *, called: bool) -> Finish:
    """Why an answer ended. Without any word a tool call in it tells, and without a call no word for one does."""
    finish = _FINISHES.get(said, Finish.OTHER)
    if finish is Finish.TOOL_CALLS and not called:
        return Finish.STOP
    return Finish.TOOL_CALLS if called and (finish is Finish.STOP or not said) else finish


def raise_if_failed(finish: str | None, error: Raw, message: str | None) -> None:
    """Raise the fault that came in place of an answer, or as its end: words under `error`, or a word for the end."""
    if error != NULL:
        raise COMPLAINTS.inside(error)
    if message is not None:
        raise COMPLAINTS.inside(message)
    if finish in _FAILED:
        raise WireFault(Reason.SERVER_ERROR, f"the provider ended the answer with {finish!r}")


def listed(said: tuple[SaidCall, ...] | SaidCall | None) -> tuple[SaidCall, ...]:
    """Tool calls as a list, whichever of the two forms they came in."""
    return said if isinstance(said, tuple) else () if said is None else (said,)


def blocks(said: tuple[SaidContent, ...] | SaidContent | None) -> tuple[SaidContent, ...]:
    """Content as a list, whichever of the two forms it came in."""
    return said if isinstance(said, tuple) else () if said is None else (said,)


def citations(raw: Raw) -> tuple[Raw, ...]:
    """Citations one by one, as Cohere's own JSON."""
    if raw == NULL:
        return ()
    return RAWS.decode(raw) if bytes(raw).startswith(b"[") else (raw,)


def decode_logprobs(raw: Raw) -> Raw | None:
    """Log probabilities in OpenAI's form. A piece of several tokens is as probable as all of them in a row."""
    try:
        said = LOGPROBS.decode(raw)
    except UNREADABLE:
        return None
    pieces = (said,) if isinstance(said, SaidLogprob) else said or ()
    content = [
        {
            "token": piece.text or "",
            "logprob": sum(piece.logprobs or ()),
            "bytes": list((piece.text or "").encode()),
            "top_logprobs": [],
        }
        for piece in pieces
    ]
    return Raw(ENCODER.encode({"content": content, "refusal": None})) if content else None


def call_named(call: SaidCall, ids: CallIds, seed: str) -> tuple[str, str]:
    """(id, name) of a tool call; `seed` makes an id for one that has none of its own, the same for the same answer."""
    name = (call.function or SaidFunction()).name or ""
    return ids.own(call.id, "call_", f"{seed}/{name}"), name


def _call(call: SaidCall, ids: CallIds, seed: str) -> ToolCall:
    call_id, name = call_named(call, ids, seed)
    arguments = (call.function or SaidFunction()).arguments or ""
    return ToolCall(id=call_id, name=name, arguments="{}" if arguments.strip() == "null" else arguments)


def _parts(message: Said) -> list[Text | Reasoning]:
    """Thinking and text in their order, then the plan for the calls, which is said to the user like any text."""
    parts: list[Text | Reasoning] = []
    for block in blocks(message.content):
        if block.thinking:
            parts.append(Reasoning(text=block.thinking, family=FAMILY))
        if block.text:
            parts.append(Text(text=block.text))
    if message.tool_plan:
        parts.append(Text(text=message.tool_plan))
    return parts
