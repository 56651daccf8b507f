"""Counting a prompt without answering it: Google's countTokens.

Vertex takes the prompt as it would be answered. The Gemini API wants it inside `generateContentRequest`, and with the
model's name: beside it, it counts nothing but the turns.

Source: https://ai.google.dev/api/tokens and https://cloud.google.com/vertex-ai/docs/reference, read 2026-11.
"""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.count import TokenCount
from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.errors import Reason, WireFault
from router.wire.dialect import Codec, Encoded
from router.wire.gemini.embeddings import patch_request
from router.wire.gemini.fault import error_in, fault_inside
from router.wire.gemini.request import encode_request as encode_chat
from router.wire.gemini.schema import ENCODER
from router.wire.gemini.surface import GEMINI, Surface
from router.wire.members import MEMBERS, joined
from router.wire.whole import read_answer, whole_codec

_COUNTED = frozenset({"contents", "systemInstruction", "tools", "generationConfig"})
"""The members that Vertex counts; any other is refused."""


class CountBody(Struct, frozen=True, rename="camel"):
    """The whole answer."""

    total_tokens: int


_ANSWER = Decoder(CountBody)


def count_path(model: str, *, collection: str = "models") -> str:
    """What follows the base URL."""
    return f"/{quote(model if '/' in model else f'{collection}/{model}')}:countTokens"


def encode_request(request: ChatRequest, model: str, surface: Surface = GEMINI) -> Encoded:
    """A request to count what would be sent to be answered; what it lost is lost to the count too."""
    said = encode_chat(request, model, surface)
    members = MEMBERS.decode(said.body)
    if surface.family == GEMINI.family:
        name = Raw(ENCODER.encode(model if "/" in model else f"models/{model}"))
        return Encoded(body=b'{"generateContentRequest":%b}' % joined({"model": name, **members}), lost=said.lost)
    counted = {member: value for member, value in members.items() if member in _COUNTED}
    return Encoded(body=joined(counted), lost=said.lost)


def decode_reply(body: bytes) -> TokenCount:
    """The tokens of the prompt. Raises `WireFault`, also for an error inside a 200."""
    return TokenCount(tokens=read_answer(_ANSWER, body, "count of tokens", _fault).total_tokens)


def _fault(body: bytes) -> WireFault:
    error = error_in(body)
    return WireFault(Reason.MALFORMED, "the provider answered with no count") if error is None else fault_inside(error)


def counting(surface: Surface) -> Codec:
    """How counting is said to one of the two services."""
    return whole_codec(
        f"{surface.family}-count",
        Operation.COUNT_TOKENS,
        encode_request=lambda request, model: encode_request(request, model, surface),
        decode_reply=decode_reply,
        patch_request=patch_request,
    )
