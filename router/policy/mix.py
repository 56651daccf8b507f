"""How many tokens a request will probably use, before anybody has counted: only to compare prices, never to bill."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from router.canon.usage import Usage

BYTES_PER_TOKEN = 4
"""Of JSON with text in it. Scripts of three bytes a letter have about a token a letter: not far off either."""

OUTPUT_TOKENS = 400
"""What an answer is taken to need where its request sets no bound, or a far one."""

_BOUNDS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_COUNT: Decoder[int | None] = Decoder(int | None)


def expected_usage(fields: Mapping[str, Raw]) -> Usage:
    """The likely mix of prompt and answer, from the length of the body and the bound that the caller set.

    A bound is a ceiling and no wish: above `OUTPUT_TOKENS` it says nothing of how long the answer will be.
    """
    size_bytes = sum(memoryview(raw).nbytes for raw in fields.values())
    bounds = (_bound(fields[name]) for name in _BOUNDS if name in fields)
    least = min((bound for bound in bounds if bound is not None), default=OUTPUT_TOKENS)
    return Usage(input=max(size_bytes // BYTES_PER_TOKEN, 1), output=max(min(least, OUTPUT_TOKENS), 1))


def _bound(raw: Raw) -> int | None:
    try:
        return _COUNT.decode(raw)
    except (DecodeError, UnicodeDecodeError):
        return None  # whoever translates the request says what is wrong with it
