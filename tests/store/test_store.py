"""The store, on both databases: what it keeps, and that nothing is kept twice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.canon.cost import CostSource
from router.canon.outcome import End
from router.canon.usage import Usage
from router.store.journal import (
    ActQuery,
    AuditPlace,
    EntryRow,
    Erased,
    JournalError,
    ProviderTotal,
    Query,
    Store,
    total_of,
)
from router.store.postgres import postgres_store
from router.store.sqlite import sqlite_store
from tests.fakes.entries import USAGE, acts, closed, opened, transcribed
from tests.fakes.postgres import Database

pytestmark = pytest.mark.timeout(60)  # the first test that asks starts a database server

WHOLE = replace(
    closed("a"),
    number=1,
    opened_at=1000.25,
    writer="here",
    group="chat",
    operation="rerank",
    credential="spare",
    seq=1,
)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An open store without entries, once in a file and once in a database server."""
    if request.param == "sqlite":
        store: Store = sqlite_store(tmp_path / "ledger.sqlite")
    else:
        database: Database = request.getfixturevalue("database")
        database.migrate()
        store = postgres_store(database.url)
    store.open()
    yield store
    store.close()


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    """Every field survives, and both halves of an entry meet in one row."""
    store.put((opened("a"),))
    store.put((closed("a"),))
    assert store.entries(Query()) == (WHOLE,)


@pytest.mark.parametrize(
    "rows",
    [
        (opened("a"), closed("a"), opened("a"), closed("a")),
        (closed("a"), opened("a"), opened("a")),
        (opened("a"), closed("a"), replace(closed("a"), end=End.CRASHED, cost_usd=Decimal(9), usage=None)),
    ],
    ids=["both halves twice", "opened after closed", "closed differently later"],
)
def test_an_entry_is_closed_once_in_effect(store: Store, rows: tuple[EntryRow, ...]) -> None:
    """Replays, late openings and second closings change nothing, in one batch or over several."""
    expected = (WHOLE,)
    for row in rows:
        store.put((row,))
    assert store.entries(Query()) == expected
    store.put(rows)
    assert store.entries(Query()) == expected
    assert store.totals() == (total_of(closed("a")),)


def test_an_unknown_cost_stays_unknown(store: Store) -> None:
    """Null is not 0, for a cost and for a count of tokens."""
    unpriced = closed("a", cost_usd=None)
    uncounted = replace(closed("b", cost_usd=None), usage=None, cost_source=CostSource.UNCOUNTED, end=End.FAILED)
    zero = replace(closed("c", cost_usd=Decimal(0)), usage=Usage())
    store.put((unpriced, uncounted))
    assert [total.known_usd for total in store.totals()] == [None]
    store.put((zero,))
    assert [total.known_usd for total in store.totals()] == [0]
    rows = store.entries(Query())
    assert [(row.cost_usd, row.usage) for row in rows] == [(0, Usage()), (None, None), (None, USAGE)]
    (total,) = store.totals()
    assert (total.unpriced, total.uncounted, total.entries) == (1, 1, 3)


def test_an_answer_out_of_the_cache_is_no_attempt(store: Store) -> None:
    """It is counted by itself, and does not make the unknown cost of another known."""
    unpriced = closed("a", cost_usd=None)
    cached = replace(closed("b", cost_usd=Decimal(0)), usage=None, cost_source=CostSource.CACHED)
    store.put((unpriced, cached))
    assert store.totals() == (total_of(unpriced).plus(total_of(cached)),)
    (total,) = store.totals()
    assert (total.entries, total.cached, total.known_usd) == (1, 1, None)


def test_money_is_summed_without_a_rounding_error(store: Store) -> None:
    """Ten thousand times a dime and a pico-dollar is exactly that; so is a sum beyond 64 bits of pico-dollars."""
    dime = Decimal("0.100000000001")
    store.put(tuple(closed(f"a{number}", cost_usd=dime) for number in range(10_000)))
    large = Decimal("9000000.000000000001")
    store.put(tuple(closed(f"b{number}", "large", cost_usd=large) for number in range(3)))
    assert {total.provider: total.cost_usd for total in store.totals()} == {"main": dime * 10_000, "large": large * 3}


