"""The Conversations actor: answers that callers may go on from by their id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import (
    ConversationsView,
    ForgetTurn,
    Forgotten,
    Recalled,
    RecallTurns,
    Turn,
    TurnEnded,
)
from actors.runtime import Actor, ActorDead, AskTimeout, MailboxFull, Overflow, Ports, Ref, Snapshot
from router.errors import Reason, Unavailable

_TURN_BYTES = 1024
"""What a turn costs beside its text: ids, objects, the place in the order. Rounded up."""

_ASK_S = 5.0
"""How long the front waits for a word; it comes in microseconds unless something is wrong."""


class ConversationRules(Struct, frozen=True, kw_only=True):
    """How long and how much.

    Args:
        ttl_s: a turn is known for this long after it was last gone on from or read.
        size_bytes: bound of all turns; the least recently used go first. One larger than it is never kept.
    """

    ttl_s: float = 86_400.0
    size_bytes: int = 32 * 1024 * 1024


class _Kept(Struct):
    """One turn as it is kept."""

    turn: Turn
    size_bytes: int
    used_s: float


class Conversations(Actor):
    """Keeps turns for a while and up to a size.

    Accepts `RecallTurns` -> `Recalled | Forgotten`, `ForgetTurn` -> `Recalled | Forgotten`, and `TurnEnded` (fact).
    Publishes `ConversationsView`. Each turn holds its own words only. To go on from one uses all before it, the oldest
    last, so that none is dropped before those that need it.

    A restart loses every turn, and callers are told that they are not known; counts go on from what was published. When
    its mailbox is full new turns are not kept.
    """

    overflow = Overflow.DROP_NEWEST

    def __init__(self, *, rules: Callable[[], ConversationRules], published: Snapshot[ConversationsView]) -> None:
        super().__init__()
        self._rules = rules
        self._published = published

    async def on_start(self) -> None:
        """Begin empty."""
        self._turns: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._view = replace(self._published.value, turns=0, size_bytes=0)
        self._published.publish(self._view)

    def on_receive(self, message: RecallTurns | ForgetTurn | TurnEnded) -> Recalled | Forgotten | None:
        """Answer at once: nothing here waits."""
        match message:
            case RecallTurns():
                return self._recall(message)
            case ForgetTurn():
                return self._forget(message)
            case TurnEnded():
                self._keep(message.turn)
            case _:
                assert_never(message)
        return None

    def _recall(self, message: RecallTurns) -> Recalled | Forgotten:
        """All that led to one, unless some of it is gone; of what its provider holds that does not matter. A provider
        that gives one id to two answers makes the first of them gone, and its chain a ring."""
        newest_first: dict[str, Turn] = {}
        id: str | None = message.id
        while id is not None:
            turn = None if id in newest_first else self._use((message.owner, id))
            if turn is None:
                if not (newest_first and newest_first[message.id].held):
                    return Forgotten()
                break
            newest_first[id] = turn
            id = turn.previous
        return Recalled(turns=tuple(reversed(newest_first.values())))

    def _forget(self, message: ForgetTurn) -> Recalled | Forgotten:
        key = (message.owner, message.id)
        turn = self._use(key)
        if turn is None:
            return Forgotten()
        self._drop(key)
        return Recalled(turns=(turn,))

    def _use(self, key: tuple[str, str]) -> Turn | None:
        kept = self._turns.get(key)
        if kept is None:
            return None
        now_s = self.ports.clock.now()
        if now_s - kept.used_s >= self._rules().ttl_s:
            self._drop(key)
            self._count(expired=self._view.expired + 1)
            return None
        kept.used_s = now_s
        self._turns.move_to_end(key)
        return kept.turn

    def _keep(self, turn: Turn) -> None:
        """As the newest, but for those before it, which it needs; room is made at the other end."""
        size_bytes = len(bytes(turn.input)) + len(bytes(turn.answer)) + _TURN_BYTES
        key = (turn.owner, turn.id)
        if size_bytes > self._rules().size_bytes:
            return
        if key in self._turns:
            self._drop(key)
        self._turns[key] = _Kept(turn, size_bytes, self.ports.clock.now())
        self._count(turns=len(self._turns), size_bytes=self._view.size_bytes + size_bytes)
        self._recall(RecallTurns(id=turn.id, owner=turn.owner))
        while self._view.size_bytes > self._rules().size_bytes:
            self._drop(next(iter(self._turns)))
            self._count(evicted=self._view.evicted + 1)

    def _drop(self, key: tuple[str, str]) -> None:
        gone = self._turns.pop(key)
        self._count(turns=len(self._turns), size_bytes=self._view.size_bytes - gone.size_bytes)

    def _count(self, **changed: int) -> None:
        self._view = replace(self._view, **changed)
        self._published.publish(self._view)


class ActorMemory:
    """See `actors.messages.Memory`: the way to a Conversations actor."""

    def __init__(self, ref: Ref, ports: Ports) -> None:
        self._ref = ref
        self._ports = ports

    def new_id(self, prefix: str) -> str:
        """128 bits of the tree's own randomness."""
        return f"{prefix}{self._ports.rng.getrandbits(128):032x}"

    def keep(self, turn: Turn) -> None:
        """Told: a question that comes after it is answered after it."""
        self._ref.tell(TurnEnded(turn=turn))

    async def recall(self, id: str, owner: str) -> tuple[Turn, ...]:
        """Asked. Raises `Unavailable`."""
        word = await self._ask(RecallTurns(id=id, owner=owner))
        return word.turns if isinstance(word, Recalled) else ()

    async def forget(self, id: str, owner: str) -> Turn | None:
        """Asked. Raises `Unavailable`."""
        word = await self._ask(ForgetTurn(id=id, owner=owner))
        return word.turns[0] if isinstance(word, Recalled) else None

    async def _ask(self, message: RecallTurns | ForgetTurn) -> object:
        try:
            return await self._ref.ask(message, timeout_s=_ASK_S)
        except (ActorDead, AskTimeout, MailboxFull) as error:
            raise Unavailable(
                "kept conversations cannot be read now", reason=Reason.PART_DOWN, retry_after_s=1.0
            ) from error
