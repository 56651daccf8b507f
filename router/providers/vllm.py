"""vLLM's server. It ignores what it does not know, and takes three efforts of reasoning.

Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.prefix import Prefix, Style
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="vllm",
    dialect=DIALECT,
    base_url="http://127.0.0.1:8000/v1",
    auth=bearer,
    needs_key=False,
    survey=openai_survey,
    system="vllm",
    quirks=Quirks(
        swaps=(("reasoning_effort", '"none"', "chat_template_kwargs", '{"enable_thinking":false}'),),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"xhigh"', '"high"'),
            ("reasoning_effort", '"max"', '"high"'),
        ),
        # Chat templates of open models know no such role.
        roles=(("developer", "system"),),
    ),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
    },
    prefix=Prefix(style=Style.FINAL),
)
