"""Worlds whose configuration becomes another one, again and again, and what must hold of these."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from msgspec import Raw
from msgspec.json import encode

from actors.messages import ChangeConfig, ReloadConfig
from actors.tree import path
from router.app import kind_rules
from router.canon.outcome import End
from router.errors import Reason, Unavailable
from router.settings import Draft, Edit, Origin, Settings, load
from tests.simulation.kinds import OUR_DOING, SWAPS
from tests.simulation.plan import draw_provider
from tests.simulation.saving import draw_course

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST_SWAPS = 12
"""In one world."""

Tree = dict[str, Any]
Change = Callable[[Tree, Random, "dict[str, str]"], None]
CHANGES: dict[str, Change] = {}
"""By name: each makes another configuration of the one it is given, or leaves it where there is nothing to change."""

_RULES = kind_rules()
_OURS = frozenset({Reason.INTERNAL, Reason.PART_DOWN, Reason.CRASHED, Reason.SHUTTING_DOWN})


class Source(Origin):
    """A configuration that is kept in memory. `tree` is what is written, `drafted` what was read last, `trees` by
    version all that ever were; with `refuses` nothing can be written.

    Args:
        placed: makes of what is written what is read: where providers are to be found is nobody's to change.
    """

    def __init__(self, tree: Tree, placed: Callable[[Tree], Tree] = lambda tree: tree) -> None:
        super().__init__(tree, {}, _RULES, changes=True)
        self._placed = placed
        self.tree = self.drafted = tree
        self.trees: dict[str, Tree] = {}
        self.refuses = False

    def read(self) -> Settings:
        """As the real one says."""
        return self._settings(self.tree)

    def draft(self, edit: Edit) -> Draft:
        """As the real one says, of edits that give a whole entry or remove one."""
        after = deepcopy(self.tree)
        after[edit.section].pop(edit.name, None)
        if edit.how == "put":
            after[edit.section][edit.name] = edit.keys
        return Draft(settings=self._settings(after), keep=partial(self._keep, after))

    def _settings(self, tree: Tree) -> Settings:
        settings = load(self._placed(tree), {}, _RULES)
        self.trees[settings.version], self.drafted = tree, tree
        return settings

    def _keep(self, tree: Tree, _now: float) -> None:
        if self.refuses:
            raise OSError(errno.ENOSPC, "no room on purpose")
        self.tree = tree


def change(make: Change) -> Change:
    """Enter a change under its function's name."""
    CHANGES[make.__name__] = make
    return make


@change
def provider_changed(tree: Tree, chance: Random, dialects: dict[str, str]) -> None:
    """Other limits, clocks, keys and models of one that stays."""
    name = chance.choice(sorted(tree["providers"]))
    tree["providers"][name] = draw_provider(chance, dialects[name])


@change
def provider_added(tree: Tree, chance: Random, dialects: dict[str, str]) -> None:
    """One that left, or that never was there, behind the others and in a group of its own."""
    names = sorted(dialects.keys() - tree["providers"].keys())
    if names:
        name = chance.choice(names)
        tree["providers"][name] = draw_provider(chance, dialects[name])
        tree["failover_groups"][f"only-{name}"] = {"targets": [f"{name}:m"]}
        if "chat" in tree["failover_groups"]:
            tree["failover_groups"]["chat"]["targets"].append(f"{name}:m")


@change
def provider_removed(tree: Tree, chance: Random, _dialects: dict[str, str]) -> None:
    """One leaves all groups; those that had no other go with it."""
    name = chance.choice(sorted(tree["providers"]))
    if len(tree["providers"]) > 1:
        del tree["providers"][name]
        for group in tree["failover_groups"].values():
            group["targets"] = [target for target in group["targets"] if not target.startswith(f"{name}:")]
        tree["failover_groups"] = {name: group for name, group in tree["failover_groups"].items() if group["targets"]}


@change
def group_changed(tree: Tree, chance: Random, _dialects: dict[str, str]) -> None:
    """Other targets, in another order and manner; or a group that is new."""
    names = sorted(tree["providers"])
    targets = [f"{name}:m" for name in chance.sample(names, chance.randint(1, len(names)))]
    tree["failover_groups"][chance.choice(("chat", "chat", "turns", "lone", "shared", "late"))] = {
        "targets": targets,
        "max_attempts": chance.randint(1, 6),
        "strategy": chance.choice(("priority", "round_robin", "load_balanced", "cheapest")),
        **draw_course(chance),
    }


@change
def group_removed(tree: Tree, chance: Random, _dialects: dict[str, str]) -> None:
    """Whoever asks for it from now on asks in vain."""
    if tree["failover_groups"]:
        del tree["failover_groups"][chance.choice(sorted(tree["failover_groups"]))]


