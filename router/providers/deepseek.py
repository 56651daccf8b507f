"""DeepSeek's own API, and at `https://api.deepseek.com/anthropic` the same models in Anthropic's protocol.

A model that it does not know is a 400 there.

Source: https://api-docs.deepseek.com, read 2026-11.
"""

from __future__ import annotations

from router.canon.ability import Ability, Traits
from router.errors import Reason
from router.providers.anthropic import VERSION, messages_url
from router.providers.faults import judging
from router.providers.kind import Form, Kind, bearer, key_header
from router.providers.knowledge import Known
from router.providers.prefix import Prefix, Style
from router.providers.quirks import Quirks
from router.providers.survey import Figures, Inquiry, Question, entry_of, figures, objects, openai_survey, text
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.openai_chat import DIALECT

_ERRORS = ((Reason.MODEL_MISSING, r"supported API model names are"), (Reason.QUOTA_EXHAUSTED, r"Insufficient Balance"))


def beta_url(url: str) -> str:
    """Where a request that holds the beginning of its answer goes.

    Source: https://api-docs.deepseek.com/guides/chat_prefix_completion, read 2026-11.
    """
    base = url.removesuffix("/chat/completions").removesuffix("/v1").removesuffix("/beta")
    return f"{base}/beta/chat/completions"


_KNOWN = (
    # With an image it answers 200, and makes up what is on it.
    Known(models="deepseek-v4-pro", traits=Traits(cannot=(Ability.VISION,))),
    Known(models="deepseek-chat", traits=Traits(cannot=(Ability.REASONING,))),
    Known(
        traits=Traits(
            can=(Ability.VISION, Ability.TOOLS, Ability.REASONING),
            cannot=(Ability.JSON_SCHEMA, Ability.DOCUMENTS, Ability.AUDIO),
            context_window=1_048_576,
            max_output=393_216,
        ),
    ),
)
"""JSON without a schema is all it promises. Source: https://api-docs.deepseek.com, read 2026-11."""


def _credits(base_url: str) -> Inquiry[Figures]:
    """`GET /user/balance`: an amount for each currency."""
    body = yield Question(url=f"{base_url.removesuffix('/v1').removesuffix('/anthropic')}/user/balance")
    said = entry_of(body)
    told = figures(said, "is_available")
    for each in objects(said, "balance_infos"):
        told |= {f"{text(each, 'currency')} {name}": value for name, value in figures(each, *_BALANCE).items()}
    return told


_BALANCE = ("total_balance", "granted_balance", "topped_up_balance")


KIND = Kind(
    name="deepseek",
    dialect=judging(DIALECT, *_ERRORS),
    base_url="https://api.deepseek.com",
    auth=bearer,
    needs_key=True,
    credits=_credits,
    survey=openai_survey,
    known=_KNOWN,
    system="deepseek",
    price_id="deepseek",
    key_variable="DEEPSEEK_API_KEY",
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"),),
        refused=("seed", "top_k", "n", "logit_bias", "user"),
        swaps=(("reasoning_effort", '"none"', "thinking", '{"type":"disabled"}'),),
        nearest=(
            ("reasoning_effort", '"minimal"', '"low"'),
            ("reasoning_effort", '"medium"', '"high"'),
            ("reasoning_effort", '"xhigh"', '"high"'),
        ),
        roles=(("developer", "system"),),
    ),
    forms=(
        Form(
            base_url=r"/anthropic$",
            survey=None,
            dialect=judging(ANTHROPIC_MESSAGES, *_ERRORS),
            url=messages_url,
            auth=key_header("x-api-key"),
            headers=VERSION,
            quirks=None,
        ),
    ),
    prefix=Prefix(style=Style.MARKED, url=beta_url),
)
