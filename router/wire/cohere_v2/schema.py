"""Cohere's chat, version 2, exactly as on the wire. Names are the wire's, so they are not explained here.

Everything is optional: events of a stream carry only what is new, and one Struct reads them all. Counts are floats.
Counts and log probabilities are read apart, so that an odd one does not cost the event it stands in.

Source: https://docs.cohere.com/reference/chat and its OpenAPI document at 2026-08-20, and recorded traffic.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

NULL = Raw(b"null")


# What a model says.


class SaidContent(Struct, frozen=True):
    """A block of an answer, whole or a piece: `text` or `thinking`."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class SaidFunction(Struct, frozen=True):
    """`arguments` is JSON text; for a function that takes nothing it may be "null"."""

    name: str | None = None
    arguments: str | None = None


class SaidCall(Struct, frozen=True):
    """A tool call or a piece of one."""

    id: str | None = None
    function: SaidFunction | None = None


class Said(Struct, frozen=True):
    """A message, or what an event adds to it. A stream sends objects where a whole answer has lists."""

    content: tuple[SaidContent, ...] | SaidContent | None = None
    tool_plan: str | None = None
    tool_calls: tuple[SaidCall, ...] | SaidCall | None = None
    citations: Raw = NULL


class SaidLogprob(Struct, frozen=True):
    """A piece of text and the log probability of each token in it."""

    text: str | None = None
    logprobs: tuple[float, ...] | None = None


class Counted(Struct, frozen=True):
    """Tokens, or what of them is billed. `reasoning_tokens` are among the output's; recorded, not documented."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    reasoning_tokens: float | None = None


class UsageBody(Struct, frozen=True):
    """`tokens` is what the model read and wrote, `billed_units` what is paid: Cohere's own preamble is free."""

    tokens: Counted | None = None
    billed_units: Counted | None = None
    cached_tokens: float | None = None


class ReplyBody(Struct, frozen=True):
    """A whole answer. `message` is words where the 200 is an error after all."""

    id: str | None = None
    message: Said | str | None = None
    finish_reason: str | None = None
    usage: Raw = NULL
    logprobs: Raw = NULL
    error: Raw = NULL


class Delta(Struct, frozen=True):
    """What an event brings; the last one of a stream has all but the message."""

    message: Said | None = None
    finish_reason: str | None = None
    usage: Raw = NULL
    error: Raw = NULL


class EventBody(Struct, frozen=True):
    """One event. `index` counts blocks for content, calls for tool calls. `message` is an error's, without a type."""

    type: str | None = None
    id: str | None = None
    index: int | None = None
    delta: Delta | None = None
    logprobs: Raw = NULL
    message: str | None = None
    error: Raw = NULL


REPLY = Decoder(ReplyBody)
EVENT = Decoder(EventBody)
RAWS = Decoder(tuple[Raw, ...])
USAGE = Decoder(UsageBody | None)
LOGPROBS = Decoder(tuple[SaidLogprob, ...] | SaidLogprob | None)


# What a caller says.


class TextBlock(Struct, frozen=True, tag_field="type", tag="text"):
    """Text of any turn."""

    text: str


class ThinkingBlock(Struct, frozen=True, tag_field="type", tag="thinking"):
    """Thinking of an earlier answer."""

    thinking: str


class ImageUrl(Struct, frozen=True, omit_defaults=True):
    """A URL, or a data URL."""

    url: str
    detail: str | None = None


class ImageBlock(Struct, frozen=True, tag_field="type", tag="image_url"):
    """A picture in a user's turn."""

    image_url: ImageUrl


class DocumentBody(Struct, frozen=True, omit_defaults=True):
    """A text the answer may cite by its `id`."""

    data: dict[str, str]
    id: str | None = None


class DocumentBlock(Struct, frozen=True, tag_field="type", tag="document"):
    """A document in a tool's answer."""

    document: DocumentBody


Block = TextBlock | ThinkingBlock | ImageBlock | DocumentBlock

ENCODER = Encoder()
