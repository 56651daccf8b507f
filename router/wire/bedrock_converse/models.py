"""What each family of models behind Converse accepts: one protocol, but a 400 for what a family does not know.

A family is read from the model's id, whatever region stands before it. An ARN that hides the family is given everything
that any family takes; the operator who made it knows best.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html, and
langchain-aws and vercel/ai, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from router.wire.anthropic_messages.models import Traits as ClaudeTraits
from router.wire.anthropic_messages.models import traits_of as claude_traits

_REGION = re.compile(r"(?:us|eu|apac|au|jp|us-gov|global)\.")

_NATIVE_FORMATS = re.compile(r"claude-(?:opus|sonnet|haiku)-4-[56](?!\d)")
"""The generations of Claude whose format and strict tools this service takes; newer ones refuse both here."""

_FORCED = frozenset({"any", "named"})

Formats = Literal["native", "tool", "none"]


class Traits(Struct, frozen=True, kw_only=True):
    """What one family accepts.

    Args:
        claude: what its generation accepts, where it is a Claude.
        choices: which demands of a tool call it takes; all that take tools take "auto".
        caches: whether it takes cache points.
        caches_tools: whether also behind tools.
        replays_thinking: whether sealed thinking may be sent back.
        result_status: whether a tool's answer may say that it failed.
        top_k: where that stands among the model's own fields; () where it does not know it.
        effort: in whose words it is told how much to think; None where it is not.
        formats: how an answer is held to a schema: by the service, by a tool the model must call, or not at all.
        strict_tools: whether a tool may be strict.
        bare_schemas: whether a tool's schema may hold nothing but properties at its root.
        short_ids: whether ids of tool calls are nine letters and digits.
    """

    claude: ClaudeTraits | None = None
    choices: frozenset[str] = frozenset()
    caches: bool = False
    caches_tools: bool = False
    replays_thinking: bool = False
    result_status: bool = False
    top_k: tuple[str, ...] = ()
    effort: Literal["claude", "effort", "config"] | None = None
    formats: Formats = "native"
    strict_tools: bool = False
    bare_schemas: bool = False
    short_ids: bool = False


_NOVA = Traits(
    choices=_FORCED,
    caches=True,
    result_status=True,
    top_k=("inferenceConfig", "topK"),
    formats="tool",
    bare_schemas=True,
)
_NOVA_2 = Traits(
    choices=_FORCED,
    caches=True,
    result_status=True,
    top_k=("inferenceConfig", "topK"),
    effort="config",
    formats="tool",
)
_HIDDEN = Traits(
    choices=_FORCED, caches=True, caches_tools=True, replays_thinking=True, result_status=True, formats="native"
)
_PLAIN = Traits()

_FAMILIES: tuple[tuple[str, Traits], ...] = (
    ("amazon.nova-2", _NOVA_2),
    ("amazon.nova", _NOVA),
    ("amazon.", Traits(formats="none")),
    ("mistral.mistral-large", Traits(choices=frozenset({"any"}), top_k=("top_k",), short_ids=True)),
    ("mistral.", Traits(top_k=("top_k",), short_ids=True)),
    ("deepseek.v3", Traits(choices=frozenset({"any"}))),
    ("cohere.", Traits(top_k=("k",), formats="none")),
    ("meta.", Traits(formats="none")),
    ("ai21.", Traits(formats="none")),
    ("openai.", Traits(effort="effort")),
)
"""How an id begins -> its family; the first match counts."""


def traits_of(model: str) -> Traits:
    """What a model accepts, by model id, inference profile or ARN."""
    name = _REGION.sub("", model.rsplit("/", 1)[-1], count=1)
    if name.startswith("anthropic."):
        return _claude(name)
    found = next((traits for prefix, traits in _FAMILIES if name.startswith(prefix)), None)
    if found is not None:
        return found
    return _HIDDEN if model.startswith("arn:") else _PLAIN


def _claude(name: str) -> Traits:
    claude = claude_traits(name)
    native = _NATIVE_FORMATS.search(name) is not None
    formats: Formats = "native" if native else "tool" if claude.forced_tools else "none"
    return Traits(
        claude=claude,
        choices=_FORCED if claude.forced_tools else frozenset(),
        caches=True,
        caches_tools=True,
        replays_thinking=True,
        result_status=True,
        top_k=("top_k",),
        effort="claude",
        formats=formats,
        strict_tools=native,
    )
