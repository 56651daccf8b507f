"""Whole answers, and what streams share with them: why an answer ended, ids of calls, log probabilities, sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Raw

from router.canon.event import Finish
from router.canon.reply import Choice, Reply
from router.canon.request import Opaque, Reasoning, Text, ToolCall
from router.errors import Reason, WireFault
from router.wire.body import decoded, filled
from router.wire.gemini.fault import error_in, fault_inside
from router.wire.gemini.schema import (
    ANSWER,
    ENCODER,
    LOGPROBS,
    NULL,
    UNREADABLE,
    Answer,
    Candidate,
    FunctionCall,
    Part,
    TokenProbability,
    TopTokens,
)
from router.wire.gemini.usage import decode_usage
from router.wire.ids import CallIds

FAMILY = "gemini"
"""Whose citations these are, and, but for Vertex, whose signatures."""

MADE_UP = "call_gemini_"
"""What ids begin with that are ours: the provider never saw them, and must not."""

AnswerPart = Text | Reasoning | ToolCall | Opaque

_FINISHES: dict[str, Finish] = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "CONTINUATION": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "IMAGE_RECITATION": Finish.CONTENT_FILTER,
}
"""Google's words -> canon. Any other is `OTHER` behind content, and a failure without: the list is open."""

_FAILED = frozenset(
    {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
    | {"MISSING_THOUGHT_SIGNATURE"}
)
"""Words for a model that wrote a call nobody can read: the next try may well be right."""


def decode_reply(body: bytes, family: str = FAMILY) -> Reply:
    """A whole answer. `family` is whose signatures it holds.

    A prompt that was blocked is an answer too: an empty one, ended by the content filter, with the block's own reason.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, other JSON, or an answer that failed.
    """
    text = filled(body)
    error = error_in(text)
    if error is not None:
        raise fault_inside(error)
    answer = decoded(ANSWER, text, "generated content")
    return Reply(
        id=answer.response_id or "",
        model=answer.model_version or "",
        choices=_choices(answer, family),
        usage=decode_usage(answer.usage_metadata),
        created_s=created_s(answer),
        family=FAMILY,
    )


def decode_finish(said: str, *, called: bool, spoke: bool) -> Finish:
    """Why an answer ended. Google says STOP after calls too, and one event after them.

    Args:
        said: the provider's word; "" where a whole answer has none.
        called: whether the answer holds a call.
        spoke: whether it holds anything.

    Raises:
        WireFault: the word means that the answer failed, or says nothing known behind no content.
    """
    if said in _FAILED:
        raise WireFault(Reason.MALFORMED, f"the provider ended the answer with {said}", code=said)
    finish = _FINISHES.get(said, Finish.OTHER)
    if finish is Finish.OTHER and not spoke:
        raise WireFault(
            Reason.EMPTY_ANSWER, f"the provider ended an empty answer with {said or 'no reason'}", code=said
        )
    return Finish.TOOL_CALLS if called and finish in (Finish.STOP, Finish.OTHER) else finish


def blocked_because(answer: Answer) -> str | None:
    """Why the prompt was blocked, if it was."""
    feedback = answer.prompt_feedback
    return feedback.block_reason if feedback is not None and not answer.candidates else None


def created_s(answer: Answer) -> int | None:
    """When Vertex says the answer was made, in epoch seconds."""
    try:
        return int(datetime.fromisoformat(answer.create_time or "").timestamp())
    except ValueError:
        return None


def call_id(call: FunctionCall, ids: CallIds, seed: str) -> str:
    """The call's id, or one made of `seed`, the same for the same answer: most answers have none."""
    return ids.own(call.id, MADE_UP, f"{seed}/{call.name}")


def arguments_text(call: FunctionCall) -> str:
    """Arguments as JSON text without the white space of the envelope; "" where there are none."""
    return "" if call.args == NULL else msgspec.json.format(call.args, indent=-1).decode("utf-8", "replace")


def citations_in(candidate: Candidate) -> tuple[Raw, ...]:
    """What the text stands on, as Google says it: sources it repeats, and searches it made."""
    cited = (b"citationMetadata", candidate.citation_metadata), (b"groundingMetadata", candidate.grounding_metadata)
    return tuple([Raw(b'{"%b":%b}' % (name, bytes(raw))) for name, raw in cited if raw not in _NO_SOURCE])


_NO_SOURCE = (NULL, Raw(b"{}"))
_HELD = ("inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_NOTHING_HELD = (NULL,) * len(_HELD)


def opaque_in(part: Part) -> Raw | None:
    """A picture, or a tool Google ran itself, as a part to be sent back as it is; None for other parts."""
    held = (
        part.inline_data,
        part.file_data,
        part.executable_code,
        part.code_execution_result,
        part.tool_call,
        part.tool_response,
    )
    if held == _NOTHING_HELD:
        return None
    members: dict[str, object] = {name: raw for name, raw in zip(_HELD, held, strict=True) if raw != NULL}
    if part.thought_signature:
        members["thoughtSignature"] = part.thought_signature
    return Raw(ENCODER.encode(members))


def logprobs_in(candidate: Candidate) -> Raw | None:
    """Log probabilities in OpenAI's form; None where there are none, or none that can be read."""
    if candidate.logprobs_result == NULL:
        return None
    try:
        result = LOGPROBS.decode(candidate.logprobs_result)
    except UNREADABLE:
        return None
    tops = result.top_candidates or ()
    content = [
        {
            **_token(chosen),
            "top_logprobs": [_token(top) for top in (tops[n] if n < len(tops) else TopTokens()).candidates],
        }
        for n, chosen in enumerate(result.chosen_candidates or ())
    ]
    return Raw(ENCODER.encode({"content": content, "refusal": None}))


def _token(said: TokenProbability) -> dict[str, object]:
    return {"token": said.token, "logprob": said.log_probability, "bytes": list(said.token.encode())}


def _choices(answer: Answer, family: str) -> tuple[Choice, ...]:
    blocked = blocked_because(answer)
    if blocked is not None:
        return (Choice(index=0, parts=(), finish=Finish.CONTENT_FILTER, said=blocked),)
    if not answer.candidates:
        raise WireFault(Reason.EMPTY_ANSWER, "the provider answered without candidates")
    seed = answer.response_id or ""
    return tuple(_choice(candidate, place, seed, family) for place, candidate in enumerate(answer.candidates))


def _choice(candidate: Candidate, place: int, seed: str, family: str) -> Choice:
    index = place if candidate.index is None else candidate.index
    said = (candidate.content.parts if candidate.content else None) or ()
    parts: list[AnswerPart] = []
    called = 0
    ids = CallIds()
    for part in said:
        parts += _parts(part, ids, f"{seed}/{index}/{called}", family)
        called += part.function_call is not None
    word = candidate.finish_reason or ""
    return Choice(
        index=index,
        parts=tuple(_run_together(parts)),
        finish=decode_finish(word, called=called > 0, spoke=bool(parts)),
        said=word,
        logprobs=logprobs_in(candidate),
        citations=citations_in(candidate),
    )


def _parts(part: Part, ids: CallIds, seed: str, family: str) -> Iterator[AnswerPart]:
    """A part in canon. A text's signature follows it as thinking without words, the form in which it also streams."""
    call, signature = part.function_call, part.thought_signature
    if call is not None and call.name:
        yield ToolCall(
            id=call_id(call, ids, seed),
            name=call.name,
            arguments=arguments_text(call),
            signature=signature,
            family=family if signature else None,
        )
        return
    opaque = opaque_in(part)
    if opaque is not None:
        yield Opaque(raw=opaque, family=family)
        return
    if part.thought:
        yield Reasoning(text=part.text or "", signature=signature, family=family)
        return
    if part.text:
        yield Text(text=part.text)
    if signature:
        yield Reasoning(signature=signature, family=family)


def _run_together(parts: list[AnswerPart]) -> list[AnswerPart]:
    """Texts that follow each other are one."""
    joined: list[AnswerPart] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(last, Text):
            joined[-1] = Text(text=last.text + part.text)
        else:
            joined.append(part)
    return joined
