"""Acts, and decisions over access among them, on their way into the chain."""

from __future__ import annotations

import asyncio

from msgspec.json import decode

from actors.accesses import MOST_SUMMED
from actors.books import act_of
from actors.messages import ALLOWED, DENIED, ActQuery, AdminActed, AuditPage, ReadAudit
from actors.runtime.virtual import EPOCH_S
from router.policy.audit import find_flaws
from tests.fakes.journal import MemoryVault
from tests.fakes.ledger import SUM_S, running, virtual


@virtual
async def test_accesses_are_summed_in_the_chain_and_the_last_sum_is_written_at_the_stop() -> None:
    """One row for each of who, where and what was decided, however often; what was not allowed is there at once."""
    account = MemoryVault()
    path = "POST /v1/chat/completions"
    async with running(account.vault()) as rig:
        for who in ("key ann", "key bob"):
            single = rig.accesses.note(who, path, ALLOWED)
            assert (single and single.by, single and single.detail) == (who, "{}")  # a kill must not lose who came
        for _ in range(3):
            assert rig.accesses.note("key ann", path, ALLOWED) is None
            await asyncio.sleep(1.0)
        assert rig.accesses.note("key bob", path, ALLOWED) is None
        assert account.store.acts == {}
        await asyncio.sleep(SUM_S)
        first, second = account.store.acts.values()
        assert [(act.actor, act.subject, act.outcome) for act in (first, second)] == [
            ("key ann", path, "allowed"),
            ("key bob", path, "allowed"),
        ]
        assert (first.act, decode(first.detail)) == (
            "access",
            {"count": 3, "first_at": EPOCH_S, "last_at": EPOCH_S + 2},
        )
        await asyncio.sleep(2 * SUM_S)
        assert len(account.store.acts) == 2
        singles = [rig.accesses.note("http 10.0.0.9", "GET /keys", DENIED) for _ in range(70)]
        assert sum(single is not None for single in singles) == 60
        page = await rig.ref.ask(ReadAudit(query=ActQuery(actor="key bob", act="access", outcome="allowed")))
        assert page == AuditPage(rows=(second,), complete=True)
    rows = tuple(account.store.acts.values())
    assert (rows[-1].outcome, decode(rows[-1].detail)["count"]) == ("denied", 10)
    assert list(find_flaws((act_of(found), found.digest) for found in rows)) == []


@virtual
async def test_sums_of_accesses_are_bounded() -> None:
    """More kinds of them than there is room for are one."""
    async with running(MemoryVault().vault()) as rig:
        noted = [rig.accesses.note(f"http {number}", "GET /audit", ALLOWED) for number in range(60 + MOST_SUMMED + 5)]
        assert [single is not None for single in noted] == [True] * 60 + [False] * (MOST_SUMMED + 5)
        facts = rig.accesses.take()
        assert len(facts) == MOST_SUMMED + 1
        assert (facts[-1].by, decode(facts[-1].detail)["count"]) == ("others", 5)


@virtual
async def test_acts_make_a_chain_over_restarts() -> None:
    """Each row follows from the one before it, whichever run wrote that."""
    account = MemoryVault()
    for run in range(2):
        async with running(account.vault()) as rig:
            for number in range(2):
                at, subject = 10.0 * run + number, f"{run}.{number}"
                rig.ref.tell(AdminActed(at=at, by="file", act="config.loaded", subject=subject, outcome="taken"))
            page = await rig.ref.ask(ReadAudit())
            assert isinstance(page, AuditPage)
            assert page.complete
    rows = page.rows[::-1]
    assert [(found.number, found.subject) for found in rows] == [(1, "0.0"), (2, "0.1"), (3, "1.0"), (4, "1.1")]
    assert list(find_flaws((act_of(found), found.digest) for found in rows)) == []
