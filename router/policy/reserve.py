"""What a request will use and who it is for, read off its body without a tokenizer: right enough to reserve by."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Raw

from router.policy.gauge import prompt_bytes

_ANSWER = 1_024
_ANSWER_NAMES = ("max_completion_tokens", "max_output_tokens", "max_tokens")


def reserved_tokens(fields: Mapping[str, Raw], bytes_per_token: float) -> int:
    """Tokens of prompt and answer: of the prompt's bytes as many as its model was seen to make of them, and as many as
    the answer may have.

    Providers reserve likewise. Data in a body (an image) counts for more than it is; what was reserved too much comes
    back with the answer.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota ("TPM rate limits"), read 2026-11.
    """
    return sum(reserved(fields, bytes_per_token))


def reserved(fields: Mapping[str, Raw], bytes_per_token: float) -> tuple[int, int]:
    """The same in two: tokens of the prompt, and of the answer."""
    prompt = math.ceil(prompt_bytes(fields) / bytes_per_token)
    for name in _ANSWER_NAMES:
        if name in fields and (number := _whole(fields[name])):
            return prompt, number
    return prompt, _ANSWER


def asked_tier(fields: Mapping[str, Raw]) -> str | None:
    """The service tier that a request asks for, in canon's word; None where it leaves it to the provider."""
    text = bytes(fields.get("service_tier", b"")).decode("utf-8", "replace").strip('"')
    return {"": None, "null": None, "auto": None, "fast": "priority"}.get(text, text)


def _whole(raw: Raw | None) -> int | None:
    text = b"" if raw is None else bytes(raw)
    return int(text) if text.isdigit() and len(text) < 10 else None
