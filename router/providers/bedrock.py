"""Amazon Bedrock's Converse, for every model it has. The base URL names the region:
`https://bedrock-runtime.us-east-1.amazonaws.com`. A model's upstream name is its id, an inference profile or an ARN.

Without a key requests are signed, with what AWS's own tools would sign with on this machine.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, read 2026-11.
"""

from __future__ import annotations

from urllib.parse import quote

from router.providers.kind import Kind, bearer
from router.wire.bedrock_converse import DIALECT


def _url(base_url: str, model: str, stream: bool) -> str:
    return f"{base_url}/model/{quote(model, safe='')}/{'converse-stream' if stream else 'converse'}"


KIND = Kind(
    name="bedrock",
    dialect=DIALECT,
    base_url=None,
    url=_url,
    auth=bearer,
    needs_key=False,
    system="aws.bedrock",
    price_id="aws",
    key_variable="AWS_BEARER_TOKEN_BEDROCK",
    aws_service="bedrock",
)
