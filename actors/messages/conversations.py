"""Conversations that callers go on with by the id of an answer, and the port through which a front reaches them."""

from __future__ import annotations

from typing import Protocol

from msgspec import Raw, Struct

from router.canon.target import Target


class Turn(Struct, frozen=True, kw_only=True):
    """One request and its answer.

    Args:
        id: of the answer, as its caller knows it.
        previous: id of the turn it went on from; None for the first.
        owner: whose it is; nobody else can go on with it, read it or delete it.
        target: who answered.
        held: whether the provider keeps the conversation under this id itself, and so alone can go on with it.
        input: what the caller said in this turn, as JSON of its dialect.
        answer: the whole answer, as JSON of its dialect.
    """

    id: str
    previous: str | None
    owner: str
    target: Target
    held: bool
    input: Raw
    answer: Raw


class TurnEnded(Struct, frozen=True, kw_only=True):
    """Fact for Conversations: a complete answer that its caller wants kept."""

    turn: Turn


class RecallTurns(Struct, frozen=True, kw_only=True):
    """Ask Conversations for a turn and all before it. Answer: `Recalled` or `Forgotten`."""

    id: str
    owner: str


class Recalled(Struct, frozen=True, kw_only=True):
    """The turns, oldest first; of a conversation that its provider holds, as far back as they are known."""

    turns: tuple[Turn, ...]


class Forgotten(Struct, frozen=True, kw_only=True):
    """There is no such turn, not any more, or not one of this owner's."""


class ForgetTurn(Struct, frozen=True, kw_only=True):
    """Ask Conversations to delete a turn. Answer: `Recalled` with that turn alone, or `Forgotten`."""

    id: str
    owner: str


class ConversationsView(Struct, frozen=True, kw_only=True):
    """What Conversations publishes. Counts go on over restarts; turns do not."""

    turns: int = 0
    size_bytes: int = 0
    evicted: int = 0
    expired: int = 0


class Memory(Protocol):
    """What a front does with conversations. All but `keep` raise `Unavailable` while their actor is being restarted."""

    def new_id(self, prefix: str) -> str:
        """An id that nobody can guess."""
        ...

    def keep(self, turn: Turn) -> None:
        """Remember a turn; whoever asks for it after this finds it."""
        ...

    async def recall(self, id: str, owner: str) -> tuple[Turn, ...]:
        """A turn and those before it, oldest first; none when it is not known."""
        ...

    async def forget(self, id: str, owner: str) -> Turn | None:
        """Delete a turn: what it was, or None when it is not known."""
        ...
