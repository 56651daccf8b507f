"""Models in GGUF files on this machine, each in a supervised worker process. The worker speaks OpenAI's chat
dialect."""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.providers.kind import Kind
from router.providers.knowledge import Known
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="llama-cpp",
    dialect=DIALECT,
    base_url="llama://",
    auth=lambda _key: (),
    needs_key=False,
    known=(
        Known(
            traits=Traits(
                can=(Ability.TOOLS, Ability.JSON_SCHEMA), cannot=(Ability.VISION, Ability.DOCUMENTS, Ability.AUDIO)
            )
        ),
    ),
    system="llama_cpp",
    local=True,
)
