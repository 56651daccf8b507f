"""One exchange's dealings with the response cache: whether it asks it, for what, and what it gives it to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import replace

from actors.flights import Flights
from actors.messages import AnswerRepeated, Call, Committed, Hit, Lookup, Opened, Stored
from actors.recall import Recall
from actors.runtime import ActorDead, AskTimeout, MailboxFull, Ref
from actors.shared import Shared
from router.canon.caching import UNSAID, CacheScope
from router.canon.target import Target
from router.policy.cachekey import cache_key, user_mark
from router.policy.caching import CacheUse, choose_use
from router.policy.enduser import end_user_of
from router.store.answers import Label
from router.wire.dialect import Ask, Relay

LONGEST_BYTES = 4 << 20
"""A longer answer is not kept: what is under way is held beside what the cache is bounded to."""


_TOOLS = frozenset({"tools", "functions"})
"""Members of a request whose answer may be a call: two callers are not told one, unless that was asked for."""


class CacheWiring(Struct, frozen=True, kw_only=True, dict=True):
    """What exchanges need of the cache.

    Args:
        ref: of its actor.
        ledger: told of every answer out of it.
        server: what holds where neither key nor group says anything.
        groups: by name, what those say.
        max_temperature: a request that states a higher one goes around it.
        flights: requests that can be joined.
        relay: (dialect, request) -> what ends with an error in its words bytes that are passed on.
    """

    ref: Ref
    ledger: Ref
    server: CacheScope
    groups: Mapping[str, CacheScope]
    max_temperature: float
    flights: Flights
    relay: Callable[[str, Ask], Relay]

    @cached_property
    def is_off(self) -> bool:
        """Whether neither the server nor any group switches it on."""
        return not (self.server.on or any(group.on for group in self.groups.values()))


class Caching:
    """For an exchange that the cache is on for. `word` is what its caller is told: miss or bypass."""

    def __init__(self, call: Call, wiring: CacheWiring, use: CacheUse) -> None:
        self._call = call
        self._wiring = wiring
        # A drill is to show what a provider's failure does, and none is asked for a kept answer.
        self.word = "bypass" if call.drills else use.word
        self.recall: Recall | None = None
        self._key = self._flight = ""
        self._shared: Shared | None = None
        self._may_join = use.tool_calls or _TOOLS.isdisjoint(call.ask.fields)
        if self.word != "bypass":
            calls = use.tool_calls and not _TOOLS.isdisjoint(call.ask.fields)
            self._key = _key_of(call, calls=calls)
            self.recall = Recall(self._key, LONGEST_BYTES, tool_calls=use.tool_calls)

    async def look_up(self, targets: tuple[Target, ...], patience_s: float) -> Hit | None:
        """A kept answer to exactly this. What keeps it need not answer: then nothing is kept. It does not become
        younger by being given.

        Args:
            targets: who may answer now; what others once said is not given out.
        """
        if self.recall is None:
            return None
        try:
            hit = await self._wiring.ref.ask(Lookup(key=self._key), timeout_s=patience_s)
        except (ActorDead, AskTimeout, MailboxFull):
            return None
        if not isinstance(hit, Hit):
            return None
        if hit.begun.target not in targets:
            return None
        return self._related(hit) if hit.passed else hit

    def _related(self, hit: Hit) -> Hit:
        """With a relay of its own, where bytes are passed on."""
        relay = self._wiring.relay(self._call.dialect, self._call.ask)
        return replace(hit, pieces=(replace(hit.begun, relay=relay), *hit.pieces[1:]))

    def opened(self, opened: Opened) -> Opened:
        """The exchange for its own caller, who reads it beside all that will have joined it."""
        if self.recall is None or not self._may_join:
            return opened
        self._flight = self._key + encode(self._call.ask.requirements).decode()
        self._shared = Shared(opened, _changed)
        return self._shared.read(None)

    def join(self, left: Shared | None) -> Shared | None:
        """Who is to be joined, after `left` was for nothing; None where this is the first to ask, or must not join."""
        return None if self._shared is None else self._wiring.flights.join(self._flight, self._shared, left)

    def land(self) -> None:
        """The exchange has ended."""
        if self._shared is not None:
            self._wiring.flights.land(self._flight, self._shared)

    def book(self, target: Target, opened_at: float, at: float) -> None:
        """A kept answer of that target was given: it stands in the account, and is free."""
        call = self._call
        self._wiring.ledger.tell(
            AnswerRepeated(
                exchange=call.request_id,
                provider=target.provider,
                model=target.model,
                opened_at=opened_at,
                at=at,
                group=call.ask.model,
                user=end_user_of(call.ask.fields),
                client=call.caller.id,
                owner=call.caller.owner,
                operation=call.operation,
            )
        )

    def keep(self) -> None:
        """Give a complete answer to the cache, for whoever asks the same again."""
        stored = self.recall.stored() if self.recall is not None else None
        if stored is not None:
            self._wiring.ref.tell(replace(stored, label=self._label_of(stored)))

    def _label_of(self, stored: Stored) -> Label:
        call, begun = self._call, stored.pieces[0]
        assert isinstance(begun, Committed)
        return Label(
            client=call.caller.id,
            model=call.ask.model,
            target=str(begun.target),
            user=user_mark(end_user_of(call.ask.fields)),
        )


def _changed(shared: Shared) -> None:
    """What has become too long to be kept can be joined no more."""
    if shared.keeps and shared.size_bytes > LONGEST_BYTES:
        shared.let_go()


def caching_of(call: Call, wiring: CacheWiring) -> Caching | None:
    """What this call has to do with the cache; None where it is off for it."""
    ask = call.ask
    if wiring.is_off and ask.requirements.cache is None and not call.caller.cache.on:
        return None  # as the table says; most requests are these, and pay nothing for it
    scopes = (call.caller.cache, wiring.groups.get(ask.model, UNSAID), wiring.server)
    use = choose_use(scopes, ask.requirements.cache, ask.fields, wiring.max_temperature)
    return None if use is None else Caching(call, wiring, use)


def _key_of(call: Call, *, calls: bool) -> str:
    """Whoever may be told a kept call is told no other's answer: of one key's callers not all may want that."""
    ask, wanted = call.ask, call.ask.requirements
    beside = encode((wanted.on_loss, wanted.requires, wanted.min_context, ask.forward, calls))
    return cache_key(call.caller.tenant, call.dialect, ask.model, ask.fields, streamed=ask.stream, beside=beside)
