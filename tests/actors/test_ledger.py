"""The ledger: nothing lost, nothing doubled, nothing guessed, whatever the disk does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger import pricer
from actors.messages import (
    ACCESS,
    AccountBusy,
    AdminActed,
    CostView,
    EntriesPage,
    EraseUser,
    ReadCosts,
    ReadEntries,
    ReadTotals,
    TotalsPage,
)
from actors.runtime import (
    Actor,
    ChildSpec,
    Exit,
    Snapshot,
    StartFailed,
    run_virtual,
    system_ports,
)
from actors.vault import Vault
from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.target import Target
from router.canon.usage import Usage
from router.errors import Reason
from router.store.disk import DiskJournal
from router.store.journal import EntryRow, JournalError, JournalUnusable, Query
from router.store.sqlite import sqlite_store
from router.store.worker import ThreadWorker
from tests.fakes.entries import spoken, transcribed
from tests.fakes.journal import MemoryVault
from tests.fakes.ledger import BOOK, COST, USAGE, Rig, closed, opened, row, running, virtual

FULL = JournalError("the journal j.db refuses: database or disk is full")


@virtual
async def test_an_attempt_becomes_one_priced_row() -> None:
    """Both facts, one row, one write, a group's wait after the first."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.attempt("a")
        await asyncio.sleep(0.04)
        assert account.journal.batches == []
        await asyncio.sleep(0.02)
        assert account.journal.batches == [(row("a"),)]
        assert rig.books.pending == {}


@virtual
async def test_a_full_group_does_not_wait() -> None:
    """Two hundred entries go at once, no write is larger, and what comes meanwhile makes the next group."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        for number in range(500):
            rig.attempt(f"a{number}")
        await asyncio.sleep(0.01)
        assert len(account.rows) >= 400
        await asyncio.sleep(0.06)
        assert len(account.rows) == 500
        assert max(len(batch) for batch in account.journal.batches) == 200
        assert len(account.journal.batches) <= 6


@virtual
async def test_an_entry_that_stays_open_is_written_open() -> None:
    """The evidence of an attempt does not wait for its end."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.ref.tell(opened("a"))
        await asyncio.sleep(0.1)
        assert account.rows["a"].closed_at is None
        rig.ref.tell(closed("a"))
        await asyncio.sleep(1.0)
        assert account.rows["a"] == replace(row("a"), seq=1)


@virtual
async def test_a_disk_that_refuses_for_a_minute_loses_and_doubles_nothing() -> None:
    """Scenario 56: entries wait in order, the view says degraded and then no longer."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        account.journal.refusal = FULL
        for number in range(600):
            rig.attempt(f"a{number}")
            await asyncio.sleep(0.1)
        view = rig.view
        assert view.degraded
        assert view.why == str(FULL)
        assert (view.pending, view.lost) == (600, 0)
        assert view.failed_writes > 5
        account.journal.refusal = None
        await asyncio.sleep(6.0)
        assert list(account.rows) == [f"a{number}" for number in range(600)]
        assert sum(len(batch) for batch in account.journal.batches) == 600
        view = rig.view
        assert (view.degraded, view.why, view.pending) == (False, None, 0)
        assert view.overall.cost_usd == COST * 600


@virtual
async def test_a_stop_writes_what_was_told_before_it() -> None:
    """Scenario 56: a stop overtakes messages, yet what was used is accounted for."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        for number in range(300):
            rig.attempt(f"a{number}")
    assert len(account.rows) == 300
    assert all(found.cost_usd == COST for found in account.rows.values())
    assert not account.journal.is_open


@virtual
async def test_a_stop_tries_a_refusing_disk_once_more() -> None:
    """A lock that another process gives up in that moment is not a loss."""
    account = MemoryVault()

    async def relent() -> None:
        await asyncio.sleep(0.1)
        account.journal.refusal = None

    async with running(account.vault()) as rig, asyncio.TaskGroup() as group:
        rig.attempt("a")
        account.journal.refusal = FULL
        group.create_task(relent())
        await rig.system.stop()
    assert list(account.rows) == ["a"]


