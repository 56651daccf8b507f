"""Where a request goes and how long it may take there."""

from __future__ import annotations

from msgspec import Struct


class Target(Struct, frozen=True, kw_only=True):
    """One deployment: a configured provider and one of its models."""

    provider: str
    model: str

    def __str__(self) -> str:
        """The public name, `provider:model`."""
        return f"{self.provider}:{self.model}"


class Timeouts(Struct, frozen=True, kw_only=True):
    """The five clocks of one attempt, in seconds. Comments, pings and our own keepalives reset none of them.

    Args:
        connect_s: until the connection is open, name lookup and TLS included.
        first_byte_s: from the request sent to the head of a streamed answer.
        first_token_s: from the request sent to the first content-bearing event of a streamed answer.
        idle_s: between two content-bearing events; for an answer that is not streamed, between two pieces of its body.
        total_s: from the request sent to the end of the attempt.
        whole_s: from the request sent to the end of an answer that is not streamed, whose head comes only when all of
            it exists.
        min_tokens_per_s: of a streamed answer, once its content began; fewer for `slow_window_s` end it. None: any.
        learn: whether the limit for the first token follows the target's own history, below `first_token_s`.
    """

    connect_s: float = 5.0
    first_byte_s: float = 30.0
    first_token_s: float = 60.0
    idle_s: float = 60.0
    total_s: float = 600.0
    whole_s: float = 300.0
    min_tokens_per_s: float | None = None
    slow_window_s: float = 10.0
    learn: bool = False
