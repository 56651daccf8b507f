"""Whole answers, and what an ending means, which streams share."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage
from router.errors import Reason, WireFault
from router.wire.body import decoded, filled
from router.wire.citations import flat
from router.wire.ids import made_up_id
from router.wire.members import ENCODER, NULL, UNREADABLE
from router.wire.openai_responses.fault import fault_inside
from router.wire.openai_responses.item import shown_call, shown_thought
from router.wire.openai_responses.schema import ECHOED_TOOLS, ITEM, REPLY, SAID_PARTS, ResponseBody, SaidItem, SaidPart
from router.wire.openai_responses.thought import BREAK, FAMILY, unseal
from router.wire.openai_responses.usage import decode_usage, encode_usage
from router.wire.tiers import openai_tier

AnswerPart = Text | Reasoning | ToolCall | Refusal | Opaque

_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)

_INCOMPLETE: dict[str, Finish] = {
    "max_output_tokens": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}
"""Why an answer is not whole -> canon."""

_FAILED = frozenset({"failed", "cancelled"})

_SAID: dict[Finish, str] = {
    Finish.LENGTH: "max_output_tokens",
    Finish.CONTEXT_FULL: "max_output_tokens",
    Finish.PAUSED: "max_output_tokens",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "content_filter",
}
"""Canon -> why an answer is not whole; any other ending completes it. A paused turn must not read as complete."""


def decode_reply(body: bytes) -> Reply:
    """A whole answer; blank lines that kept a connection open before it are skipped.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, JSON of another shape, or an answer that the
            provider has not finished.
    """
    text = filled(body)
    reply = decoded(REPLY, text, "response")
    if reply.object == "error":
        raise fault_inside(text)
    raise_if_failed(reply)
    if reply.output is None:
        raise WireFault(Reason.MALFORMED, "the provider answered without output")
    if reply.status in ("queued", "in_progress"):
        raise WireFault(Reason.MALFORMED, f"the provider answered with a response that is still {reply.status}")
    try:
        choice = _choice(reply, reply.output)
    except UNREADABLE as error:
        raise WireFault(Reason.MALFORMED, "the provider answered with an item that cannot be read") from error
    return Reply(
        id=reply.id or "",
        model=reply.model or "",
        choices=(choice,),
        usage=decode_usage(reply.usage, reply.service_tier),
        created_s=None if reply.created_at is None else int(reply.created_at),
        family=FAMILY,
    )


def encode_reply(reply: Reply) -> bytes:
    """A whole answer as a response. This protocol has one answer to a request: of several the first is said."""
    choice = reply.choices[0] if reply.choices else None
    id = response_id(reply.id, reply.model, reply.created_s)
    output = [] if choice is None else _output(choice, id, reply.family == FAMILY)
    finish = Finish.STOP if choice is None else choice.finish
    refused = choice is not None and any(isinstance(part, Refusal) for part in choice.parts)
    head = response_members(id, reply.model, reply.created_s)
    return ENCODER.encode(
        head | ending_members(finish, refused=refused) | {"output": output} | usage_members(reply.usage)
    )


def raise_if_failed(reply: ResponseBody) -> None:
    """Raise the fault that an answer holds instead of content."""
    if reply.error != NULL:
        raise fault_inside(reply.error)
    if reply.status in _FAILED:
        raise WireFault(Reason.SERVER_ERROR, f"the provider's response {reply.status} and gave no reason")


def decode_finish(reply: ResponseBody, *, called: bool, refused: bool) -> tuple[Finish, str]:
    """Why an answer ended, and the provider's own word for it.

    Args:
        reply: an answer that did not fail.
        called: whether the answer holds a call of a tool the caller offered.
        refused: whether it holds a refusal and no text.
    """
    if reply.status == "incomplete" or reply.incomplete_details is not None:
        said = (reply.incomplete_details.reason if reply.incomplete_details else None) or "incomplete"
        # Whatever broke it off: it must not read as whole.
        return _INCOMPLETE.get(said, Finish.LENGTH), said
    finish = Finish.TOOL_CALLS if called else Finish.REFUSAL if refused else Finish.STOP
    return finish, reply.status or "completed"


def offered_tools(reply: ResponseBody) -> frozenset[str] | None:
    """The free-form tools the caller offered, as the answer repeats them; None when it repeats no tool at all.

    A provider's own searches come as calls of free-form tools too (xAI); nobody offered those.
    """
    try:
        tools = ECHOED_TOOLS.decode(reply.tools)
    except UNREADABLE:
        return None
    return frozenset(tool.name for tool in tools if tool.type == "custom" and tool.name) if tools else None


def is_call(item: SaidItem, offered: frozenset[str] | None) -> bool:
    """Whether an item asks the caller to run a tool."""
    if item.type == "custom_tool_call":
        return offered is None or item.name in offered
    return item.type == "function_call"


def read_item(raw: Raw) -> SaidItem:
    """An item of an answer; one that cannot be read is one of a kind we do not know."""
    try:
        return ITEM.decode(raw)
    except UNREADABLE:
        return SaidItem()


def call_text(item: SaidItem) -> str:
    """What a call hands over, as far as it is known: JSON text, or any text for a free-form tool."""
    return raw_text(item.input if item.type == "custom_tool_call" else item.arguments)


def raw_text(raw: Raw) -> str:
    """A member that is text, or that some server left as the object itself."""
    if raw == NULL:
        return ""
    return _TEXT.decode(raw) if bytes(raw).startswith(b'"') else bytes(raw).decode()


def said_parts(raw: Raw) -> tuple[SaidPart, ...]:
    """The parts of a message or a thought; none where they cannot be read."""
    try:
        return SAID_PARTS.decode(raw)
    except UNREADABLE:
        return ()


def thought_text(item: SaidItem) -> str:
    """All of a thought that can be read: its summary, then its own words where the provider shows them."""
    return BREAK.join(part.text for part in (*said_parts(item.summary), *said_parts(item.content)) if part.text)


def logprob_entries(raw: Raw) -> list[Raw]:
    """The entries of a list of log probabilities, untouched; some servers send an empty one with every word."""
    return _LIST.decode(raw) if bytes(raw).startswith(b"[") else []


def response_id(id: str, model: str, created_s: int | None) -> str:
    """The provider's own id, or one that is the same for the same answer."""
    return id or made_up_id("resp_", f"{model}/{created_s}")