@virtual
async def test_a_crash_while_writing_loses_and_doubles_nothing() -> None:
    """The batch was kept by the journal, and the ledger never learned it; the next incarnation writes it again."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.attempt("a")
        account.journal.bug = ValueError("a bug")
        await asyncio.sleep(0.1)
        assert rig.ref.incarnation == 2
        rig.attempt("b")
        await asyncio.sleep(1.0)
        assert list(account.rows.values()) == [replace(row("a"), seq=1), replace(row("b"), seq=2)]
        assert rig.view.overall.entries == 2
        assert account.store.totals()[0].cost_usd == rig.view.overall.cost_usd == COST * 2


@virtual
async def test_what_an_earlier_run_left_open_is_closed_as_crashed() -> None:
    """Scenario 55: once, counted, at no cost that anybody knows."""
    account = MemoryVault(row("before"), EntryRow(attempt="left", exchange="ex", provider="main", model="large"))
    async with running(account.vault()) as rig:
        view = rig.view
        assert view.crashed == 1
        assert view.complete
        assert (view.overall.entries, view.overall.uncounted, view.overall.cost_usd) == (2, 1, COST)
        left = account.rows["left"]
        assert (left.end, left.reason, left.cost_usd) == (End.CRASHED, Reason.CRASHED, None)
        assert left.cost_source is CostSource.UNCOUNTED


@virtual
async def test_a_restarted_ledger_leaves_live_attempts_open() -> None:
    """Only the start of a process may conclude that what is open has crashed."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.ref.tell(opened("live"))
        account.journal.bug = ValueError("a bug")
        await asyncio.sleep(0.1)
        assert rig.ref.incarnation == 2
        assert account.rows["live"].closed_at is None
        rig.ref.tell(closed("live"))
        await asyncio.sleep(0.1)
        assert account.rows["live"].end is End.COMPLETED


@virtual
async def test_an_unusable_journal_fails_the_start() -> None:
    """The operator is told at once, by the journal's own words."""
    account = MemoryVault()
    account.journal.refusal = JournalUnusable("the journal j.db is damaged")
    with pytest.raises(StartFailed) as caught:
        async with running(account.vault()):
            pass
    assert "j.db is damaged" in str(caught.value) or "j.db is damaged" in str(caught.value.__cause__)


@virtual
async def test_a_journal_that_becomes_unusable_does_not_stop_a_running_router() -> None:
    """Answers go on; the view says what is wrong."""
    account = MemoryVault()
    account.journal.refusal = FULL
    async with running(account.vault()) as rig:
        account.journal.refusal = JournalUnusable("the journal j.db is damaged")
        rig.ref.tell("a message it does not take")
        rig.attempt("a")
        await asyncio.sleep(10.0)
        assert (rig.ref.alive, rig.ref.incarnation) == (True, 2)
        assert rig.view.why == "the journal j.db is damaged"
        assert rig.view.overall.cost_usd == COST
        account.journal.refusal = None
    assert list(account.rows) == ["a"]


@pytest.mark.shows(89)
@virtual
async def test_a_journal_that_cannot_be_opened_yet_degrades_the_start() -> None:
    """Entries wait, and what earlier runs wrote joins the sums when it can be read."""
    account = MemoryVault(row("before"))
    account.journal.refusal = JournalError("the journal j.db refuses: read-only file system")
    async with running(account.vault()) as rig:
        assert rig.view.degraded
        rig.attempt("a")
        await asyncio.sleep(1.0)
        assert not rig.view.complete
        assert rig.view.overall.entries == 1
        account.journal.refusal = None
        await asyncio.sleep(6.0)
        view = rig.view
        assert (view.complete, view.degraded, view.overall.entries) == (True, False, 2)
        assert list(account.rows) == ["before", "a"]


@virtual
async def test_a_disk_that_hangs_holds_up_nobody() -> None:
    """The start goes on after two seconds, facts are taken, and when the disk comes back all is settled, once."""
    left = EntryRow(attempt="left", exchange="ex", provider="main", model="large")
    account = MemoryVault(row("before"), left)
    account.journal_worker.shut()
    loop = asyncio.get_running_loop()
    async with running(account.vault()) as rig, asyncio.TaskGroup() as group:
        assert loop.time() == pytest.approx(2.0)
        rig.attempt("a")
        view = await rig.ref.ask(ReadCosts())
        assert (view.degraded, view.overall.cost_usd) == (True, COST)
        page = group.create_task(rig.ref.ask(ReadEntries(), timeout_s=20.0))
        await asyncio.sleep(5.0)
        account.journal_worker.release()
        await asyncio.sleep(6.0)
        assert list(account.rows) == ["before", "left", "a"]
        assert len((await page).rows) == 3
        view = rig.view
        assert (view.degraded, view.overall.entries, view.crashed) == (False, 3, 1)


