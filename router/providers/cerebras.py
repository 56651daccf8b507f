"""Cerebras' API.

Source: https://inference-docs.cerebras.ai/resources/openai, read 2026-11.
"""

from __future__ import annotations

from router.canon.allowance import Counted
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, bearer
from router.providers.limits import ratelimit, seconds
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

_ERRORS = (
    (Reason.QUOTA_EXHAUSTED, r"per day limit exceeded"),
    (Reason.OVERLOADED, r'"queue_exceeded"'),
)

KIND = Kind(
    name="cerebras",
    dialect=judging(DIALECT, *_ERRORS),
    base_url="https://api.cerebras.ai/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    system="cerebras",
    price_id="cerebras",
    key_variable="CEREBRAS_API_KEY",
    quirks=Quirks(
        refused=("frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"),
        # Its system messages act as OpenAI's developer messages do.
        roles=(("developer", "system"),),
    ),
    limits=(
        ratelimit(Counted.REQUESTS, "requests-day", seconds),
        ratelimit(Counted.TOKENS, "tokens-minute", seconds),
    ),
)
