"""Counting a prompt without answering it: `/v1/messages/count_tokens`.

Source: https://platform.claude.com/docs/en/api/messages-count-tokens, read 2026-11.
"""

from __future__ import annotations

import msgspec

from router.canon.request import ChatRequest
from router.errors import Reason, WireFault
from router.wire.anthropic_messages.fault import fault_inside
from router.wire.anthropic_messages.request import encode_request, peek_uncounted
from router.wire.anthropic_messages.schema import COUNT, ENCODER, OBJECT, CountBody
from router.wire.dialect import Ask, Encoded
from router.wire.members import UNREADABLE, joined

_COUNTED = frozenset({"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"})
"""The members a count takes; any other is refused."""


def peek_count(body: bytes) -> Ask:
    """As a request's `peek`, but that its answer need not be bounded and is never a stream. Raises `Refused`.

    `patch_request` and `decode_request` take what it returns.
    """
    return msgspec.structs.replace(peek_uncounted(body), stream=False)


def encode_count_request(request: ChatRequest, model: str) -> Encoded:
    """A request to count what `encode_request` would send; what it lost is lost to the count too."""
    encoded = encode_request(request, model)
    members = OBJECT.decode(encoded.body)
    body = joined({name: value for name, value in members.items() if name in _COUNTED})
    return Encoded(body=body, lost=encoded.lost)


def decode_count(body: bytes) -> int:
    """The tokens of the prompt. Raises `WireFault` for an error inside a 200, and for anything but a count."""
    try:
        return COUNT.decode(body).input_tokens
    except UNREADABLE as error:
        if b'"error"' in body:
            raise fault_inside(body) from error
        raise WireFault(Reason.MALFORMED, "the provider answered with something that is no count") from error


def encode_count(tokens: int) -> bytes:
    """The answer a caller reads."""
    return ENCODER.encode(CountBody(input_tokens=tokens))