@virtual
async def test_an_end_that_comes_while_its_opening_is_being_written_is_kept() -> None:
    """The row that the write took along is no longer the row that waits."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.ref.tell(opened("a"))
        account.journal_worker.shut()
        await asyncio.sleep(0.1)
        rig.ref.tell(closed("a"))
        await asyncio.sleep(0.01)
        account.journal_worker.release()
        await asyncio.sleep(1.0)
        assert account.rows["a"] == replace(row("a"), seq=1)


@virtual
async def test_a_page_holds_every_fact_told_before_it() -> None:
    """Nobody has to wait for the next group to see what just happened."""
    async with running(MemoryVault().vault()) as rig:
        rig.attempt("a")
        assert await rig.entries() == (replace(row("a"), seq=1),)
        page = await rig.ref.ask(ReadEntries(query=Query(provider="spare")))
        assert page == EntriesPage(rows=(), complete=True)


@virtual
async def test_a_page_from_memory_says_that_it_is_one() -> None:
    """While the journal refuses, what waits is shown and called incomplete."""
    account = MemoryVault(row("before"))
    async with running(account.vault()) as rig:
        account.journal.refusal = FULL
        rig.attempt("a")
        rig.attempt("b")
        page = await rig.ref.ask(ReadEntries(query=Query(limit=1)))
        assert page == EntriesPage(rows=(row("b"),), complete=False)
        totals = await rig.ref.ask(ReadTotals(since_at=0.0))
        assert isinstance(totals, TotalsPage)
        assert not totals.complete
        assert totals.totals[0].entries == 2
        account.journal.refusal = None


@virtual
async def test_sums_can_begin_at_a_moment() -> None:
    """For a day or a month."""
    async with running(MemoryVault(replace(row("before"), closed_at=50.0)).vault()) as rig:
        rig.attempt("a")
        since = await rig.ref.ask(ReadTotals(since_at=60.0))
        assert since.complete
        assert since.totals[0].entries == 1


@virtual
async def test_an_unpriced_model_is_flagged() -> None:
    """Scenario 51: tokens are counted, the cost is null, the view says how many such entries there are."""
    async with running(MemoryVault().vault()) as rig:
        rig.attempt("a", model="unheard-of")
        rig.attempt("b", usage=None)
        rig.attempt("c", usage=Usage())
        rig.attempt("d", usage=Usage(input=10**20))
        unpriced, uncounted, zero, absurd = await rig.entries()
        assert (unpriced.cost_usd, unpriced.cost_source, unpriced.usage) == (None, CostSource.UNPRICED, USAGE)
        assert (uncounted.cost_usd, uncounted.cost_source) == (None, CostSource.UNCOUNTED)
        assert (zero.cost_usd, zero.cost_source) == (Decimal(0), CostSource.PRICED)
        assert (absurd.usage, absurd.usage_source) == (None, UsageSource.NONE)
        total = rig.view.providers["main"]
        assert (total.entries, total.unpriced, total.uncounted, total.input_tokens) == (4, 1, 2, 900)


@virtual
async def test_two_attempts_of_one_exchange_are_two_rows() -> None:
    """Scenario 50: each is billed for what it used, and the sum is both."""
    async with running(MemoryVault().vault()) as rig:
        rig.ref.tell(opened("ex.1"))
        rig.ref.tell(closed("ex.1", usage=Usage(input=900, output=3), end=End.CUT))
        rig.ref.tell(opened("ex.2", number=2))
        rig.ref.tell(closed("ex.2"))
        first, second = await rig.entries()
        assert (first.end, second.end, second.number) == (End.CUT, End.COMPLETED, 2)
        assert first.cost_usd is not None
        assert rig.view.overall.cost_usd == first.cost_usd + COST


@virtual
async def test_a_store_that_is_down_costs_nothing_but_its_answers() -> None:
    """Scenario 56: entries stay in the journal, pages show them and say that they are not all; then all is there."""
    account = MemoryVault(row("before"))
    account.store.refusal = JournalError("the ledger at db refuses")
    async with running(account.vault()) as rig:
        rig.attempt("a")
        await asyncio.sleep(60.0)
        view = rig.view
        assert (view.degraded, view.why, view.complete, view.pending) == (True, "the ledger at db refuses", False, 0)
        page = await rig.ref.ask(ReadEntries())
        assert page == EntriesPage(rows=(row("a"),), complete=False)
        assert await rig.ref.ask(EraseUser(user="ann", actor="command")) == AccountBusy(why="the ledger at db refuses")
        account.store.refusal = None
        await asyncio.sleep(12.0)
        view = rig.view
        assert (view.degraded, view.complete, view.overall.entries) == (False, True, 2)
        assert list(account.store.rows) == ["before", "a"]


@virtual
async def test_a_store_that_hangs_holds_up_no_entry_and_no_stop() -> None:
    """Scenario 88: the journal has a thread of its own; the next start carries what this one could not."""
    account = MemoryVault()
    loop = asyncio.get_running_loop()
    async with running(account.vault()) as rig:
        account.store_worker.shut()
        rig.attempt("a")
        await asyncio.sleep(1.0)
        assert rig.view.pending == 0
        began_s = loop.time()
        await rig.system.stop()
        assert loop.time() - began_s < 4.0
    assert account.store.rows == {}
    account.store_worker.release()
    async with running(account.vault()) as rig:
        assert rig.view.overall.entries == 1
        assert account.store.rows["a"].end is End.COMPLETED


@virtual
async def test_a_record_that_no_store_can_hold_holds_up_no_other() -> None:
    """It is told and counted; the rest of its batch is there."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        account.store.misfits = {"b"}
        for name in ("a", "b", "c"):
            rig.attempt(name)
        await asyncio.sleep(1.0)
        assert list(account.store.rows) == ["a", "c"]
        assert rig.view.lost == 1


