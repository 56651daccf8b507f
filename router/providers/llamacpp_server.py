"""llama.cpp's own server, `llama-server`. Models that this router runs itself are another kind's.

Source: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md, read 2026-11.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.canon.ability import Ability, Traits, judged, merged
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.prefix import Prefix
from router.providers.quirks import Quirks
from router.providers.survey import Question, Survey, Unanswered, flag, inside, number, openai_survey, read
from router.wire.openai_chat import DIALECT


def _survey(base_url: str) -> Survey:
    """OpenAI's list, and `/props`: how much of its context each request has, and what it sees and hears."""
    found = yield from openai_survey(base_url)
    body = yield Question(url=f"{base_url.removesuffix('/v1')}/props")
    try:
        said = read(body)
    except Unanswered:
        return found
    senses = inside(said, "modalities")
    can, cannot = judged(((Ability.VISION, flag(senses, "vision")), (Ability.AUDIO, flag(senses, "audio"))))
    window = number(inside(said, "default_generation_settings"), "n_ctx")
    props = Traits(can=can, cannot=cannot, context_window=window)
    # One server, one model: with more, the properties are those of whichever is loaded.
    if len(found) != 1:
        return found
    return (replace(found[0], traits=merged((props, found[0].traits))),)


KIND = Kind(
    name="llamacpp-server",
    dialect=DIALECT,
    base_url="http://127.0.0.1:8080/v1",
    auth=bearer,
    needs_key=False,
    survey=_survey,
    system="llama_cpp_server",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.RERANK: at("/rerank"),
    },
    prefix=Prefix(),
)
