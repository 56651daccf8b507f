"""A whole answer, for callers who did not ask for a stream."""

from __future__ import annotations

from msgspec import Raw, Struct

from router.canon.event import Finish
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage


class Choice(Struct, frozen=True, kw_only=True):
    """One of the answers. `parts` in the order they were said; `said` is the provider's own word for why it stopped."""

    index: int
    parts: tuple[Text | Reasoning | ToolCall | Refusal | Opaque, ...]
    finish: Finish
    said: str
    stop_sequence: str | None = None
    logprobs: Raw | None = None
    citations: tuple[Raw, ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    """A whole answer in no dialect. `usage` is None when the provider reported none: never a zero that nobody
    counted."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None
    created_s: int | None = None
    family: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when no choice holds content and no output tokens were counted: a failure, unless the finish says
        why."""
        counted = self.usage.output_total if self.usage else 0
        return not counted and not any(_bears(part) for choice in self.choices for part in choice.parts)


def _bears(part: Text | Reasoning | ToolCall | Refusal | Opaque) -> bool:
    """Whether a part holds anything a caller could use."""
    return isinstance(part, ToolCall | Opaque) or bool(part.text) or bool(getattr(part, "redacted", None))
