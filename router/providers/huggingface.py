"""Hugging Face's router to many providers. A model's name may end in `:provider`, and bodies pass to whoever serves
it, so only what all of them take is sent.

Source: https://huggingface.co/docs/inference-providers/index, read 2026-11.
"""

from __future__ import annotations

from router.providers.kind import Kind, bearer
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="huggingface",
    dialect=DIALECT,
    base_url="https://router.huggingface.co/v1",
    auth=bearer,
    needs_key=True,
    system="hugging_face",
    key_variable="HF_TOKEN",
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=("n", "logit_bias", "parallel_tool_calls", "store", "user", "service_tier", "verbosity"),
        roles=(("developer", "system"),),
    ),
)
