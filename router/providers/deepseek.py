"""DeepSeek's own API.

Source: https://api-docs.deepseek.com, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, bearer
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="deepseek",
    dialect=DIALECT,
    base_url="https://api.deepseek.com",
    auth=bearer,
    needs_key=True,
    system="deepseek",
    price_id="deepseek",
    key_variable="DEEPSEEK_API_KEY",
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=("seed", "top_k", "n", "logit_bias", "user"),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"medium"', '"high"'),
            ("reasoning_effort", '"xhigh"', '"high"'),
        ),
        roles=(("developer", "system"),),
    ),
)
