"""OpenAI's moderations: texts, or parts with pictures, and a verdict for each.

Source: https://platform.openai.com/docs/api-reference/moderations, read 2026-10.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.moderation import Judgement, ModerationRequest, Moderations
from router.canon.operation import Operation
from router.errors import Refused
from router.wire.dialect import Ask, Encoded
from router.wire.ids import made_up_id
from router.wire.members import ENCODER, NULL, UNREADABLE, read_member, required
from router.wire.openai_chat.fault import encode_fault, fault_inside
from router.wire.openai_chat.usage import decode_usage
from router.wire.whole import extra_of, lost_of, patch_model, peek_whole, read_answer, whole_codec, whole_front

ANY = "auto"
"""What a request without a model asks for: OpenAI has a default, and a router whatever of its models judges."""

_OBJECT = Raw(b"{}")


class Verdict(Struct, frozen=True):
    """One verdict; Mistral's has no `flagged`."""

    categories: Raw = _OBJECT
    category_scores: Raw = _OBJECT
    flagged: bool | None = None
    category_applied_input_types: Raw = NULL


class ModerationBody(Struct, frozen=True):
    """The whole answer."""

    results: tuple[Verdict, ...]
    id: str | None = None
    model: str | None = None
    usage: Raw = NULL


_ANSWER = Decoder(ModerationBody)
_INPUT = Decoder(str | tuple[Raw, ...])
_TEXTS = Decoder(tuple[str, ...])
_FLAGS = Decoder(dict[str, bool])


def peek(body: bytes) -> Ask:
    """Read what routing needs. Raises `Refused`."""
    return peek_whole(body, "input", model=ANY)


def decode_request(ask: Ask) -> ModerationRequest:
    """The whole request in canon. Raises `Refused`, naming the field."""
    raw = required(ask.fields, "input")
    read = read_member(_INPUT, raw, "input")
    extra = extra_of(ask, "model", "input")
    if isinstance(read, str):
        return ModerationRequest(model=ask.model, inputs=(read,), extra=extra)
    if not read:
        raise Refused("`input` must not be empty", param="input")
    try:
        return ModerationRequest(model=ask.model, inputs=_TEXTS.decode(raw), extra=extra)
    except UNREADABLE:
        return ModerationRequest(model=ask.model, inputs=(), raw=raw, extra=extra)


def encode_request(request: ModerationRequest, model: str) -> Encoded:
    """The request in these words; one text alone is not made a list."""
    inputs: object = request.inputs[0] if len(request.inputs) == 1 else request.inputs
    body = {"model": model, "input": inputs if request.raw is None else request.raw}
    return Encoded(body=ENCODER.encode(body), lost=lost_of(request.extra))


def decode_reply(body: bytes) -> Moderations:
    """A verdict for each input. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "moderation", fault_inside)
    return Moderations(
        id=answer.id or "",
        model=answer.model or "",
        results=tuple(_judgement(verdict) for verdict in answer.results),
        usage=decode_usage(answer.usage),
    )


def encode_reply(reply: Moderations) -> bytes:
    """The answer a caller reads, with the judge's own names of what is forbidden."""
    return ENCODER.encode(
        {
            "id": reply.id or made_up_id("modr-", f"{reply.model}/{reply.results}"),
            "model": reply.model,
            "results": [_said(judgement) for judgement in reply.results],
        }
    )


def _judgement(verdict: Verdict) -> Judgement:
    """A verdict; one that does not say whether anything is wrong says it by its categories."""
    flagged = verdict.flagged
    if flagged is None:
        try:
            flagged = any(_FLAGS.decode(verdict.categories).values())
        except UNREADABLE:
            flagged = False
    applied = verdict.category_applied_input_types
    return Judgement(
        flagged=flagged,
        categories=verdict.categories,
        scores=verdict.category_scores,
        applied=None if applied == NULL else applied,
    )


def _said(judgement: Judgement) -> dict[str, object]:
    said: dict[str, object] = {
        "flagged": judgement.flagged,
        "categories": judgement.categories,
        "category_scores": judgement.scores,
    }
    if judgement.applied is not None:
        said["category_applied_input_types"] = judgement.applied
    return said


CODEC = whole_codec(
    "openai-moderations",
    Operation.MODERATIONS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    patch_request=patch_model,
    front=whole_front(peek, decode_request, encode_reply, encode_fault),
)
"""How moderations are said in this dialect."""
