"""Z.ai's own API. There is no `/v1` in its addresses; a key of the coding plan belongs to `.../api/coding/paas/v4`,
and its endpoint in Anthropic's protocol to another kind.

An empty account and a busy model are both a 429: only the number in the error tells them apart.

Source: https://docs.z.ai/api-reference/api-code, read 2026-11.
"""

from __future__ import annotations

from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, bearer
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="zai",
    dialect=judging(
        DIALECT,
        (Reason.QUOTA_EXHAUSTED, r'"code"\s*:\s*"?(?:1113|1304|1308|1309|1310)\b'),
        (Reason.CREDENTIAL, r'"code"\s*:\s*"?(?:1110|1111|1112|1121|1220)\b'),
        (Reason.CONTENT_POLICY, r'"code"\s*:\s*"?1301\b'),
        (Reason.OVERLOADED, r'"code"\s*:\s*"?(?:1120|1305)\b'),
    ),
    base_url="https://api.z.ai/api/paas/v4",
    auth=bearer,
    # Its errors are in Chinese otherwise.
    headers=(("accept-language", "en-US,en"),),
    needs_key=True,
    system="z_ai",
    price_id="zai",
    key_variable="ZAI_API_KEY",
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=(
            "parallel_tool_calls",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "n",
            "store",
            "verbosity",
            "user",
        ),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"medium"', '"high"'),
            ("reasoning_effort", '"xhigh"', '"max"'),
        ),
        bounds=(("temperature", 0.01, 0.99), ("top_p", 0.01, 0.99)),
        roles=(("developer", "system"),),
    ),
)
