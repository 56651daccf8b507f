"""OpenCode's Zen, for the models it serves in OpenAI's chat; its GPT, Claude and Gemini models have endpoints of their
own, which other kinds reach by base URL. A subscription's base URL is `https://opencode.ai/zen/go/v1`.

Everything about money and models is a 401 there, as is a wrong key: only the error's type tells them apart.

Source: https://opencode.ai/docs/zen, read 2026-11.
"""

from __future__ import annotations

from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, bearer
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="opencode",
    dialect=judging(
        DIALECT,
        (Reason.MODEL_MISSING, r'"ModelError"'),
        (Reason.QUOTA_EXHAUSTED, r'"(?:Credits|MonthlyLimit|UserLimit|GoUsageLimit|BlackUsageLimit)Error"'),
    ),
    base_url="https://opencode.ai/zen/v1",
    auth=bearer,
    needs_key=True,
    system="opencode",
    key_variable="OPENCODE_API_KEY",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
)
