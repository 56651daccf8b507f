"""Words beside the account: kept without holding anybody up, gone when their time is over or their user is erased."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from actors.books import MOST_SPOKEN_BYTES
from actors.messages import AuditPage, EraseUser, ExchangeTranscribed, ReadAudit, ReadCosts, UserErased
from router.canon.outcome import End
from router.store.journal import JournalError, TranscriptRow
from tests.fakes.entries import spoken, transcribed
from tests.fakes.journal import MemoryVault
from tests.fakes.ledger import closed, opened, running, virtual

FULL = JournalError("the journal j.db refuses: database or disk is full")


@virtual
async def test_words_that_take_their_time_hold_up_no_entry() -> None:
    """They are written down by a thread of their own; a page has them all, and so has a stop."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        account.words_worker.shut()
        rig.ref.tell(spoken(transcribed("early")))
        rig.attempt("a")
        await asyncio.sleep(1.0)
        assert list(account.rows) == ["a"] and account.store.said == {}
        account.words_worker.release()
        await rig.entries()
        assert list(account.store.said) == ["early"]
        rig.ref.tell(spoken(transcribed("late")))
    assert [row.exchange for row in account.journal.waiting if isinstance(row, TranscriptRow)] == []
    assert list(account.store.said) == ["early", "late"]


@virtual
async def test_words_that_cannot_be_written_down_are_not_tried_again() -> None:
    """They cost the ledger one restart, and nobody else anything."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        bad = ExchangeTranscribed(size_bytes=1, write=lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        for fact in (bad, spoken(transcribed("good", at=rig.system.ports.wall.now()))):
            rig.ref.tell(fact)
        rig.attempt("a")
        await asyncio.sleep(1.0)
        assert rig.ref.incarnation == 2
        assert list(account.rows) == ["a"] and list(account.store.said) == ["good"]


@virtual
async def test_words_that_nobody_writes_down_yet_are_bounded() -> None:
    """A prompt is held as it came until then; what finds no room is said to be lost, once."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        account.words_worker.shut()
        for number in range(5):
            rig.ref.tell(spoken(transcribed(f"{number}"), size_bytes=MOST_SPOKEN_BYTES // 2))
        await rig.ref.ask(ReadCosts())
        assert (len(rig.books.spoken), rig.books.left_out) == (1, 3)  # one is in the thread's hands
        account.words_worker.release()
        await rig.entries()
        assert list(account.store.said) == ["0", "1"]


@virtual
async def test_words_go_when_their_time_is_over_also_where_nobody_asks_any_more() -> None:
    """A router that is idle has promised the same."""
    account = MemoryVault()
    async with running(replace(account.vault(), keep_transcripts_days=0.25)) as rig:
        said = transcribed("a", at=rig.system.ports.wall.now())
        rig.ref.tell(spoken(said))
        await asyncio.sleep(3600 * 5.9)
        assert list(account.store.said) == ["a"]
        await asyncio.sleep(3600 * 1.2)
        assert account.store.said == {}


@virtual
async def test_an_end_user_is_erased_and_the_erasure_is_an_act() -> None:
    """The name is gone from entries that are kept and from those on their way, and the act does not hold it."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        rig.ref.tell(replace(opened("a"), user="ann"))
        answer = await rig.ref.ask(EraseUser(user="ann", actor="k1"))
        assert answer == UserErased(entries=1, transcripts=0)
        rig.ref.tell(closed("a"))
        page = await rig.ref.ask(ReadAudit())
        assert isinstance(page, AuditPage)
        assert [(act.act, act.actor) for act in page.rows] == [("user.erased", "k1")]
        assert "ann" not in str(page)
        (entry,) = await rig.entries()
        assert (entry.user, entry.end) == ("", End.COMPLETED)


@virtual
async def test_an_erasure_whose_copies_cannot_be_swept_is_told_and_swept_later() -> None:
    """It has happened, so its act is there; what refuses is tried again with the next batch, not in an hour."""
    account = MemoryVault()
    async with running(account.vault()) as rig:
        account.store.unswept = FULL
        rig.ref.tell(replace(opened("a"), user="ann"))
        assert await rig.ref.ask(EraseUser(user="ann", actor="k1")) == UserErased(entries=1, transcripts=0)
        page = await rig.ref.ask(ReadAudit())
        assert isinstance(page, AuditPage)
        assert [act.act for act in page.rows] == ["user.erased"]
        account.store.unswept = None
        swept = account.store.swept
        await asyncio.sleep(30.0)
        assert account.store.swept == swept + 1


@virtual
async def test_a_deletion_that_fails_is_tried_again_before_the_hour() -> None:
    """Words that have outlived their time are gone as soon as the store takes it."""
    account = MemoryVault()
    account.store.unforgetting = FULL
    async with running(account.vault()) as rig:
        rig.ref.tell(spoken(transcribed("old")))
        await asyncio.sleep(5.0)
        assert list(account.store.said) == ["old"]
        account.store.unforgetting = None
        await asyncio.sleep(30.0)
        assert account.store.said == {}
