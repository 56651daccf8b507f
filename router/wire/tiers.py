"""Service tiers: whatever word a provider has for the one that served an answer, in canon's, which are OpenAI's.

Source: https://platform.openai.com/docs/api-reference/chat/object, https://platform.claude.com/docs/en/api/service-tiers,
https://ai.google.dev/api/generate-content#UsageMetadata and
https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html, read 2026-11.
"""

from __future__ import annotations

import re

from router.canon.usage import Usage

_CANON = {
    "standard": "default",
    "on_demand": "default",
    "ON_DEMAND": "default",
    "performance": "priority",
    "fast": "priority",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "reserved": "scale",
    "PROVISIONED_THROUGHPUT": "scale",
}
"""Somebody's word -> canon's; every other word stays."""

UNKNOWN = "unknown"
"""Stands for what is no word."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")

OPENAI = frozenset({"default", "flex", "priority", "scale"})
"""Those of canon that OpenAI's clients know; a batch of Anthropic's is none."""


def tier_of(said: object) -> str | None:
    """The tier that served an answer, in a word that can be kept and told. `auto` only repeats that the provider was to
    choose, and some say nothing."""
    if not isinstance(said, str) or said in ("", "auto"):
        return None
    return _CANON.get(said, said if _WORD.fullmatch(said) else UNKNOWN)


def openai_tier(usage: Usage | None) -> str | None:
    """The tier as OpenAI's clients read it."""
    return usage.tier if usage is not None and usage.tier in OPENAI else None
