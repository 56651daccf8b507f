"""The Config actor: which configuration is in force, and how another one takes its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar, assert_never

from msgspec import Struct

from actors.edition import Edition
from actors.messages import (
    AdminActed,
    BoundsChanged,
    ChangeConfig,
    ConfigDocument,
    ConfigFault,
    ConfigLoaded,
    ConfigMoved,
    ConfigRefused,
    ConfigTaken,
    ConfigTurnedDown,
    EntryExists,
    EntryMissing,
    ExportConfig,
    Moves,
    ProviderRemoved,
    ProviderReplaced,
    ReadConfig,
    ReadCosts,
    ReloadConfig,
    TargetsChanged,
)
from actors.runtime import (
    Actor,
    ActorDead,
    AskTimeout,
    ChildInfo,
    ChildSpec,
    ChildStarted,
    Exit,
    Job,
    MailboxFull,
    Ref,
    Snapshot,
    StartChild,
    StartRefused,
    StopChild,
    WhichChildren,
)
from actors.tree import group_spec, path, unit_spec

START_S = 30.0
"""How long a new unit may take to start, and one that has nothing left to do to stop."""

PROVIDERS, GROUPS, LEAVING = "providers", "groups", "leaving"

E = TypeVar("E", bound=Edition)
Refusal = ConfigRefused | EntryMissing | EntryExists
Outcome = ConfigTaken | ConfigMoved | Refusal
_OUTCOMES: dict[type, str] = {
    ConfigTaken: "taken",
    ConfigRefused: "refused",
    ConfigMoved: "moved",
    EntryMissing: "missing",
    EntryExists: "exists",
}


class Proof(Struct, Generic[E], frozen=True, kw_only=True):
    """An edition that is not in force yet. `keep`, where there is something to keep over restarts, comes last before it
    is; it answers None, or why it cannot be done."""

    edition: E
    keep: Callable[[], Awaitable[ConfigRefused | None]] | None = None


class Press(Protocol[E]):
    """Makes editions of what the configuration's source says. Outlives the Config actor's restarts."""

    async def draft(self, before: E, change: ChangeConfig | None) -> Proof[E] | Refusal:
        """The configuration as its source has it now, or with a change; the edition is `before` itself where nothing is
        different. Starts nothing and keeps nothing."""
        ...

    async def export(self, before: E) -> ConfigDocument | ConfigRefused:
        """The document as it is written."""
        ...

    async def changed(self) -> None:
        """Wait until the source may be another. For ever where nobody can tell."""
        ...

    def take(self, edition: E) -> None:
        """It is in force: what is read by reference follows."""
        ...

    def settle(self) -> None:
        """No exchange of an edition before the one in force is left: forget what only those needed."""
        ...

    def close(self) -> None:
        """Give back what reading takes."""
        ...


class Leaving(Struct, frozen=True, kw_only=True):
    """What no edition needs any more: children under `providers` and `groups` by name, and, of units whose edition is
    known, their providers and the attempts that run on them."""

    units: tuple[str, ...]
    groups: tuple[str, ...]
    serves: tuple[str, ...] = ()
    attempts: Callable[[], tuple[Job, ...]] = tuple


class SweepDue(Struct, frozen=True):
    """Config to itself, after a restart: something may run that no edition needs."""


class Config(Actor, Generic[E]):
    """Holds the configuration as an immutable, versioned edition; exchanges keep the one they started on.

    Accepts `ReadConfig` -> `ConfigView`, `ExportConfig` -> `ConfigDocument | ConfigRefused`, `ReloadConfig` ->
    `ConfigTaken | ConfigRefused`, `ChangeConfig` -> the same, or `ConfigMoved | EntryMissing | EntryExists`. Reads
    again by itself when the source tells that it has changed.

    Another configuration is read and validated whole, then what is new of it is started beside what runs, then it is
    published by one reference. Only when the last exchange of the time before has ended is stopped what it alone used.
    Where anything fails before the publishing, all is as it was.

    A restart loses which parts were about to leave; it looks for what no edition needs and lets it leave then.

    Args:
        users: the exchanges under way.
        unread_since_s: monotonic; since when the source has not told what is in it. None: it has.
    """

    def __init__(
        self,
        *,
        published: Snapshot[E],
        press: Press[E],
        users: Callable[[], tuple[Job, ...]],
        unread_since_s: Snapshot[float | None],
    ) -> None:
        super().__init__()
        self._unread_since_s = unread_since_s
        self._published = published
        self._press = press
        self._users = users

    async def on_start(self) -> None:
        """The edition was made before the tree began; there is something to look after from the second life on."""
        if self.ref.incarnation > 1:
            self.ref.tell(SweepDue())
        self.link(self.tasks.start(self._follow(), name="follow"))

    def on_receive(self, message: ReadConfig | ExportConfig | ReloadConfig | ChangeConfig | SweepDue) -> object:
        """One change after another: whoever reloads meanwhile waits for the one before."""
        match message:
            case ReadConfig():
                return self._published.value.view
            case ExportConfig():
                return self._press.export(self._published.value)
            case ReloadConfig():
                return self._reload(message)
            case ChangeConfig():
                return self._change(message)
            case SweepDue():
                self.tasks.start(self._sweep_up(self._users()), name=LEAVING)
                return None
            case _:
                assert_never(message)

    async def on_stop(self, reason: Exit) -> None:
        """Nothing is read any more."""
        self._press.close()

    async def _follow(self) -> None:
        while True:
            await self._press.changed()
            self.ref.tell(ReloadConfig(by="file"))

    async def _reload(self, message: ReloadConfig) -> Outcome:
        outcome = await self._renew(message.by, None)
        self._note_read(isinstance(outcome, ConfigTaken))
        self._audit(message.by, "config.reload", self._published.value.view.source, outcome)
        return outcome

    def _note_read(self, was_read: bool) -> None:
        since_s = self._unread_since_s
        if was_read:
            since_s.publish(None)
        elif since_s.value is None:
            since_s.publish(self.ports.clock.now())

    async def _change(self, message: ChangeConfig) -> Outcome:
        tag = self._published.value.view.tag
        moved = message.expected not in (None, tag)
        outcome = ConfigMoved(tag=tag) if moved else await self._renew(message.by, message)
        self._audit(message.by, f"config.{message.how}", f"{message.section}.{message.name}", outcome)
        return outcome

    async def _renew(self, by: str, change: ChangeConfig | None) -> Outcome:
        before = self._published.value
        proof = await self._press.draft(before, change)
        if not isinstance(proof, Proof):
            return self._turned_down(by, proof)
        after = proof.edition
        refused = await self._start_new(before, after)
        if refused is None and proof.keep is not None:
            refused = await proof.keep()
            if refused is not None:
                await self._stop(reversed(tuple(_fresh(before, after))))
        if refused is not None:
            return self._turned_down(by, refused)
        if after is before:
            return ConfigTaken(view=before.view, changed=False)
        return self._swap(by, before, after)

    def _swap(self, by: str, before: E, after: E) -> ConfigTaken:
        """From here on it is in force. Nothing is awaited, so that nobody sees the half of it."""
        self._published.publish(after)
        self._press.take(after)
        self._tell_of(by, before, after)
        self.tasks.start(self._let_leave(_left(before, after), self._users()), name=LEAVING)
        return ConfigTaken(
            view=after.view,
            changed=True,
            providers=_moves(before.unit_of, after.unit_of),
            groups=_moves(before.group_of, after.group_of),
        )

    def _turned_down(self, by: str, refused: Refusal) -> Refusal:
        if isinstance(refused, ConfigRefused):
            self._child("telemetry").tell(ConfigTurnedDown(by=by, faults=refused.faults))
        return refused

    def _audit(self, by: str, act: str, subject: str, outcome: Outcome) -> None:
        word = _OUTCOMES[type(outcome)]
        fact = AdminActed(by=by, act=act, subject=subject, outcome=word, at=self.ports.wall.now())
        for name in ("ledger", "telemetry"):
            self._child(name).tell(fact)

    async def _stop(self, begun: Iterable[tuple[str, ChildSpec]]) -> None:
        for place, spec in begun:
            await self._asked(place, StopChild(spec.name))

    async def _start_new(self, before: E, after: E) -> ConfigRefused | None:
        """Start what only the new edition has. Should one part not start, those before it are stopped again."""
        begun: list[tuple[str, ChildSpec]] = []
        for place, spec in _fresh(before, after):
            word = await self._asked(place, StartChild(spec))
            if not isinstance(word, ChildStarted):
                await self._stop(reversed(begun))
                why = str(word.error) if isinstance(word, StartRefused) else "their supervisor does not answer"
                return ConfigRefused(faults=(ConfigFault(path=place, message=f"{spec.name} cannot be started: {why}"),))
            begun.append((place, spec))
        return None

    def _tell_of(self, by: str, before: E, after: E) -> None:
        """Whoever keeps something by the names of targets hears of it."""
        view, telemetry = after.view, self._child("telemetry")
        self._child("capability").tell(TargetsChanged())
        self._child("limits").tell(BoundsChanged(at=self.ports.wall.now()))
        telemetry.tell(ConfigLoaded(version=view.version, source=view.source, by=by, pending=view.pending))
        for name in _moves(before.unit_of, after.unit_of).changed:
            telemetry.tell(ProviderReplaced(provider=name, states=_states(after, name)))

    async def _sweep_up(self, users: tuple[Job, ...]) -> None:
        edition = self._published.value
        wanted = {PROVIDERS: _unit_specs(edition), GROUPS: _group_specs(edition)}
        stray = {place: await self._strays(place, specs) for place, specs in wanted.items()}
        await self._let_leave(Leaving(units=stray[PROVIDERS], groups=stray[GROUPS]), users)

    async def _strays(self, place: str, wanted: dict[str, ChildSpec]) -> tuple[str, ...]:
        children = await self._asked(place, WhichChildren())
        if not isinstance(children, tuple):
            return ()
        names = [child.name for child in children if isinstance(child, ChildInfo)]
        return tuple(name for name in names if name not in wanted)

    async def _let_leave(self, leaving: Leaving, users: tuple[Job, ...]) -> None:
        """Once these exchanges, and the attempts they leave behind, have ended, nobody can use these parts."""
        await self._restore()
        for job in users:
            await job.wait()
        for job in leaving.attempts():
            await job.wait()
        for place, names in ((GROUPS, leaving.groups), (PROVIDERS, leaving.units)):
            for name in names:
                await self._asked(place, StopChild(name))
        self._tell_gone(leaving.serves)
        # Once the ledger answers it has priced what it was told before; as long as it does not, no price is forgotten.
        booked = await self._asked("ledger", ReadCosts()) is not None
        if booked and sum(job.name == LEAVING for job in self.tasks.jobs) == 1:
            self._press.settle()

    async def _restore(self) -> None:
        """Start what the edition in force lacks: a supervisor that crashed during the change began with the old one."""
        edition = self._published.value
        for place, specs in ((PROVIDERS, _unit_specs(edition)), (GROUPS, _group_specs(edition))):
            children = await self._asked(place, WhichChildren())
            there = {child.name for child in children} if isinstance(children, tuple) else set(specs)
            for name, spec in specs.items():
                if name not in there:
                    await self._asked(place, StartChild(spec))

    def _tell_gone(self, providers: tuple[str, ...]) -> None:
        """What is kept by a provider's name goes, unless another one has the name; of that one alone it tells then."""
        edition, telemetry = self._published.value, self._child("telemetry")
        for name in providers:
            if name in edition.providers:
                telemetry.tell(ProviderReplaced(provider=name, states=_states(edition, name)))
                continue
            for ref in (telemetry, self._child("retry")):
                ref.tell(ProviderRemoved(provider=name))

    def _child(self, name: str) -> Ref:
        return self.system.ref(path(name))

    async def _asked(self, place: str, message: object) -> object:
        """What a supervisor answers; None from one that cannot."""
        try:
            return await self._child(place).ask(message, timeout_s=START_S)
        except (ActorDead, AskTimeout, MailboxFull):
            return None