def item_id(prefix: str, response: str, place: int) -> str:
    """An id for an item, the same for the same place of the same answer."""
    return made_up_id(prefix, f"{response}/{place}")


def response_members(id: str, model: str, created_s: int | None) -> dict[str, object]:
    """What clients expect of every response beside its content; it is not theirs to read what was asked."""
    return {
        "id": id,
        "object": "response",
        "created_at": created_s or 0,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": None,
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }


def ending_members(finish: Finish, *, refused: bool) -> dict[str, object]:
    """The members of a response that say how it ended. A refusal in words of its own is whole, as OpenAI has it; one
    that broke the answer off is not."""
    reason = None if refused and finish is Finish.REFUSAL else _SAID.get(finish)
    if reason is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def usage_members(usage: Usage | None) -> dict[str, object]:
    """The members of a response that say what it used, and in which tier."""
    return {} if usage is None else {"usage": encode_usage(usage), "service_tier": openai_tier(usage)}


def text_part(text: str, annotations: list[Raw], logprobs: list[Raw]) -> dict[str, object]:
    """A text as an answer holds it."""
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs}


def message_item(id: str, content: Sequence[object], status: str = "completed") -> dict[str, object]:
    """A message as an answer holds it."""
    return {"type": "message", "id": id, "status": status, "role": "assistant", "content": content}


