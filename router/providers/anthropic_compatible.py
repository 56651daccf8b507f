"""Any server that speaks Anthropic's Messages at a base URL of its own: z.ai's and DeepSeek's endpoints for coding
tools, Microsoft Foundry, gateways.

Source: https://platform.claude.com/docs/en/api/overview, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.anthropic import VERSION, count_url, messages_url
from router.providers.kind import Endpoint, Kind, key_header
from router.wire.anthropic_messages import DIALECT

KIND = Kind(
    name="anthropic-compatible",
    dialect=DIALECT,
    base_url=None,
    url=messages_url,
    auth=key_header("x-api-key"),
    headers=VERSION,
    needs_key=False,
    system="anthropic_compatible",
    others={
        Operation.COUNT_TOKENS: Endpoint(url=count_url),
    },
)