def test_totals_are_those_of_rows_added_one_by_one(store: Store) -> None:
    """The database's sums and the sums in memory agree, so a restart shows the same account."""
    rows = (closed("a"), closed("b", cost_usd=None), closed("c", "spare"), opened("d", "spare"))
    store.put(rows)
    by_hand: dict[str, ProviderTotal] = {}
    for row in rows[:3]:
        by_hand[row.provider] = by_hand.get(row.provider, ProviderTotal(provider=row.provider)).plus(total_of(row))
    assert store.totals() == tuple(by_hand.values())


def test_totals_can_begin_at_a_moment(store: Store) -> None:
    """What closed before it is left out."""
    store.put((closed("a"), replace(closed("b"), closed_at=2000.0)))
    (total,) = store.totals(since_at=2000.0)
    assert total.entries == 1


def test_entries_are_paged_newest_first(store: Store) -> None:
    """Pages meet without a gap, of all providers or of one."""
    store.put(tuple(opened(f"a{n}", "even" if n % 2 == 0 else "odd") for n in range(6)))
    first = store.entries(Query(limit=2))
    assert [row.attempt for row in first] == ["a5", "a4"]
    assert [row.attempt for row in store.entries(Query(before=first[-1].seq))] == ["a3", "a2", "a1", "a0"]
    assert [row.attempt for row in store.entries(Query(limit=2, provider="even"))] == ["a4", "a2"]


def test_what_was_open_when_the_process_died_is_found(store: Store) -> None:
    """Closing an unfinished entry takes it out of the list."""
    store.put((opened("a"), opened("b"), closed("b")))
    assert [row.attempt for row in store.unfinished("here")] == ["a"]
    store.put((closed("a"),))
    assert store.unfinished("here") == ()


def test_a_batch_is_kept_whole_or_not_at_all(store: Store) -> None:
    """A row that the file cannot hold takes its batch with it, as an error of the store."""
    beyond = replace(closed("b"), usage=Usage(input=1 << 80))
    with pytest.raises(JournalError, match="cannot hold"):
        store.put((closed("a"), beyond))
    assert store.entries(Query()) == ()


def test_another_routers_open_entries_are_not_this_ones(store: Store) -> None:
    """Several share a database: each closes only what it left open itself."""
    store.put((opened("a"), replace(opened("b"), writer="elsewhere")))
    assert [row.attempt for row in store.unfinished("here")] == ["a"]


def test_entries_are_found_by_who_asked(store: Store) -> None:
    """By key, by end user, by model, since a moment; together they narrow."""
    store.put(
        (
            replace(opened("a"), key="k1", user="ann"),
            replace(opened("b"), key="k1", user="bob", opened_at=2000.0),
            replace(opened("c"), key="k2", user="ann", model="small"),
        )
    )

    def found(query: Query) -> list[str]:
        return [row.attempt for row in store.entries(query)]

    assert found(Query(key="k1")) == ["b", "a"]
    assert found(Query(user="ann")) == ["c", "a"]
    assert found(Query(user="ann", model="small")) == ["c"]
    assert found(Query(since_at=1500.0)) == ["b"]


def test_an_erased_user_stays_erased(store: Store) -> None:
    """The entry and its cost stay, the name goes; also from an entry that was on its way, and of nobody else."""
    store.put((opened("a", user="ann"), closed("a"), opened("b", user="bob")))
    assert store.erase("ann", now_at=1500.0) == Erased(entries=1, transcripts=0)
    store.put((opened("c", user="ann"), opened("a", user="ann"), replace(opened("d", user="ann"), opened_at=1600.0)))
    assert {row.attempt: row.user for row in store.entries(Query())} == {"a": "", "b": "bob", "c": "", "d": "ann"}
    assert store.entries(Query(limit=100))[-1].cost_usd == Decimal("0.00357")


