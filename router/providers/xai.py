"""xAI's own API. A wrong key is a 400 there, and must not look like the caller's fault.

Source: https://docs.x.ai/docs/api-reference, read 2026-11.
"""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.canon.allowance import Counted
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Form, Kind, bearer
from router.providers.knowledge import Known
from router.providers.limits import ratelimit, seconds
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

_KNOWN = (
    Known(models="grok-[^/]*non-reasoning", traits=Traits(cannot=(Ability.REASONING,))),
    Known(models="grok-4.3", traits=Traits(can=(Ability.VISION, Ability.DOCUMENTS))),
    Known(models="grok-", traits=Traits(can=(Ability.TOOLS, Ability.JSON_SCHEMA), cannot=(Ability.AUDIO,))),
)
"""Source: https://docs.x.ai/docs/models, read 2026-11."""


_NOT_THINKING = ("stop", "presence_penalty", "frequency_penalty")
"""What models that think answer with an error."""


def _quirks(*refused: str) -> Quirks:
    return Quirks(refused=("top_k", "logit_bias", *refused), bounds=(("top_logprobs", 0, 8),))


KIND = Kind(
    name="xai",
    dialect=judging(
        DIALECT,
        (Reason.CREDENTIAL, r"incorrect api key"),
        (Reason.QUOTA_EXHAUSTED, r"doesn't have any credits"),
    ),
    base_url="https://api.x.ai/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=_KNOWN,
    system="x_ai",
    price_id="x-ai",
    key_variable="XAI_API_KEY",
    quirks=_quirks(),
    forms=(
        Form(models=r"grok-4\.20[^/]*non-reasoning", quirks=_quirks("reasoning_effort")),
        Form(models=r"grok-4\.20[^/]*reasoning", quirks=_quirks("reasoning_effort", *_NOT_THINKING)),
        Form(models=r"grok-(?![^/]*non-reasoning)(?!3(?!-mini))", quirks=_quirks(*_NOT_THINKING)),
    ),
    limits=(ratelimit(Counted.REQUESTS, "requests", seconds), ratelimit(Counted.TOKENS, "tokens", seconds)),
)
