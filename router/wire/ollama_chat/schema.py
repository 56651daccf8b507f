"""Ollama's native chat exactly as on the wire. Names are the wire's, so they are not explained here.

A whole answer and a line of a stream have one shape. Zero counts are left out, and so are ids in older versions.

Source: github.com/ollama/ollama at 2026-08-21, `api/types.go`, and recorded traffic.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

NULL = Raw(b"null")


class SaidFunction(Struct, frozen=True):
    """`arguments` is an object; servers that imitate Ollama send JSON text, as OpenAI does."""

    name: str | None = None
    arguments: Raw = NULL


class SaidCall(Struct, frozen=True):
    """A tool call, always whole."""

    id: str | None = None
    function: SaidFunction | None = None


class Said(Struct, frozen=True):
    """A message, or what a line adds to it."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: tuple[SaidCall, ...] | None = None


class LikelyToken(Struct, frozen=True):
    """A token that was likely in some place."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None


class SaidToken(LikelyToken, frozen=True):
    """The token that was said, and those that were likely in its place."""

    top_logprobs: tuple[LikelyToken, ...] = ()


class AnswerBody(Struct, frozen=True):
    """An answer, or a line of one; the last line is `done`. Lines without `message` are no part of an answer."""

    model: str | None = None
    created_at: str | None = None
    message: Said | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: Raw = NULL
    error: Raw = NULL


ANSWER = Decoder(AnswerBody)
LOGPROBS = Decoder(tuple[SaidToken, ...] | None)
TEXT = Decoder(str)
OBJECT = Decoder(dict[str, Raw])
ENCODER = Encoder()
