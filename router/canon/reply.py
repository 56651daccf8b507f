"""A whole answer, for callers who did not ask for a stream; and what whole answers of every operation tell."""

from __future__ import annotations

from typing import Protocol, Self

from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.event import REFUSALS, SPOKEN_FOR, Finish
from router.canon.request import Opaque, Reasoning, Refusal, Text, ToolCall
from router.canon.usage import Usage

OWN_ENDS = frozenset({Finish.STOP})
"""Ends of answers that said all they had to say."""

CALLING_ENDS = frozenset({Finish.STOP, Finish.TOOL_CALLS})
"""Ends of answers that were neither cut short nor refused, those that call tools among them."""


class Answer(Protocol):
    """What an exchange reads of a whole answer, whatever was asked. `usage` is None when nobody counted."""

    @property
    def model(self) -> str: ...
    @property
    def usage(self) -> Usage | None: ...

    @property
    def says_nothing(self) -> bool:
        """True for an answer without content that nothing in it explains: a failure that another target may mend."""
        ...

    @property
    def refuses(self) -> bool:
        """Whether it is a refusal, for which its route may go on to another target."""
        ...

    @property
    def may_repeat(self) -> bool:
        """Whether it may be given to the same request again."""
        ...

    def named(self, model: str, created_s: int) -> Self:
        """With a model and a time, the provider's own where it gave them."""
        ...


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
    counted. `fingerprint` is the provider's name for what it ran the model on."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None
    created_s: int | None = None
    family: str | None = None
    fingerprint: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when no choice holds content and no output tokens were counted: a failure, unless the finish says
        why."""
        counted = self.usage.output_total if self.usage else 0
        return not counted and not any(_bears(part) for choice in self.choices for part in choice.parts)

    @property
    def says_nothing(self) -> bool:
        """True when it is empty and no finish says why."""
        return self.is_empty and not any(choice.finish in SPOKEN_FOR for choice in self.choices)

    @property
    def refuses(self) -> bool:
        """True when the provider or its model would not say more."""
        return any(choice.finish in REFUSALS for choice in self.choices)

    @property
    def may_repeat(self) -> bool:
        """True for text that came to its own end; what was cut short or refused, or calls a tool, is worth asking
        again."""
        return self._came_to_its_end(OWN_ENDS) and not any(
            isinstance(part, ToolCall) for choice in self.choices for part in choice.parts
        )

    @property
    def may_repeat_calls(self) -> bool:
        """As `may_repeat`, for whoever wants tool calls repeated too."""
        return self._came_to_its_end(CALLING_ENDS)

    def _came_to_its_end(self, ends: frozenset[Finish]) -> bool:
        return bool(self.choices) and not self.is_empty and all(choice.finish in ends for choice in self.choices)

    def named(self, model: str, created_s: int) -> Reply:
        """With a model and a time, the provider's own where it gave them."""
        return replace(self, model=self.model or model, created_s=self.created_s or created_s)


def _bears(part: Text | Reasoning | ToolCall | Refusal | Opaque) -> bool:
    """Whether a part holds anything a caller could use."""
    return isinstance(part, ToolCall | Opaque) or bool(part.text) or bool(getattr(part, "redacted", None))
