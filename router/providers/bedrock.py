"""Amazon Bedrock's Converse, for every model it has, and its newer endpoint ("Mantle"), which speaks the protocols of
the models' makers. A model's upstream name is its id, an inference profile or an ARN.

The base URL names the region, `https://bedrock-runtime.us-east-1.amazonaws.com`, or is made of `aws: {region: ...}`;
Mantle's end in `/v1` (OpenAI's chat) or `/anthropic`: `https://bedrock-mantle.us-east-1.api.aws/anthropic`.

Without a key requests are signed, with what AWS's own tools would sign with on this machine, or what `aws` says.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from router.canon.ability import Ability, Traits
from router.canon.operation import Operation
from router.providers.anthropic import CLAUDES, VERSION, messages_url
from router.providers.kind import Endpoint, Form, Kind, bearer, below, key_header
from router.providers.knowledge import Known
from router.providers.survey import openai_survey
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.bedrock_converse import DIALECT
from router.wire.openai_chat import DIALECT as OPENAI_CHAT

_MANTLE = r"//bedrock-mantle\.[^/]+"


def _url(base_url: str, model: str, stream: bool) -> str:
    return f"{base_url}/model/{quote(model, safe='')}/{'converse-stream' if stream else 'converse'}"


def _located(aws: Mapping[str, str]) -> str | None:
    region = aws.get("region")
    if not region:
        return None
    end = ".cn" if region.startswith("cn-") else ""
    return f"https://bedrock-runtime.{region}.amazonaws.com{end}"


def _invoke_url(base_url: str, model: str, _stream: bool) -> str:
    return f"{base_url}/model/{quote(model, safe='')}/invoke"


def _count_url(base_url: str, model: str, _stream: bool) -> str:
    return f"{base_url}/model/{quote(model, safe='')}/count-tokens"


_KNOWN = (
    Known(
        models=r"(?:[a-z-]+\.)?anthropic\.claude",
        traits=Traits(can=(Ability.VISION, Ability.TOOLS, Ability.DOCUMENTS), cannot=(Ability.AUDIO,)),
    ),
    Known(models=r"(?:[a-z-]+\.)?deepseek\.r1", traits=Traits(cannot=(Ability.TOOLS, Ability.VISION))),
)
"""An inference profile has the part of the world before the maker's name."""


KIND = Kind(
    name="bedrock",
    dialect=DIALECT,
    base_url=None,
    url=_url,
    auth=bearer,
    needs_key=False,
    known=_KNOWN,
    system="aws.bedrock",
    price_id="aws",
    key_variable="AWS_BEARER_TOKEN_BEDROCK",
    aws_service="bedrock",
    grant="aws",
    locate=_located,
    located_by="region",
    forms=(
        Form(
            base_url=f"{_MANTLE}/anthropic$",
            dialect=ANTHROPIC_MESSAGES,
            url=messages_url,
            auth=key_header("x-api-key"),
            headers=VERSION,
            prefix=CLAUDES,
            aws_service="bedrock-mantle",
        ),
        Form(
            base_url=f"{_MANTLE}(?:/openai)?/v1$",
            dialect=OPENAI_CHAT,
            url=below("/chat/completions"),
            survey=openai_survey,
            aws_service="bedrock-mantle",
        ),
    ),
    others={
        Operation.EMBEDDINGS: Endpoint(url=_invoke_url),
        Operation.COUNT_TOKENS: Endpoint(url=_count_url),
    },
    prefix=CLAUDES,
)
