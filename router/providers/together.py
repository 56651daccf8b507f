"""Together's API. Its `logprobs` is a number, as in OpenAI's old completions, and its answers have that old form too.

Source: https://docs.together.ai/reference/chat-completions-1, read 2026-11.
"""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.knowledge import Known
from router.providers.limits import LimitHeader, seconds
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

_EMBEDDINGS = Quirks(refused=("dimensions", "user"), needless=("encoding_format",))
"""It answers in numbers whatever was asked for, and what the caller asked for is made of them here.

Source: https://docs.together.ai/reference/embeddings-2, read 2026-11.
"""

_IMAGES = Quirks(
    words=(("response_format", '"b64_json"', '"base64"'),),
    refused=("size", "quality", "style", "background", "moderation", "output_compression", "user"),
)
"""Sizes are asked for in members of their own, `width` and `height`, which pass."""


KIND = Kind(
    name="together",
    dialect=DIALECT,
    base_url="https://api.together.ai/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=(Known(traits=Traits(cannot=(Ability.DOCUMENTS,))),),
    system="together_ai",
    price_id="together",
    key_variable="TOGETHER_API_KEY",
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"), ("top_logprobs", "logprobs")),
        refused=("parallel_tool_calls", "user", "store", "metadata", "service_tier", "prediction", "verbosity"),
        # Usage comes with the last chunk, asked for or not.
        needless=("stream_options",),
        words=(("logprobs", "true", "1"), ("logprobs", "false", "0")),
        swaps=(("reasoning_effort", '"none"', "reasoning", '{"enabled":false}'),),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"xhigh"', '"high"'),
            ("reasoning_effort", '"max"', '"high"'),
        ),
        roles=(("developer", "system"),),
    ),
    limits=(
        LimitHeader(
            counts=Counted.REQUESTS,
            limit="x-ratelimit-limit",
            left="x-ratelimit-remaining",
            reset="x-ratelimit-reset",
            when=seconds,
            steps=True,
        ),
    ),
    others={
        Operation.EMBEDDINGS: at("/embeddings", quirks=_EMBEDDINGS),
        Operation.RERANK: at("/rerank"),
        Operation.IMAGES: at("/images/generations", quirks=_IMAGES),
    },
)