@change
def rules_changed(tree: Tree, chance: Random, _dialects: dict[str, str]) -> None:
    """What holds for all providers, so that each has other actors; and how long an exchange may last."""
    tree["breaker"] = {**tree["breaker"], "recovery_timeout_s": chance.choice((2.0, 10.0, 30.0))}
    tree["server"] = {**tree["server"], "deadline_s": chance.choice((5.0, 40.0, 300.0))}


@change
def mistake(tree: Tree, _chance: Random, _dialects: dict[str, str]) -> None:
    """One that no router may take."""
    tree["failover_groups"]["chat"] = {"targets": ["nobody:m"]}


async def swap_configurations(world: World, chance: Random, force: float) -> None:
    """Another configuration, by a file that is read again or by an edit; now and then one that cannot be taken, or not
    be kept."""
    dialects = {**world.plan.dialects, **world.plan.spares}
    # While calls come, not while the last of them are waited for: one costs as much as three exchanges.
    gap_s = (1.05 - force) * min(10.0, world.plan.faulty_s / 4)
    for number in range(1, MOST_SWAPS + 1):
        await asyncio.sleep(chance.expovariate(1.0) * gap_s)
        kind, own = chance.choice(tuple(CHANGES)), world.schedule.chance(f"{SWAPS} {number}")
        if not world.admits(SWAPS, number, kind):
            continue
        source = world.source
        before, after = source.tree, deepcopy(source.tree)
        CHANGES[kind](after, own, dialects)
        edit, source.refuses = _edit(before, after), own.random() < 0.2
        if edit is None or own.random() < 0.5:
            source.tree, edit = after, ReloadConfig(by="world")
        try:
            answer: object = await world.assembly.desk.configure(edit)
        except Unavailable as error:
            answer = error
        if kind == mistake.__name__:
            source.tree = before
        world.story.note("swapped", kind, type(answer).__name__)


def _edit(before: Tree, after: Tree) -> ChangeConfig | ReloadConfig | None:
    """The one entry in which two configurations differ; None where that is not all."""
    edits = [
        ChangeConfig(
            section=section,
            name=name,
            how="put" if name in after[section] else "remove",
            keys=Raw(encode(after[section][name])) if name in after[section] else None,
            expected=None,
            by="world",
        )
        for section in ("providers", "failover_groups")
        for name in sorted(before[section].keys() | after[section].keys())
        if before[section].get(name) != after[section].get(name)
    ]
    rest = all(before[section] == after[section] for section in ("breaker", "server"))
    return edits[0] if len(edits) == 1 and rest else None


def exchanges_keep_their_configuration(world: World) -> Iterator[str]:
    """Whoever is asked stands behind the name that the caller gave, and is asked as is configured, under the
    configuration that was in force when the caller came; a later one changes nothing for it."""
    came = {heard.exchange: heard for heard in world.story.heard if heard.config}
    for fact in world.story.opened:
        heard = came.get(fact.exchange)
        targets = _targets(world.source.trees[heard.config], heard.model) if heard is not None else ()
        if heard is not None and f"{fact.provider}:{fact.model}" not in targets:
            yield f"{fact.attempt} asked {fact.provider}:{fact.model}, {heard.model} was {targets}"
    for told in world.story.told:
        heard = came.get(told.exchange)
        keys = world.source.trees[heard.config]["providers"][told.provider] if heard is not None else told.keys
        if told.keys != keys:
            yield f"{told.exchange} asked {told.provider} as {told.keys}, it was {keys}"


def _targets(tree: Tree, name: str) -> list[str]:
    group = tree["failover_groups"].get(name)
    if group is not None:
        targets: list[str] = group["targets"]
        return targets
    all_of = [f"{provider}:{model['name']}" for provider, keys in tree["providers"].items() for model in keys["models"]]
    return [target for target in all_of if name in ("auto", target, target.partition(":")[2])]


def a_swap_ends_nothing(world: World) -> Iterator[str]:
    """Where nothing crashes or is stopped, no exchange and no attempt ends for a reason of ours: what leaves the
    configuration stays until the last who needs it."""
    if OUR_DOING & set(world.schedule.kinds):
        return
    for closed in world.story.closed:
        if closed.end in (End.CRASHED, End.STOPPED):
            yield f"{closed.attempt} ended {closed.end} ({closed.reason})"
    for ended in world.story.ended:
        if ended.reason in _OURS:
            yield f"{ended.exchange} ended of {ended.reason}"


def only_the_edition_is_left(world: World) -> Iterator[str]:
    """At rest there are the units and groups of the configuration in force, and no others."""
    edition = world.assembly._edition.value
    for place, names in (("providers", edition.unit_of), ("groups", edition.group_of)):
        wanted = {path(place, name) for name in names.values()}
        there = {child.ref.name for child in world.children if child.ref.name.startswith(path(place, ""))}
        there = {name for name in there if name.count("/") == 2}
        if wanted != there:
            yield f"{sorted(there - wanted)} run for nobody, {sorted(wanted - there)} are missing"
