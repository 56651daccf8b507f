"""`POST /costs/estimate`: what a request would cost, without sending it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from actors.messages import Estimable
from router.errors import Reason, Refused
from router.front.body import read_body
from router.front.context import Context
from router.front.said import queried, said

_CHAT = "openai-chat"
_MESSAGES = "anthropic-messages"
_RESPONSES = "openai-responses"
_OTHERS = {"embeddings": "openai-embeddings", "images": "openai-images"}
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


class EstimateQuery(Struct, frozen=True, kw_only=True):
    """What the body asks for."""

    operation: Literal["chat", "embeddings", "images"] = "chat"


async def estimate(request: web.Request, context: Context) -> web.Response:
    """Takes the body of any chat request, as `/v1/chat/completions`, `/v1/responses` and `/v1/messages` do; with
    `operation` that of `/v1/embeddings` or `/v1/images/generations`.

    Raises:
        Refused: it cannot be read, or there is no such model.
    """
    operation = queried(request, EstimateQuery).operation
    body = await read_body(request, context)
    half = context.codecs[_OTHERS.get(operation) or _spoken(request.headers, body)].front
    assert half is not None
    asked = half.decode_request(half.peek(body))
    assert isinstance(asked, Estimable)
    estimates = context.desk.estimates(asked)
    if estimates is None:
        raise Refused(
            f"the model {asked.model!r} does not exist here; GET /v1/models lists those that do",
            reason=Reason.UNKNOWN_MODEL,
            param="model",
        )
    return said(estimates)


def _spoken(headers: Mapping[str, str], body: bytes) -> str:
    """Whose form a body has: Anthropic's clients name their version, and only one other form has an `input`."""
    if "anthropic-version" in headers:
        return _MESSAGES
    try:
        members = _MEMBERS.decode(body)
    except msgspec.DecodeError:
        return _CHAT  # which says what is wrong with it
    return _RESPONSES if "input" in members and "messages" not in members else _CHAT
