"""Any server that speaks OpenAI's chat protocol at a base URL of its own: vLLM, LM Studio, llama.cpp's server,
gateways."""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.limits import OPENAI_LIMITS
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="openai-compatible",
    dialect=DIALECT,
    base_url=None,
    auth=bearer,
    needs_key=False,
    survey=openai_survey,
    system="openai_compatible",
    limits=OPENAI_LIMITS,
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
        Operation.MODERATIONS: at("/moderations"),
        Operation.IMAGES: at("/images/generations"),
    },
)
