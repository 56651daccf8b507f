"""Groq's API. It answers 400 to the mere presence of some members, so what clients always write out must go too.

Source: https://console.groq.com/docs/openai, read 2026-11.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.canon.ability import Ability, Traits
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Form, Kind, bearer
from router.providers.knowledge import Known
from router.providers.limits import OPENAI_LIMITS
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

_KNOWN = (
    Known(models=r"meta-llama/llama-4|llama-4|qwen/qwen3\.6", traits=Traits(can=(Ability.VISION,))),
    Known(models="openai/gpt-oss|qwen/qwen3", traits=Traits(can=(Ability.REASONING,))),
    Known(traits=Traits(cannot=(Ability.VISION, Ability.DOCUMENTS, Ability.AUDIO))),
)
"""Its list of models tells windows only. Source: https://console.groq.com/docs/vision, read 2026-11."""


_QUIRKS = Quirks(
    refused=(
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "frequency_penalty",
        "presence_penalty",
        "top_k",
        "metadata",
        "store",
    ),
    words=(("service_tier", '"priority"', '"performance"'), ("service_tier", '"default"', '"on_demand"')),
    nearest=(
        ("reasoning_effort", '"minimal"', '"low"'),
        ("reasoning_effort", '"xhigh"', '"high"'),
        ("reasoning_effort", '"max"', '"high"'),
    ),
    message_refused=("name",),
    most=(("stop", 4),),
)

_EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")


KIND = Kind(
    name="groq",
    # What its model made up is refused as if the caller had said it.
    dialect=judging(DIALECT, (Reason.MALFORMED, r"hallucinat|failed_generation")),
    base_url="https://api.groq.com/openai/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=_KNOWN,
    system="groq",
    price_id="groq",
    key_variable="GROQ_API_KEY",
    quirks=_QUIRKS,
    forms=(
        # Qwen thinks or does not.
        Form(
            models="qwen/",
            quirks=replace(
                _QUIRKS, nearest=tuple(("reasoning_effort", f'"{effort}"', '"default"') for effort in _EFFORTS)
            ),
        ),
    ),
    limits=OPENAI_LIMITS,
)
