"""OpenAI's own API, spoken to through its Responses: for models and tools that only these have. Servers that imitate
them take a base URL of their own.

Source: https://platform.openai.com/docs/api-reference/responses, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.limits import OPENAI_LIMITS
from router.providers.openai import KIND as CHAT
from router.providers.openai import KNOWN
from router.providers.survey import openai_survey
from router.wire.openai_responses import DIALECT

KIND = Kind(
    name="openai-responses",
    dialect=DIALECT,
    base_url=CHAT.base_url,
    chat_path="/responses",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=KNOWN,
    system=CHAT.system,
    price_id=CHAT.price_id,
    key_variable=CHAT.key_variable,
    limits=OPENAI_LIMITS,
    others={
        Operation.COUNT_TOKENS: at("/responses/input_tokens"),
    },
)
