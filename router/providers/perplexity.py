"""Perplexity's Sonar chat. Others report that it ended in September 2026; its successor speaks OpenAI's Responses at
`https://api.perplexity.ai/v1`, and that kind with this base URL reaches it.

Source: https://docs.perplexity.ai/docs/sonar/openai-compatibility, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, bearer
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="perplexity",
    dialect=DIALECT,
    base_url="https://api.perplexity.ai",
    auth=bearer,
    needs_key=True,
    survey=lambda base_url: openai_survey(f"{base_url.removesuffix('/v1')}/v1"),
    system="perplexity",
    price_id="perplexity",
    key_variable="PERPLEXITY_API_KEY",
)
