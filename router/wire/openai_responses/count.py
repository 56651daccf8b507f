"""Counting a prompt without answering it: `/responses/input_tokens`.

Source: https://platform.openai.com/docs/api-reference/responses/input-tokens, read 2026-11, and a recording.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.json import Decoder

from router.canon.count import TokenCount
from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.wire.dialect import Encoded
from router.wire.members import MEMBERS, joined
from router.wire.openai_responses.fault import fault_inside
from router.wire.openai_responses.request import encode_request as encode_chat
from router.wire.whole import read_answer, whole_codec

_COUNTED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning"}
)
"""The members a count takes; any other is refused."""


class CountBody(Struct, frozen=True):
    """The whole answer."""

    input_tokens: int


_ANSWER = Decoder(CountBody)


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """A request to count what would be sent to be answered; what it lost is lost to the count too."""
    said = encode_chat(request, model)
    members = {name: value for name, value in MEMBERS.decode(said.body).items() if name in _COUNTED}
    return Encoded(body=joined(members), lost=said.lost)


def decode_reply(body: bytes) -> TokenCount:
    """The tokens of the prompt. Raises `WireFault`, also for an error inside a 200."""
    return TokenCount(tokens=read_answer(_ANSWER, body, "count of tokens", fault_inside).input_tokens)


CODEC = whole_codec("openai-count", Operation.COUNT_TOKENS, encode_request=encode_request, decode_reply=decode_reply)
"""How counting is said in this dialect."""
