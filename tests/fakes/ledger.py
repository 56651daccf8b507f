"""A ledger alone in a tree, told of attempts whose price is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from msgspec import Struct

from actors.accesses import Accesses
from actors.books import Books
from actors.ledger import Ledger
from actors.messages import (
    CostView,
    EntriesPage,
    EntryClosed,
    EntryOpened,
    ReadEntries,
)
from actors.runtime import (
    ActorSystem,
    ChildSpec,
    Ref,
    Snapshot,
    SupervisorSpec,
    run_virtual,
    virtual_ports,
)
from actors.vault import Vault
from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import Reason
from router.policy.price import Override, PriceBook, Rates
from router.policy.pricelist import PriceList
from router.store.journal import EntryRow, Query

RATES = Rates(input_per_mtok=Decimal(3), output_per_mtok=Decimal(15))
BOOK = PriceBook({}, (Override(provider="main", model="large", rates=RATES),), listed=PriceList())
USAGE = Usage(input=900, output=40)
COST = Decimal(3) * 900 / 1_000_000 + Decimal(15) * 40 / 1_000_000
SUM_S = 60.0

Scene = Callable[[], Coroutine[Any, Any, None]]


class Rig(Struct):
    """A running ledger and what it was given."""

    system: ActorSystem
    ref: Ref
    books: Books
    accesses: Accesses

    @property
    def view(self) -> CostView:
        """What the books say."""
        return self.books.view()

    def attempt(self, name: str, *, usage: Usage | None = USAGE, model: str = "large") -> None:
        """Tell both facts of one attempt."""
        self.ref.tell(opened(name))
        self.ref.tell(closed(name, usage=usage, model=model))

    async def entries(self) -> tuple[EntryRow, ...]:
        """All of them, oldest first."""
        page = await self.ref.ask(ReadEntries(query=Query(limit=1000)))
        assert isinstance(page, EntriesPage)
        return page.rows[::-1]


@asynccontextmanager
async def running(
    vault: Vault, *, books: Books | None = None, beside: tuple[ChildSpec, ...] = ()
) -> AsyncIterator[Rig]:
    """A system whose only actor, but for those `beside` it, is a ledger; stopped in order at the end."""
    books = books or Books()

    def start() -> Ledger:
        return Ledger(
            vault=vault,
            books=books,
            prices=Snapshot(BOOK),
            accesses=accesses,
        )

    ports = virtual_ports()
    accesses = Accesses(each=lambda: False, sum_s=lambda: SUM_S, ports=ports)
    system = ActorSystem(ports, on_report=lambda _report: None)
    await system.start(SupervisorSpec(children=(ChildSpec(name="ledger", start=start, finishes=True), *beside)))
    try:
        yield Rig(system, system.ref("root/ledger"), books, accesses)
    finally:
        await system.stop()


def virtual(scene: Scene) -> Callable[[], None]:
    """Run a scene in virtual time."""

    def run() -> None:
        run_virtual(scene())

    run.__doc__, run.__name__ = scene.__doc__, scene.__name__
    return run


def opened(attempt: str, number: int = 1) -> EntryOpened:
    """An attempt goes out."""
    return EntryOpened(attempt=attempt, exchange="ex", number=number, provider="main", model="large", at=100.0)


def closed(attempt: str, *, usage: Usage | None = USAGE, model: str = "large", end: End = End.COMPLETED) -> EntryClosed:
    """An attempt ended."""
    return EntryClosed(
        attempt=attempt,
        exchange="ex",
        provider="main",
        model=model,
        end=end,
        reason=None if end is End.COMPLETED else Reason.CUT_STREAM,
        usage=usage,
        usage_source=UsageSource.FINAL if usage else UsageSource.NONE,
        at=101.0,
    )


def row(attempt: str) -> EntryRow:
    """What a priced attempt of these becomes."""
    return EntryRow(
        attempt=attempt,
        exchange="ex",
        provider="main",
        model="large",
        number=1,
        opened_at=100.0,
        closed_at=101.0,
        end=End.COMPLETED,
        usage=USAGE,
        usage_source=UsageSource.FINAL,
        cost_usd=COST,
        cost_source=CostSource.PRICED,
        priced_usd=COST,
        price_id="configured main:large",
        writer="here",
        credential="default",
    )
