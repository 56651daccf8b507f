"""The shape of a tree as data: who is started, how it is brought back, how long it may take to stop."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

from actors.runtime.exits import Exit, is_abnormal
from actors.runtime.intensity import Backoff, Intensity

if TYPE_CHECKING:
    from actors.runtime.actor import Actor


class Restart(StrEnum):
    """When a child that ended is brought back: always; after an abnormal end; never."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Strategy(StrEnum):
    """Who else is stopped and started again when a child is brought back: nobody; everybody; those started after it."""

    ONE_FOR_ONE = "one_for_one"
    ONE_FOR_ALL = "one_for_all"
    REST_FOR_ONE = "rest_for_one"


class AutoShutdown(StrEnum):
    """Whether the end of significant children ends their supervisor."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class ChildSpec(Struct, frozen=True):
    """One child.

    Args:
        name: last part of its path; unique under its supervisor.
        start: makes a new actor for each incarnation: a class, or a function that closes over what it needs.
        shutdown_s: how long it may take to stop before it is cancelled; None for ever, 0 kills it at once.
            Unset: 5 s for an actor, for ever for a supervisor, whose children have limits of their own.
        significant: its end counts for the supervisor's `auto_shutdown`.
        backoff: wait before restarts; these are then not counted against the supervisor's intensity. None: at once.
        finishes: what it was told must not be lost: where it has crashed when its supervisor stops, it is started once
            more in its turn, to stop in order.
    """

    name: str
    start: Callable[[], Actor]
    restart: Restart = Restart.PERMANENT
    shutdown_s: float | UnsetType | None = UNSET
    significant: bool = False
    backoff: Backoff | None = None
    finishes: bool = False

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"a child's name is one part of a path: {self.name!r}")
        if self.significant and self.restart is Restart.PERMANENT:
            raise ValueError(f"{self.name}: a permanent child always comes back, so its end cannot be significant")
        if self.finishes and self.restart is not Restart.PERMANENT:
            raise ValueError(f"{self.name}: one that need not come back need not finish")


class SupervisorSpec(Struct, frozen=True):
    """A supervisor and its children, in the order they start; they stop in reverse."""

    children: tuple[ChildSpec, ...] = ()
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: Intensity = Intensity()
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER

    def __post_init__(self) -> None:
        names = [child.name for child in self.children]
        if len(set(names)) < len(names):
            raise ValueError(f"two children have one name: {names}")
        for child in self.children:
            if child.significant and self.auto_shutdown is AutoShutdown.NEVER:
                raise ValueError(f"{child.name}: nothing heeds a significant child under auto_shutdown=never")


def comes_back(restart: Restart, reason: Exit) -> bool:
    """Whether a child that ended by itself is started again. Source: stdlib/supervisor.erl, do_restart/3."""
    match restart:
        case Restart.PERMANENT:
            return True
        case Restart.TRANSIENT:
            return is_abnormal(reason)
        case Restart.TEMPORARY:
            return False
