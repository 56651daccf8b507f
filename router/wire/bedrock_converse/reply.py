"""Whole answers, and the words for why an answer ended, which streams share."""

from __future__ import annotations

import re
from base64 import b64decode

from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.anthropic_messages.message import FAMILY as CLAUDE
from router.wire.bedrock_converse.fault import fault_inside
from router.wire.bedrock_converse.request import ANSWER_TOOL
from router.wire.bedrock_converse.schema import (
    ERROR,
    FAMILY,
    MODEL_FIELDS,
    NULL,
    REPLY,
    SAID_BLOCK,
    TRACE,
    Reasoned,
    ReplyBody,
    ToolUse,
)
from router.wire.bedrock_converse.usage import decode_usage
from router.wire.body import filled, misread
from router.wire.ids import CallIds, made_up_id
from router.wire.members import UNREADABLE

AnswerPart = Text | Reasoning | ToolCall | Opaque

SERVER_TOOL = "server_tool_use"
"""The type of a tool call that the service carried out itself."""

_FINISHES: dict[str, Finish] = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.CONTEXT_FULL,
    "content_filtered": Finish.CONTENT_FILTER,
    "guardrail_intervened": Finish.CONTENT_FILTER,
    "refusal": Finish.REFUSAL,
    "pause_turn": Finish.PAUSED,
}
"""The service's words, and two of Claude's that reach through it -> canon; what is missing is `OTHER`."""

_FAILED = frozenset({"malformed_model_output", "malformed_tool_use"})
"""Words in a stop reason's place that mean the answer failed: the model wrote what the service could not read."""

_SEALED_TEXT = re.compile(rb"[A-Za-z0-9+/=_-]+")


def decode_reply(body: bytes) -> Reply:
    """A whole answer. The service names neither it nor, but for prompt routers, the model; its id is made of it.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, JSON of another shape, or an answer that the
            service says is broken.
    """
    text = filled(body)
    try:
        reply = REPLY.decode(text)
        if reply.output is None or reply.output.message is None:
            raise _fault(reply, text)
        parts, citations = _parts(reply.output.message.content)
    except UNREADABLE as error:
        raise misread(text, "Converse answer") from error
    said = reply.stop_reason or ""
    choice = Choice(
        index=0,
        parts=parts,
        finish=decode_finish(said, called=any(isinstance(part, ToolCall) for part in parts)),
        said=said,
        stop_sequence=stop_sequence(reply.additional_model_response_fields),
        citations=citations,
    )
    return Reply(
        id=made_up_id("converse-", text.decode("utf-8", "replace")),
        model=_model(reply.trace),
        choices=(choice,),
        usage=decode_usage(reply.usage, reply.service_tier),
        family=FAMILY,
    )


def decode_finish(said: str, *, called: bool) -> Finish:
    """Why an answer ended. A call that the caller must answer tells better than the word beside it, and so does none.

    Args:
        said: the service's word.
        called: whether the answer holds a tool call for the caller.

    Raises:
        WireFault: the word says that the answer is broken.
    """
    if said in _FAILED:
        raise WireFault(Reason.MALFORMED, f"the provider ended the answer with {said!r}")
    finish = _FINISHES.get(said, Finish.OTHER)
    if finish in (Finish.STOP, Finish.TOOL_CALLS):
        return Finish.TOOL_CALLS if called else Finish.STOP
    return finish


def stop_sequence(fields: Raw) -> str | None:
    """The stop sequence that matched, where the model told when asked."""
    try:
        return None if fields == NULL else MODEL_FIELDS.decode(fields).stop_sequence
    except UNREADABLE:
        return None


def decode_redacted(blob: str) -> tuple[str, str]:
    """(what only its maker can read, whose it is). Claude's is text, which the service encodes once more."""
    try:
        inner = b64decode(blob, validate=True)
    except ValueError:
        return blob, FAMILY
    return (inner.decode(), CLAUDE) if _SEALED_TEXT.fullmatch(inner) else (blob, FAMILY)


def arguments_of(call: ToolUse) -> str:
    """A whole call's input as JSON text, byte for byte."""
    return "" if call.input == NULL else bytes(call.input).decode()


def _parts(content: tuple[Raw, ...]) -> tuple[tuple[AnswerPart, ...], tuple[Raw, ...]]:
    parts: list[AnswerPart] = []
    citations: list[Raw] = []
    ids = CallIds()
    for raw in content:
        block = SAID_BLOCK.decode(raw)
        if block.text is not None:
            parts += [Text(text=block.text)] if block.text else []
        elif block.tool_use is not None:
            parts.append(_call(block.tool_use, raw, ids))
        elif block.reasoning_content is not None:
            parts.append(_thought(block.reasoning_content))
        elif block.citations_content is not None:
            cited = block.citations_content
            citations += cited.citations
            parts.append(Text(text="".join(piece.text for piece in cited.content), citations=cited.citations))
        else:
            parts.append(Opaque(raw=raw, family=FAMILY))
    return tuple(parts), tuple(citations)


def _call(call: ToolUse, raw: Raw, ids: CallIds) -> AnswerPart:
    if call.type == SERVER_TOOL:
        return Opaque(raw=raw, family=FAMILY)
    if call.name == ANSWER_TOOL:
        return Text(text=arguments_of(call))
    call_id = ids.own(call.tool_use_id, "tooluse_", bytes(raw).decode())
    return ToolCall(id=call_id, name=call.name, arguments=arguments_of(call))


def _thought(said: Reasoned) -> Reasoning:
    """Thinking: Claude's where it is sealed, nobody's in particular where it is not."""
    if said.redacted_content is not None:
        redacted, family = decode_redacted(said.redacted_content)
        return Reasoning(redacted=redacted, family=family)
    told = said.reasoning_text
    if told is None:
        return Reasoning()
    return Reasoning(text=told.text, signature=told.signature or None, family=CLAUDE if told.signature else None)


def _fault(reply: ReplyBody, body: bytes) -> WireFault:
    """What a 200 without a message is: an error, or nothing anybody knows."""
    error = ERROR.decode(body)
    misread = reply.misread.type if reply.misread is not None else None
    if misread or error.type or error.message or error.Message:
        return fault_inside(misread or error.type or "", body)
    return WireFault(Reason.MALFORMED, "the provider answered without a message")


def _model(trace: Raw) -> str:
    """The model a prompt router chose; "" where none did."""
    try:
        router = None if trace == NULL else TRACE.decode(trace).prompt_router
    except UNREADABLE:
        return ""
    chosen = router.invoked_model_id if router is not None else None
    return (chosen or "").rsplit("/", 1)[-1]
