"""Counting a prompt without answering it: `/v1/messages/count_tokens`.

Source: https://platform.claude.com/docs/en/api/messages-count-tokens, read 2026-11.
"""

from __future__ import annotations

import msgspec

from router.canon.count import TokenCount
from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.wire.anthropic_messages.fault import encode_fault, fault_inside, with_request_id
from router.wire.anthropic_messages.request import decode_request, patch_request, peek_uncounted
from router.wire.anthropic_messages.request import encode_request as encode_chat
from router.wire.anthropic_messages.schema import COUNT, ENCODER, OBJECT, CountBody
from router.wire.dialect import Ask, Encoded
from router.wire.members import joined
from router.wire.whole import read_answer, whole_codec, whole_front

_COUNTED = frozenset({"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"})
"""The members a count takes; any other is refused."""


def peek(body: bytes) -> Ask:
    """As a request's `peek`, but that its answer need not be bounded and is never a stream. Raises `Refused`."""
    return msgspec.structs.replace(peek_uncounted(body), stream=False)


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """A request to count what would be sent to be answered; what that loses is lost to the count too."""
    encoded = encode_chat(request, model)
    members = OBJECT.decode(encoded.body)
    body = joined({name: value for name, value in members.items() if name in _COUNTED})
    return Encoded(body=body, lost=encoded.lost)


def decode_reply(body: bytes) -> TokenCount:
    """The tokens of the prompt. Raises `WireFault` for an error inside a 200, and for anything but a count."""
    return TokenCount(tokens=read_answer(COUNT, body, "count of tokens", fault_inside).input_tokens)


def encode_reply(reply: TokenCount) -> bytes:
    """The answer a caller reads."""
    return ENCODER.encode(CountBody(input_tokens=reply.tokens))


CODEC = whole_codec(
    "anthropic-count",
    Operation.COUNT_TOKENS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    patch_request=patch_request,
    front=whole_front(
        peek,
        decode_request,
        encode_reply,
        encode_fault,
        # Betas come in pairs with members of the body: to keep one without the other is a 400.
        forwarded=frozenset({"anthropic-version", "anthropic-beta"}),
        id_header="request-id",
        with_request_id=with_request_id,
    ),
)
"""How counting is said in this dialect."""
