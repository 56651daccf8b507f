"""What waits for the disk: two halves are one row, and a row stays until it is written as it is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from actors.books import GROUP_RECORDS, Books, act_of, joined, opening_of
from actors.messages import AdminActed, EntryOpened
from router.canon.cost import CostSource
from router.canon.outcome import End
from router.canon.usage import Usage
from router.policy.audit import digest_of
from router.store.journal import AuditRow, EntryRow, Head, ProviderTotal, total_of
from tests.fakes.entries import spoken, transcribed
from tests.fakes.ledger import BOOK, COST, closed

OPENING = EntryRow(
    attempt="a", exchange="ex", provider="main", model="large", number=1, opened_at=100.0, operation="rerank"
)
CLOSING = EntryRow(
    attempt="a",
    exchange="ex",
    provider="main",
    model="large",
    closed_at=101.0,
    end=End.COMPLETED,
    cost_usd=Decimal("0.25"),
    cost_source=CostSource.PRICED,
)
WHOLE = replace(CLOSING, number=1, opened_at=100.0, operation="rerank")


def test_halves_join_by_the_journals_rule() -> None:
    """In either order; of two closings the first holds."""
    assert joined(OPENING, CLOSING) == joined(CLOSING, OPENING) == WHOLE
    assert joined(WHOLE, replace(CLOSING, end=End.CRASHED)) == WHOLE
    assert joined(OPENING, OPENING) == OPENING


def test_a_row_stays_until_it_is_written_as_it_is() -> None:
    """What was joined to it while it was being written goes with the next batch."""
    books = Books()
    books.add(OPENING)
    batch = books.next_batch()
    books.add(CLOSING)
    books.written(batch)
    assert books.next_batch() == (WHOLE,)
    books.written(books.next_batch())
    assert books.next_batch() == ()


def test_batches_are_the_oldest_rows_in_order() -> None:
    """An end that comes late does not move its row to the back."""
    books = Books()
    for number in range(GROUP_RECORDS + 5):
        books.add(replace(OPENING, attempt=f"a{number}"))
    books.add(replace(CLOSING, attempt="a0"))
    batch = books.next_batch()
    rows = [record for record in batch if isinstance(record, EntryRow)]
    assert [row.attempt for row in rows] == [f"a{number}" for number in range(GROUP_RECORDS)]
    assert rows[0].closed_at == 101.0


def test_what_earlier_runs_wrote_is_added_once() -> None:
    """However often it is read."""
    books = Books()
    books.count(total_of(WHOLE))
    for _ in range(2):
        books.settle((ProviderTotal(provider="main", entries=4, cost_usd=Decimal(1)),))
    view = books.view()
    assert (view.overall.entries, view.overall.cost_usd, view.complete) == (5, Decimal("1.25"), True)
    assert view.providers["main"].entries == 5


def opened(user: str = "") -> EntryOpened:
    """An attempt goes out."""
    return EntryOpened(attempt="a", exchange="ex", number=1, provider="main", model="large", at=100.0, user=user)


def test_what_was_told_before_the_journal_opened_is_signed_when_it_does() -> None:
    """Acts take their places in the chain, entries their writer, once."""
    books = Books()
    books.add(opening_of(opened(), ""))
    books.act(AdminActed(at=1.0, by="file", act="config.loaded", subject="a", outcome="taken"))
    books.act(AdminActed(at=2.0, by="file", act="config.loaded", subject="b", outcome="taken"))
    assert books.opened(Head(writer="here", number=7, digest="seven"))
    assert not books.opened(Head(writer="elsewhere"))
    entry, first, second = books.next_batch()
    assert isinstance(entry, EntryRow)
    assert entry.writer == "here"
    assert isinstance(first, AuditRow)
    assert isinstance(second, AuditRow)
    assert (first.chain, first.number, first.previous) == ("here", 8, "seven")
    assert (second.number, second.previous) == (9, first.digest)
    assert first.digest == digest_of(act_of(first))


def test_transcripts_are_the_first_that_find_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries go on being kept beside them; what was written makes room again."""
    monkeypatch.setattr("actors.books.MOST_TRANSCRIPTS", 2)
    books = Books()
    books.hear(spoken(transcribed("a")))
    books.keep(books.next_spoken().write())
    for name in "bc":
        books.hear(spoken(transcribed(name)))
    books.add(OPENING)
    assert (len(books.pending), len(books.spoken), books.left_out, books.lost) == (2, 1, 1, 0)
    books.written(books.next_batch())
    books.hear(spoken(transcribed("d")))
    assert (len(books.pending), len(books.spoken), books.left_out) == (0, 2, 1)


def test_the_size_of_tokens_is_learned_of_all_of_them() -> None:
    """Those read from a cache and those that were thought too; and a total that is not their sum is noticed."""
    books = Books()
    counted = Usage(input=100, cache_read=100, output=40, reasoning=10, reported_total=250)
    fact = replace(closed("a", usage=counted), asked_bytes=200 * 3, said_bytes=50 * 5)
    books.learn(fact)
    gauge = books.gauges["main:large"]
    assert (gauge.prompt, gauge.answer, books.mismatched) == (3.0, 5.0, 0)
    books.learn(replace(fact, usage=replace(counted, reported_total=251)))
    assert books.mismatched == 1


def test_an_entry_that_closes_while_its_opening_waits_is_one_row() -> None:
    """With what both say; a second closing changes nothing of it."""
    books = Books()
    books.add(opening_of(replace(opened(), client="key", user="somebody", key="second"), "writer"))
    row = books.close(replace(closed("a"), exchange="ex"), BOOK)
    assert (row.number, row.opened_at, row.writer, row.key, row.user) == (1, 100.0, "writer", "key", "somebody")
    assert (row.credential, row.group, row.operation, row.cost_usd, row.end) == (
        "second",
        "",
        "chat",
        COST,
        End.COMPLETED,
    )
    assert books.next_batch() == (row,)
    books.close(replace(closed("a"), end=End.CRASHED), BOOK)
    assert books.next_batch() == (row,)
