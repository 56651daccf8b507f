"""OpenAI's own API.

Source: https://platform.openai.com/docs/api-reference, read 2026-10.
"""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.knowledge import Known
from router.providers.limits import OPENAI_LIMITS
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

KNOWN = (
    Known(models="gpt-4o-audio|gpt-audio", traits=Traits(can=(Ability.AUDIO,))),
    Known(models="o1-mini|o3-mini|gpt-3", traits=Traits(cannot=(Ability.VISION, Ability.DOCUMENTS))),
    Known(models=r"gpt-4(?:-\d{4})?$|gpt-3", traits=Traits(cannot=(Ability.VISION, Ability.JSON_SCHEMA))),
    Known(models="gpt-3|gpt-4|gpt-5[^/]*-chat", traits=Traits(cannot=(Ability.REASONING,))),
    Known(models=r"o\d|gpt-[5-9]", traits=Traits(can=(Ability.REASONING,))),
    Known(
        models=r"o\d|gpt-[5-9]|gpt-4\.1|gpt-4o",
        traits=Traits(can=(Ability.VISION, Ability.TOOLS, Ability.JSON_SCHEMA, Ability.DOCUMENTS)),
    ),
    Known(models=r"o\d|gpt-", traits=Traits(cannot=(Ability.AUDIO, Ability.PREFILL))),
)
"""By families: the list of models tells names only.

Source: https://platform.openai.com/docs/models, read 2026-11.
"""


KIND = Kind(
    name="openai",
    dialect=DIALECT,
    base_url="https://api.openai.com/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=KNOWN,
    system="openai",
    price_id="openai",
    key_variable="OPENAI_API_KEY",
    limits=OPENAI_LIMITS,
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.MODERATIONS: at("/moderations"),
        Operation.IMAGES: at("/images/generations"),
    },
)
