"""`POST /costs/estimate`: what a request would cost, without sending it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web
from msgspec import Raw

from router.canon.request import ChatRequest
from router.errors import Reason, Refused
from router.front.body import read_body
from router.front.context import Context
from router.front.said import said

_CHAT = "openai-chat"
_MESSAGES = "anthropic-messages"
_RESPONSES = "openai-responses"
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


async def estimate(request: web.Request, context: Context) -> web.Response:
    """Takes the body of any chat request, as `/v1/chat/completions`, `/v1/responses` and `/v1/messages` do.

    Raises:
        Refused: it cannot be read, or there is no such model.
    """
    body = await read_body(request, context)
    half = context.codecs[_spoken(request.headers, body)].front
    assert half is not None
    asked = half.decode_request(half.peek(body))
    assert isinstance(asked, ChatRequest)
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
