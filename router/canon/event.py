"""What streams back, one small fact at a time.

`choice` is the index of the answer when a caller asked for several. `index` of a tool call counts from 0 within its
choice, without gaps, whatever the provider counted. The end of an answer is `Finished` and then `Ended`, which only the
provider's own terminal event may cause: a decoder cannot make one up. `Finished` comes once per choice, and once more
where a call came behind it that its word did not know of; the last one is true.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Raw, Struct

from router.canon.usage import Usage


class Finish(StrEnum):
    """Why the model stopped, in one vocabulary; the provider's own word is kept beside it in `Finished.said`."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSED = "paused"
    CONTEXT_FULL = "context_full"
    OTHER = "other"


SPOKEN_FOR = frozenset({Finish.LENGTH, Finish.CONTENT_FILTER, Finish.REFUSAL, Finish.TOOL_CALLS, Finish.CONTEXT_FULL})
"""Finish reasons that explain an answer without content: these are answers, not failures."""


REFUSALS = frozenset({Finish.CONTENT_FILTER, Finish.REFUSAL})
"""Finish reasons by which a provider or its model will not say more."""


class Started(Struct, frozen=True, kw_only=True):
    """The provider began to answer: its id for the answer and the model that really answers. Not content: commits
    nothing. `prompt_tokens` is our own guess at the prompt, for callers who are told before anybody counted;
    `fingerprint` the provider's name for what it ran the model on."""

    id: str
    model: str
    created_s: int | None = None
    prompt_tokens: int | None = None
    fingerprint: str | None = None


class TextDelta(Struct, frozen=True, kw_only=True):
    """More text of the answer."""

    text: str
    choice: int = 0


class ReasoningDelta(Struct, frozen=True, kw_only=True):
    """More of the model's thinking. `signature` and `redacted` are opaque to all but `family`; a block ends at `block`
    + 1."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    family: str | None = None
    block: int = 0
    choice: int = 0


class RefusalDelta(Struct, frozen=True, kw_only=True):
    """More of the model's own words of refusal."""

    text: str
    choice: int = 0


class ToolCallStarted(Struct, frozen=True, kw_only=True):
    """The model begins to call a tool; its arguments follow as `ToolCallDelta` with the same `index`."""

    index: int
    id: str
    name: str
    custom: bool = False
    signature: str | None = None
    family: str | None = None
    choice: int = 0


class ToolCallDelta(Struct, frozen=True, kw_only=True):
    """More JSON text of a tool call's arguments."""

    index: int
    arguments: str
    choice: int = 0


class CitationAdded(Struct, frozen=True, kw_only=True):
    """A source the text stands on, as the provider's own JSON of the dialect named `family`."""

    citation: Raw
    family: str
    choice: int = 0


class LogprobsAdded(Struct, frozen=True, kw_only=True):
    """Log probabilities in OpenAI's form: a JSON object with `content` and `refusal` lists."""

    logprobs: Raw
    choice: int = 0


class OpaqueAdded(Struct, frozen=True, kw_only=True):
    """A whole part that only the dialect named `family` has a word for; see `canon.request.Opaque`."""

    raw: Raw
    family: str
    choice: int = 0


class UsageReported(Struct, frozen=True, kw_only=True):
    """The provider counted. The last report of a stream is the true one; earlier ones are previews."""

    usage: Usage


class Finished(Struct, frozen=True, kw_only=True):
    """A choice is done, in the provider's word `said`. `stop_sequence` is the one that matched, where the provider
    tells."""

    reason: Finish
    said: str
    stop_sequence: str | None = None
    choice: int = 0


class Skipped(Struct, frozen=True, kw_only=True):
    """One event could not be read and was left out; the answer goes on. `why` never quotes content."""

    why: str


class Ended(Struct, frozen=True, kw_only=True):
    """The provider's own terminal event: nothing follows. Without it an answer is not complete."""


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | CitationAdded
    | LogprobsAdded
    | OpaqueAdded
    | UsageReported
    | Finished
    | Skipped
    | Ended
)

Content = TextDelta | ReasoningDelta | RefusalDelta | ToolCallStarted | ToolCallDelta | OpaqueAdded
"""The events that bear content: the first one is the commit point of an answer."""

CONTENT = frozenset({TextDelta, ReasoningDelta, RefusalDelta, ToolCallStarted, ToolCallDelta, OpaqueAdded})
"""The same as a set of types, for the hot path."""
