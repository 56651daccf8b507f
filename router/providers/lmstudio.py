"""LM Studio's server.

Source: https://lmstudio.ai/docs/developer/openai-compat, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="lmstudio",
    dialect=DIALECT,
    base_url="http://127.0.0.1:1234/v1",
    auth=bearer,
    needs_key=False,
    system="lm_studio",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
    },
)
