"""Counting a prompt without answering it: Bedrock's CountTokens, which not every model has.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html, read 2026-11.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import Decoder

from router.canon.count import TokenCount
from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.errors import WireFault
from router.wire.bedrock_converse.fault import fault_inside
from router.wire.bedrock_converse.request import encode_request as encode_chat
from router.wire.bedrock_converse.request import patch_request
from router.wire.dialect import Encoded
from router.wire.members import MEMBERS, joined
from router.wire.whole import read_answer, whole_codec

_COUNTED = frozenset({"messages", "system", "toolConfig"})
"""The members of Converse that are counted; any other is refused."""


class CountBody(Struct, frozen=True):
    """The whole answer."""

    inputTokens: int


_ANSWER = Decoder(CountBody)


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """A request to count what would be sent to be answered; what it lost is lost to the count too."""
    said = encode_chat(request, model)
    members = {name: value for name, value in MEMBERS.decode(said.body).items() if name in _COUNTED}
    return Encoded(body=b'{"input":{"converse":%b}}' % joined(members), lost=said.lost)


def decode_reply(body: bytes) -> TokenCount:
    """The tokens of the prompt. Raises `WireFault`, also for an error inside a 200."""
    return TokenCount(tokens=read_answer(_ANSWER, body, "count of tokens", _fault).inputTokens)


def _fault(body: bytes) -> WireFault:
    return fault_inside("", body)


CODEC = whole_codec(
    "bedrock-count",
    Operation.COUNT_TOKENS,
    encode_request=encode_request,
    decode_reply=decode_reply,
    patch_request=patch_request,
)
"""How counting is said to this service."""
