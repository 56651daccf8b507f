"""Models of OpenAI and others in Microsoft's cloud; a model's upstream name is its deployment.

Three styles of URL, told apart by the base URL: one that ends in `/openai/v1` names the model in the body, one that
ends in `/anthropic` is Claude in Anthropic's own protocol, and any other is a resource (`https://NAME.openai.azure.com`)
whose deployments stand in the path, with a dated version of the API, which the configuration's
`query: {api-version: ...}` replaces. A resource may be written down to its `/openai`, or to a deployment, as its portal
shows it: the model's own deployment is put in place.

Without a key, tokens of Entra ID are sent, which `router/upstream/entra.py` fetches.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle and
https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.errors import Reason
from router.providers.anthropic import CLAUDES, VERSION, messages_url
from router.providers.faults import judging
from router.providers.kind import Endpoint, Form, Kind, key_header
from router.providers.limits import ratelimit, seconds
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.openai_chat import DIALECT

API_VERSION = "2024-10-21"
"""The newest that is generally available in the style that needs one."""

_BELOW = re.compile(r"/openai(?:/deployments/[^/]+)?$")

_ERRORS = (
    (Reason.MODEL_MISSING, r'"(?:DeploymentNotFound|OperationNotSupported)"'),
    (Reason.CONTENT_POLICY, r'"ResponsibleAIPolicyViolation"'),
    # A 429 that is nobody's quota: the region has no room.
    (Reason.OVERLOADED, r"temporarily unable to process your request|high demand"),
)


def _at(path: str) -> Callable[[str, str, bool], str]:
    """The address of what is at this path, in either style."""

    def url(base_url: str, model: str, _stream: bool) -> str:
        if base_url.endswith("/v1"):
            return f"{base_url}/{path}"
        resource = _BELOW.sub("", base_url)
        return f"{resource}/openai/deployments/{quote(model, safe='')}/{path}?api-version={API_VERSION}"

    return url


KIND = Kind(
    name="azure",
    dialect=judging(DIALECT, *_ERRORS),
    base_url=None,
    url=_at("chat/completions"),
    auth=key_header("api-key"),
    needs_key=True,
    system="azure.ai.openai",
    price_id="azure",
    key_variable="AZURE_OPENAI_API_KEY",
    limits=(ratelimit(Counted.REQUESTS, "requests", seconds), ratelimit(Counted.TOKENS, "tokens", seconds)),
    grant="entra",
    forms=(
        Form(
            base_url=r"/anthropic$",
            dialect=ANTHROPIC_MESSAGES,
            url=messages_url,
            auth=key_header("x-api-key"),
            headers=VERSION,
            prefix=CLAUDES,
        ),
    ),
    others={
        Operation.EMBEDDINGS: Endpoint(url=_at("embeddings")),
        Operation.IMAGES: Endpoint(url=_at("images/generations")),
    },
)
