"""AI21's Jamba. It speaks a short form of OpenAI's chat: one text a message, few members, and no tools in a stream.

Its list of models is empty without a key and with one, so that it tells nothing. A wrong key may be a 400.

Source: https://docs.ai21.com/reference/jamba-1-6-api-ref, read 2026-11, and ai21-python of 2025-09.
"""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, bearer
from router.providers.knowledge import Known
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

_MOST_TOKENS = 4096
"""Of an answer, whatever the model."""

_KNOWN = (
    Known(
        traits=Traits(
            can=(Ability.TOOLS,),
            cannot=(Ability.VISION, Ability.JSON_SCHEMA, Ability.REASONING, Ability.DOCUMENTS, Ability.AUDIO),
            context_window=256_000,
            max_output=_MOST_TOKENS,
        )
    ),
)
"""JSON without a schema is all it promises.

Source: https://docs.ai21.com/docs/jamba-foundation-models, read 2026-11.
"""


KIND = Kind(
    name="ai21",
    dialect=judging(DIALECT, (Reason.CREDENTIAL, r"bad or missing authentication")),
    base_url="https://api.ai21.com/studio/v1",
    auth=bearer,
    needs_key=True,
    known=_KNOWN,
    system="ai21",
    key_variable="AI21_API_KEY",
    # Its answers name no model and no time, which clients of OpenAI read.
    relays=False,
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=(
            "tool_choice",
            "parallel_tool_calls",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "seed",
            "reasoning_effort",
            "user",
            "store",
            "metadata",
            "service_tier",
            "verbosity",
            "top_k",
        ),
        # Usage comes with the last chunk, asked for or not.
        needless=("stream_options",),
        bounds=(("max_completion_tokens", 1, _MOST_TOKENS), ("max_tokens", 1, _MOST_TOKENS)),
        roles=(("developer", "system"),),
        apart=(("tools", "stream", "true"), ("n", "stream", "true")),
        plain=True,
    ),
)
