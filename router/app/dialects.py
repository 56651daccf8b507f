"""The dialects that callers may speak."""

from __future__ import annotations

from collections.abc import Mapping

from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.dialect import Dialect
from router.wire.openai_chat import DIALECT as OPENAI_CHAT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES

FRONTS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES)
"""The dialects callers may speak; providers may speak others, that their kinds bring along."""

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in FRONTS}
"""These by name."""

FRONT_DIALECT = OPENAI_CHAT
"""The dialect of embedding programs, and of errors on paths that belong to none."""
