"""Groq's API. It answers 400 to the mere presence of some members, so what clients always write out must go too.

Source: https://console.groq.com/docs/openai, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, bearer
from router.providers.limits import OPENAI_LIMITS
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="groq",
    dialect=DIALECT,
    base_url="https://api.groq.com/openai/v1",
    auth=bearer,
    needs_key=True,
    system="groq",
    price_id="groq",
    key_variable="GROQ_API_KEY",
    quirks=Quirks(
        refused=(
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "frequency_penalty",
            "presence_penalty",
            "top_k",
            "metadata",
            "store",
        ),
        words=(("service_tier", '"priority"', '"performance"'), ("service_tier", '"default"', '"on_demand"')),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"xhigh"', '"high"'),
            ("reasoning_effort", '"max"', '"high"'),
        ),
        message_refused=("name",),
    ),
    limits=OPENAI_LIMITS,
)
