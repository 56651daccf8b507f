"""What each generation of Claude accepts: they refuse with a 400 what the one before them demanded.

Read by family and version, never by a substring that a later name could hold too. A Claude nobody has heard of is taken
for the newest; a model that is no Claude (servers that imitate the protocol) for one that accepts the plain protocol.

Source: https://platform.claude.com/docs/en/about-claude/models and the migration guides below it, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

_NAME = re.compile(
    r"claude-(?:(?P<family>opus|sonnet|haiku|fable|mythos)-(?P<new>\d+(?:-\d{1,2})?)(?!\d)"
    r"|(?P<old>\d+(?:-\d{1,2})?)-(?P<old_family>opus|sonnet|haiku))"
)


class Traits(Struct, frozen=True, kw_only=True):
    """What one generation accepts.

    Args:
        max_output: tokens of the longest answer, thinking included.
        thinking: adaptive (by effort), budget (by tokens), or none at all.
        off: what switches thinking off; None where it cannot be.
        efforts: the levels of `output_config.effort`, weakest first; empty where naming one is an error.
        sampling: free, one (temperature or top_p, not both), or none of them.
        forced_tools: whether `tool_choice` may demand a call.
        formats: whether `output_config.format` and strict tools are understood.
        system_turns: whether the operator may speak between turns.
        prefill: whether an answer that the caller began is gone on with.
    """

    max_output: int
    thinking: Literal["adaptive", "budget", "none"] = "adaptive"
    off: str | None = "disabled"
    efforts: tuple[str, ...] = ()
    sampling: Literal["free", "one", "none"] = "none"
    forced_tools: bool = True
    formats: bool = True
    system_turns: bool = False
    prefill: bool = False


_TO_HIGH = ("low", "medium", "high")
_TO_MAX = (*_TO_HIGH, "xhigh", "max")
_NO_XHIGH = (*_TO_HIGH, "max")

_BOUND = Traits(max_output=128_000, off=None, efforts=_TO_MAX, forced_tools=False, system_turns=True)
"""The newest: always thinking, never forced."""

_PLAIN = Traits(max_output=8_192, thinking="budget", sampling="free", formats=False)
"""Servers that only imitate the protocol."""

_TRAITS: dict[tuple[str, int, int], Traits] = {
    ("opus", 5, 5): _BOUND,
    ("fable", 5, 1): _BOUND,
    ("mythos", 5, 1): _BOUND,
    ("sonnet", 5, 5): Traits(
        max_output=128_000, off="between_tools", efforts=_TO_MAX, forced_tools=False, system_turns=True
    ),
    ("haiku", 5, 5): Traits(max_output=128_000, efforts=_TO_MAX, system_turns=True),
    ("fable", 5, 0): Traits(max_output=128_000, off=None, efforts=_TO_MAX, system_turns=True),
    ("mythos", 5, 0): Traits(max_output=128_000, off=None, efforts=_TO_MAX, system_turns=True),
    ("opus", 5, 0): Traits(max_output=128_000, efforts=_TO_MAX, system_turns=True),
    ("sonnet", 5, 0): Traits(max_output=128_000, efforts=_TO_MAX, system_turns=True),
    ("opus", 4, 8): Traits(max_output=128_000, efforts=_TO_MAX, system_turns=True),
    ("opus", 4, 7): Traits(max_output=128_000, efforts=_TO_MAX),
    ("opus", 4, 6): Traits(max_output=128_000, efforts=_NO_XHIGH, sampling="one"),
    ("sonnet", 4, 6): Traits(max_output=128_000, efforts=_NO_XHIGH, sampling="one"),
    ("opus", 4, 5): Traits(max_output=64_000, thinking="budget", efforts=_TO_HIGH, sampling="one", prefill=True),
    ("sonnet", 4, 5): Traits(max_output=64_000, thinking="budget", sampling="one", prefill=True),
    ("haiku", 4, 5): Traits(max_output=64_000, thinking="budget", sampling="one", prefill=True),
    ("opus", 4, 1): Traits(max_output=32_000, thinking="budget", sampling="one", formats=False, prefill=True),
    ("opus", 4, 0): Traits(max_output=32_000, thinking="budget", sampling="one", formats=False, prefill=True),
    ("sonnet", 4, 0): Traits(max_output=64_000, thinking="budget", sampling="one", formats=False, prefill=True),
    ("sonnet", 3, 7): Traits(max_output=64_000, thinking="budget", sampling="free", formats=False, prefill=True),
    ("sonnet", 3, 5): Traits(max_output=8_192, thinking="none", sampling="free", formats=False, prefill=True),
    ("haiku", 3, 5): Traits(max_output=8_192, thinking="none", sampling="free", formats=False, prefill=True),
    ("opus", 3, 0): Traits(max_output=4_096, thinking="none", sampling="free", formats=False, prefill=True),
    ("sonnet", 3, 0): Traits(max_output=4_096, thinking="none", sampling="free", formats=False, prefill=True),
    ("haiku", 3, 0): Traits(max_output=4_096, thinking="none", sampling="free", formats=False, prefill=True),
}


def traits_of(model: str) -> Traits:
    """What a model accepts, by the name a provider gives it: with a date, a region or a publisher around it or not."""
    found = _NAME.search(model)
    if found is None:
        return _BOUND if "claude-" in model else _PLAIN
    major, _, minor = (found["new"] or found["old"]).partition("-")
    return _TRAITS.get((found["family"] or found["old_family"], int(major), int(minor or 0)), _BOUND)
