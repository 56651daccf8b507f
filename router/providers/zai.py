"""Z.ai's own API, in three protocols, told apart by the base URL. There is no `/v1` in the addresses of its chat; a key
of the coding plan belongs to `https://api.z.ai/api/coding/paas/v4`, or, in Anthropic's protocol, to
`https://api.z.ai/api/anthropic`, and in OpenAI's Responses to `https://api.z.ai/api/v1`. China's are the same below
`https://open.bigmodel.cn`.

An empty account and a busy model are both a 429: only the number in the error tells them apart. A model that a key may
not use (1220) says nothing against the key.

Source: https://docs.z.ai/api-reference/api-code, read 2026-11.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.errors import Reason
from router.providers.anthropic import VERSION, messages_url
from router.providers.faults import judging
from router.providers.kind import Form, Kind, at, bearer, below, key_header
from router.providers.knowledge import Known
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.openai_chat import DIALECT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES

_ERRORS = (
    (Reason.QUOTA_EXHAUSTED, r'"code"\s*:\s*"?(?:1113|1304|1308|1309|1310)\b'),
    (Reason.CREDENTIAL, r'"code"\s*:\s*"?(?:1110|1111|1112|1121)\b'),
    (Reason.CONTENT_POLICY, r'"code"\s*:\s*"?130[01]\b'),
    (Reason.MODEL_MISSING, r'"code"\s*:\s*"?(?:1211|122[0-2])\b'),
    (Reason.CONTEXT_LENGTH, r'"code"\s*:\s*"?1261\b'),
    (Reason.OVERLOADED, r'"code"\s*:\s*"?(?:1120|1305)\b'),
)

_ENGLISH = (("accept-language", "en-US,en"),)
"""Its errors are in Chinese otherwise."""


_KNOWN = (
    Known(models=r"glm-[\d.]+v|glm-5v|glm-5\.3-flash", traits=Traits(can=(Ability.VISION,))),
    Known(
        models="glm-",
        traits=Traits(
            can=(Ability.TOOLS, Ability.REASONING),
            cannot=(Ability.VISION, Ability.JSON_SCHEMA, Ability.DOCUMENTS, Ability.AUDIO),
        ),
    ),
)
"""JSON without a schema is all it promises. Source: https://docs.z.ai/guides/overview/quick-start, read 2026-11."""


_QUIRKS = Quirks(
    renames=(("max_completion_tokens", "max_tokens"),),
    refused=(
        "parallel_tool_calls",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "n",
        "store",
        "verbosity",
        "user",
    ),
    swaps=(("reasoning_effort", '"none"', "thinking", '{"type":"disabled"}'),),
    nearest=(
        ("reasoning_effort", '"minimal"', '"low"'),
        ("reasoning_effort", '"medium"', '"high"'),
        ("reasoning_effort", '"xhigh"', '"max"'),
    ),
    bounds=(("temperature", 0.01, 0.99), ("top_p", 0.01, 0.99)),
    roles=(("developer", "system"),),
)


KIND = Kind(
    name="zai",
    dialect=judging(DIALECT, *_ERRORS),
    base_url="https://api.z.ai/api/paas/v4",
    auth=bearer,
    headers=_ENGLISH,
    needs_key=True,
    survey=openai_survey,
    known=_KNOWN,
    system="z_ai",
    price_id="zai",
    key_variable="ZAI_API_KEY",
    quirks=_QUIRKS,
    forms=(
        Form(
            base_url=r"/anthropic$",
            survey=None,
            dialect=judging(ANTHROPIC_MESSAGES, *_ERRORS),
            url=messages_url,
            auth=key_header("x-api-key"),
            headers=(*VERSION, *_ENGLISH),
            quirks=None,
        ),
        Form(base_url=r"/api/v1$", dialect=judging(OPENAI_RESPONSES, *_ERRORS), url=below("/responses"), quirks=None),
        # These always think: told not to, they answer with an error, and without an effort they do as they like.
        Form(
            models=r"glm-5\.3",
            quirks=replace(_QUIRKS, swaps=(), nearest=(*_QUIRKS.nearest, ("reasoning_effort", '"none"', '"low"'))),
        ),
    ),
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
        Operation.IMAGES: at("/images/generations"),
    },
)