def _choice(reply: ResponseBody, output: tuple[Raw, ...]) -> Choice:
    offered = offered_tools(reply)
    parts: list[AnswerPart] = []
    citations: list[Raw] = []
    logprobs: list[Raw] = []
    for place, raw in enumerate(output):
        item = read_item(raw)
        if item.type == "reasoning":
            thought = unseal(thought_text(item), item.encrypted_content, item.id)
            parts += [thought] if thought.text or thought.signature else []
        elif item.type == "message":
            for part in said_parts(item.content):
                parts += _said(part)
                citations += part.annotations or ()
                logprobs += logprob_entries(part.logprobs)
        elif is_call(item, offered):
            parts.append(_call(item, f"{reply.id}/{place}"))
        else:
            parts.append(Opaque(raw=raw, family=FAMILY))
    finish, said = decode_finish(
        reply,
        called=any(isinstance(part, ToolCall) for part in parts),
        refused=is_refusal(parts),
    )
    return Choice(
        index=0,
        parts=tuple(parts),
        finish=finish,
        said=said,
        logprobs=logprobs_object(logprobs) if logprobs else None,
        citations=tuple(citations),
    )


def is_refusal(parts: list[AnswerPart]) -> bool:
    """Whether the model refused and said nothing else."""
    return any(isinstance(part, Refusal) for part in parts) and not any(isinstance(part, Text) for part in parts)


def logprobs_object(entries: list[Raw]) -> Raw:
    """Log probabilities as canon holds them."""
    return Raw(ENCODER.encode({"content": entries, "refusal": None}))


def _said(part: SaidPart) -> list[AnswerPart]:
    if part.refusal:
        return [Refusal(text=part.refusal)]
    return [Text(text=part.text)] if part.text else []


def _call(item: SaidItem, seed: str) -> ToolCall:
    arguments = call_text(item)
    return ToolCall(
        id=item.call_id or made_up_id("call_", f"{seed}/{item.name}/{arguments}"),
        name=item.name or "",
        arguments=arguments,
        custom=item.type == "custom_tool_call",
    )


def _output(choice: Choice, response: str, cites: bool) -> list[object]:
    """The items of a whole answer."""
    output: list[object] = []
    content: list[dict[str, object]] = []
    texts: list[dict[str, object]] = []

    def close() -> None:
        if content:
            output.append(message_item(item_id("msg_", response, len(output)), list(content)))
            content.clear()

    for part in choice.parts:
        match part:
            case Text():
                texts.append(text_part(part.text, [], []))
                content.append(texts[-1])
            case Refusal():
                content.append({"type": "refusal", "refusal": part.text})
            case Opaque() if part.family != FAMILY:
                continue
            case _:
                close()
                output.append(part.raw if isinstance(part, Opaque) else _item(part, response, len(output)))
    close()
    _add_sources(texts, choice, cites)
    return output


def _add_sources(texts: list[dict[str, object]], choice: Choice, cites: bool) -> None:
    """Citations and log probabilities, with the last text: canon does not say with which."""
    if texts:
        texts[-1]["annotations"] = [said for raw in choice.citations for said in ((raw,) if cites else flat(raw))]
        texts[-1]["logprobs"] = [] if choice.logprobs is None else content_entries(choice.logprobs)


def _item(part: ToolCall | Reasoning, response: str, place: int) -> dict[str, object]:
    if isinstance(part, Reasoning):
        own = part.family == FAMILY and part.id
        return {"id": own or item_id("rs_", response, place), **shown_thought(part)}
    prefix = "ctc_" if part.custom else "fc_"
    return {"id": item_id(prefix, response, place), **shown_call(part), "status": "completed"}


def content_entries(logprobs: Raw) -> list[Raw]:
    """The entries of canon's log probabilities for text."""
    try:
        members = msgspec.json.decode(logprobs, type=dict[str, Raw])
    except UNREADABLE:
        return []
    return logprob_entries(members.get("content", NULL))
