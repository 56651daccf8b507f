"""An actor that writes down what happens to it, and a tree of them in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from actors.runtime import (
    Actor,
    ActorSystem,
    ChildSpec,
    Crashed,
    Down,
    Exit,
    Normal,
    Report,
    Shutdown,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)

T = TypeVar("T")


def reason_name(reason: Exit) -> str:
    """`normal`, `shutdown`, `killed`, `crashed`, `noproc`: what a trace shows of a reason."""
    return type(reason).__name__.lower()


class Boom(Exception):
    """The crash that tests ask for."""


class Book:
    """What happened in one test, in order, and the plan of which starts are to fail."""

    def __init__(self) -> None:
        self.trace: list[str] = []
        self.reports: list[Report] = []
        self.starts: dict[str, int] = {}
        self.failing: dict[str, range] = {}

    def take(self) -> list[str]:
        """The trace since the last call."""
        trace, self.trace = self.trace, []
        return trace

    def contexts(self) -> list[tuple[str, str]]:
        """Reports as (context, last part of the offender's path)."""
        return [(report.context.value, report.offender.rpartition("/")[2]) for report in self.reports]


class Recorder(Actor):
    """Ends as it is told; writes `+name`, `-name:reason` and downs. State: none but the book, which is the test's."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self.book = book
        self.downs: list[Down] = []

    async def on_start(self) -> None:
        """Fail when the book says so."""
        label = self.name.rpartition("/")[2]
        number = self.book.starts[label] = self.book.starts.get(label, 0) + 1
        if number in self.book.failing.get(label, ()):
            self.book.trace.append(f"!{label}")
            raise Boom(label)
        self.book.trace.append(f"+{label}")

    def on_receive(self, message: Any) -> Any:
        """Callables are run with this actor; an exit is taken; `crash` crashes; the rest is echoed."""
        if message == "crash":
            raise Boom(self.name)
        if callable(message):
            return message(self)
        return message

    async def on_stop(self, reason: Exit) -> None:
        """Write down the end."""
        self.book.trace.append(f"-{self.name.rpartition('/')[2]}:{reason_name(reason)}")

    def on_down(self, down: Down) -> None:
        """Write down whose end was told."""
        self.downs.append(down)
        self.book.trace.append(f"down {down.target.name.rpartition('/')[2]}:{reason_name(down.reason)}")


def recorder(name: str, book: Book, **options: Any) -> ChildSpec:
    """A spec of a recorder."""
    return ChildSpec(name=name, start=partial(Recorder, book), **options)


class Scene:
    """A system, its book, and its root's children by their last name."""

    def __init__(self, system: ActorSystem, book: Book) -> None:
        self.system = system
        self.book = book

    def ref(self, path: str) -> Any:
        """The ref of a path below the root."""
        return self.system.ref(f"root/{path}")

    async def end(self, path: str, how: str) -> None:
        """Have a recorder end `normal`, `shutdown`, or by `crash`."""
        reasons: dict[str, Exit] = {"normal": Normal(), "shutdown": Shutdown()}
        self.ref(path).tell("crash" if how == "crash" else lambda actor: actor.stop(reasons[how]))


def play(
    make: Callable[[Book], SupervisorSpec],
    act: Callable[[Scene], Awaitable[T]],
    *,
    seed: int = 0,
    shuffle: bool = False,
) -> T:
    """Start a tree in virtual time, act, stop it. The book has everything that went wrong in `reports`."""

    async def main() -> T:
        book = Book()
        system = ActorSystem(virtual_ports(), on_report=book.reports.append)
        await system.start(make(book))
        try:
            return await act(Scene(system, book))
        finally:
            await system.stop()

    return run_virtual(main(), seed=seed, shuffle=shuffle)


def crash_of(reason: Exit) -> str | None:
    """Class name of the error of a crash; None for other ends."""
    return type(reason.error).__name__ if isinstance(reason, Crashed) else None