def test_transcripts_are_kept_once_paged_forgotten_and_erased(store: Store) -> None:
    """Whole, whatever they hold; those of an erased user are gone, and the ones that were on their way do not come."""
    odd = transcribed("e", key="k2", asked="é 🙂 'quoted' \n", said="")
    rows = (transcribed("a", "ann"), transcribed("b", "bob", at=900.0), transcribed("c", "ann", at=2000.0), odd)
    store.put((*rows, opened("a", user="ann")))
    store.put(rows)

    def found(query: Query) -> list[str]:
        return [row.exchange for row in store.transcripts(query)]

    assert store.transcripts(Query(limit=1)) == (replace(odd, seq=4),)
    assert found(Query(limit=2, before=4)) == ["c", "b"]
    assert (found(Query(user="ann")), found(Query(key="k2")), found(Query(since_at=1500.0))) == (
        ["c", "a"],
        ["e"],
        ["c"],
    )
    assert store.erase("", now_at=9e9) == Erased(entries=0, transcripts=0)
    assert store.erase("ann", now_at=1500.0) == Erased(entries=1, transcripts=1)
    store.put((transcribed("d", "ann"), transcribed("f", "ann", at=1600.0)))
    assert found(Query()) == ["f", "e", "c", "b"]
    assert [store.forget(1600.0, 1), store.forget(1600.0, 5), store.forget(1600.0, 5)] == [1, 1, 0]
    assert found(Query()) == ["f", "c"]
    assert len(store.entries(Query())) == 1


def test_old_entries_are_deleted_a_few_at_a_time(store: Store) -> None:
    """Closed ones before a moment; what is open, or newer, stays."""
    store.put((*(replace(closed(f"a{n}"), closed_at=10.0 + n) for n in range(5)), opened("open"), closed("new")))
    assert [store.prune(1000.0, 3), store.prune(1000.0, 3), store.prune(1000.0, 3)] == [3, 2, 0]
    assert {row.attempt for row in store.entries(Query())} == {"open", "new"}


def test_acts_are_kept_once_and_paged(store: Store) -> None:
    """In whatever order and however often they come; a chain by itself, or all."""
    chain = acts(4)
    store.put(chain[:3])
    store.put(chain[1:])
    store.put(acts(2, chain="elsewhere"))
    assert store.chains() == ("elsewhere", "here")
    assert store.chain("here", 0, 10) == chain
    assert store.chain("here", 2, 1) == (chain[2],)
    newest = store.audit(ActQuery(limit=3))
    assert [(act.chain, act.number) for act in newest] == [("here", 4), ("here", 3), ("here", 2)]
    last = newest[-1]
    rest = store.audit(ActQuery(limit=10, before=AuditPlace(at=last.at, chain=last.chain, number=last.number)))
    assert [(act.chain, act.number) for act in rest] == [("elsewhere", 2), ("here", 1), ("elsewhere", 1)]


def test_a_new_price_changes_the_cost_and_nothing_else(store: Store) -> None:
    """Of closed entries only; an entry that became unpriced has no cost."""
    store.put((opened("a"), closed("a"), closed("b"), opened("c")))
    dearer = replace(closed("a"), cost_usd=Decimal(1), price_id="new", end=End.CUT)
    unknown = replace(closed("b"), cost_usd=None, cost_source=CostSource.UNPRICED, price_id=None)
    store.reprice((dearer, unknown, closed("c")))
    open_still, second, first = store.entries(Query())
    assert first == replace(WHOLE, cost_usd=Decimal(1), price_id="new")
    assert (second.cost_usd, second.cost_source, second.price_id) == (None, CostSource.UNPRICED, None)
    assert (open_still.closed_at, open_still.cost_usd) == (None, None)


def test_old_acts_are_found_and_let_go_by_chain(store: Store) -> None:
    """By a chain's own order; its last one stays, and a chain that lost nothing is left out."""
    long, short = acts(5, chain="long"), acts(1, chain="short")
    store.put((*long, *short))
    assert [(row.chain, row.number) for row in store.beginnings(before_at=1003.5)] == [("long", 4)]
    assert [(row.chain, row.number) for row in store.beginnings(before_at=2000.0)] == [("long", 5)]
    assert store.beginnings(before_at=0.0) == ()
    assert [store.prune_acts("long", 4, 2), store.prune_acts("long", 4, 2), store.prune_acts("long", 4, 2)] == [2, 1, 0]
    assert [row.number for row in store.chain("long", 0, 10)] == [4, 5]
    assert [(row.chain, row.previous) for row in store.beginnings(before_at=0.0)] == [("long", long[2].digest)]
