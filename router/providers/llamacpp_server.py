"""llama.cpp's own server, `llama-server`. Models that this router runs itself are another kind's.

Source: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.prefix import Prefix
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="llamacpp-server",
    dialect=DIALECT,
    base_url="http://127.0.0.1:8080/v1",
    auth=bearer,
    needs_key=False,
    system="llama_cpp_server",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
    },
    prefix=Prefix(),
)