def _unit_specs(edition: Edition) -> dict[str, ChildSpec]:
    specs = (unit_spec(unit) for unit in edition.units.values())
    return {spec.name: spec for spec in specs}


def _group_specs(edition: Edition) -> dict[str, ChildSpec]:
    specs = (group_spec(name, start) for name, start in edition.groups.items())
    return {spec.name: spec for spec in specs}


def _fresh(before: Edition, after: Edition) -> Iterator[tuple[str, ChildSpec]]:
    """What only the later edition has, units first: a group plans for units that run."""
    yield from ((PROVIDERS, unit_spec(unit)) for name, unit in after.units.items() if name not in before.units)
    yield from ((GROUPS, group_spec(name, start)) for name, start in after.groups.items() if name not in before.groups)


def _left(before: Edition, after: Edition) -> Leaving:
    """What only the earlier edition has."""
    units = tuple(unit for name, unit in before.units.items() if name not in after.units)
    return Leaving(
        units=tuple(unit_spec(unit).name for unit in units),
        groups=tuple(group_spec(name, make).name for name, make in before.groups.items() if name not in after.groups),
        serves=tuple(unit.serves for unit in units),
        attempts=lambda: tuple(job for unit in units for job in unit.attempts()),
    )


def _moves(before: Mapping[str, str], after: Mapping[str, str]) -> Moves:
    return Moves(
        added=tuple(name for name in after if name not in before),
        changed=tuple(name for name, child in after.items() if before.get(name, child) != child),
        removed=tuple(name for name in before if name not in after),
    )


def _states(edition: Edition, provider: str) -> dict[str, str]:
    """How its breakers are now, by model, where one has ever moved."""
    return {model: state.state for model, state in edition.providers[provider].breakers.value.items()}
