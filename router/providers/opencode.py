"""OpenCode's Zen: each family of models has the endpoint of its own maker, which its list of models does not tell. A
subscription's base URL is `https://opencode.ai/zen/go/v1`.

Everything about money and models is a 401 there, as is a wrong key: only the error's type tells them apart.

Source: https://opencode.ai/docs/zen, read 2026-11.
"""

from __future__ import annotations

from router.errors import Reason
from router.providers.anthropic import KNOWN as CLAUDE
from router.providers.anthropic import VERSION, messages_url
from router.providers.faults import judging
from router.providers.gemini import KNOWN as GEMINI_KNOWN
from router.providers.kind import Form, Kind, bearer, below, key_header
from router.providers.openai import KNOWN as OPENAI
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.gemini import RESOLD as GEMINI
from router.wire.gemini import call_path
from router.wire.openai_chat import DIALECT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES

_ERRORS = (
    (Reason.MODEL_MISSING, r'"ModelError"'),
    (Reason.QUOTA_EXHAUSTED, r'"(?:Credits|MonthlyLimit|UserLimit|GoUsageLimit|BlackUsageLimit)Error"'),
)

_ANTHROPIC_FAMILY = r"claude-|qwen3\.[56]-plus|minimax-m(?:2\.1|2\.5|3)-free"
"""All that is served by Messages, Claude or not."""


def _gemini_url(base_url: str, model: str, stream: bool) -> str:
    return base_url + call_path(model, stream=stream)


KIND = Kind(
    name="opencode",
    dialect=judging(DIALECT, *_ERRORS),
    base_url="https://opencode.ai/zen/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=(*CLAUDE, *GEMINI_KNOWN, *OPENAI),
    system="opencode",
    key_variable="OPENCODE_API_KEY",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), roles=(("developer", "system"),)),
    forms=(
        Form(
            models=_ANTHROPIC_FAMILY,
            dialect=judging(ANTHROPIC_MESSAGES, *_ERRORS),
            url=messages_url,
            auth=key_header("x-api-key"),
            headers=VERSION,
            quirks=None,
        ),
        Form(models="gpt-", dialect=judging(OPENAI_RESPONSES, *_ERRORS), url=below("/responses"), quirks=None),
        Form(
            models="gemini-",
            dialect=judging(GEMINI, *_ERRORS),
            url=_gemini_url,
            auth=key_header("x-goog-api-key"),
            quirks=None,
        ),
    ),
)