@virtual
async def test_a_record_that_no_journal_can_hold_holds_up_no_other() -> None:
    """It is lost, and said to be."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.attempt("a")
        rig.ref.tell(spoken(transcribed("long", asked="long" * 2**18)))
        rig.attempt("b")
        await asyncio.sleep(1.0)
        assert list(account.rows) == ["a", "b"] and account.store.said == {}
        assert (rig.view.lost, rig.view.degraded, rig.ref.incarnation) == (1, False, 1)


class Drain(Actor):
    """What stops before the ledger: while it does, the ledger crashes and is told the rest."""

    def __init__(self, tell: Callable[[], object]) -> None:
        super().__init__()
        self._tell = tell

    async def on_stop(self, reason: Exit) -> None:
        """Drain for a while."""
        self._tell()
        await asyncio.sleep(5.0)


@virtual
async def test_a_ledger_that_crashes_while_the_tree_stops_loses_nothing() -> None:
    """What it had in memory and what it is told after its crash are written before the stop is over."""
    account = MemoryVault()
    rigs: list[Rig] = []

    def tell() -> None:
        rig = rigs[0]
        rig.attempt("before")
        rig.ref.tell(object())
        rig.attempt("after")

    async with running(account.vault(), beside=(ChildSpec(name="front", start=lambda: Drain(tell)),)) as rig:
        rigs.append(rig)
        rig.attempt("first")
    assert {name: found.end for name, found in account.rows.items()} == dict.fromkeys(
        ("first", "before", "after"), End.COMPLETED
    )
    assert (rigs[0].books.pending, rigs[0].view.overall.entries) == ({}, 3)


def test_memory_for_waiting_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is counted, and its cost is still in the sums of this run."""
    monkeypatch.setattr("actors.books.MOST_PENDING", 3)
    account = MemoryVault()

    async def scene() -> None:
        async with running(account.vault()) as rig:
            account.journal.refusal = FULL
            for number in range(5):
                rig.attempt(f"a{number}")
            view = await rig.ref.ask(ReadCosts())
            # each half of an entry without room is one loss
            assert (view.pending, view.lost, view.overall.entries) == (3, 4, 5)
            for act in (ACCESS, "config.loaded"):
                rig.ref.tell(AdminActed(at=1.0, by="file", act=act, subject="a", outcome="taken"))
            view = await rig.ref.ask(ReadCosts())
            assert (view.pending, view.lost) == (4, 5)
            account.journal.refusal = None
        assert list(account.rows) == ["a0", "a1", "a2"]

    run_virtual(scene())


def test_a_caller_is_told_the_ledgers_own_price() -> None:
    """The header of an answer and its entry cannot differ."""
    cost_usd = pricer(Snapshot(BOOK), system_ports().wall)
    assert cost_usd(Target(provider="main", model="large"), USAGE) == COST
    assert cost_usd(Target(provider="main", model="unheard-of"), USAGE) is None
    assert cost_usd(Target(provider="main", model="large"), Usage(input=-1)) is None


def real(folder: Path) -> Vault:
    """Files, and a thread for each."""
    return Vault(
        journal=DiskJournal(folder / "journal"),
        journal_worker=ThreadWorker("journal"),
        store=sqlite_store(folder / "j.db"),
        store_worker=ThreadWorker("ledger"),
        words_worker=ThreadWorker("words"),
    )


def test_a_real_file_has_it_all_after_a_stop(tmp_path: Path) -> None:
    """The ledger over SQLite and a thread, twice: the second run's sums begin with the first one's."""

    async def run(attempts: tuple[str, ...]) -> CostView:
        async with running(real(tmp_path)) as rig:
            for attempt in attempts:
                rig.attempt(attempt)
            view = await rig.ref.ask(ReadCosts())
            assert isinstance(view, CostView)
            return view

    asyncio.run(run(("a", "b")))
    view = asyncio.run(run(("c",)))
    assert (view.overall.entries, view.overall.cost_usd, view.complete) == (3, COST * 3, True)
