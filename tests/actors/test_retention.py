"""What has been kept long enough goes, and what is left of the audit log is proved still."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from actors.books import act_of
from actors.messages import AdminActed
from router.policy.audit import PRUNED, Checkpoint, checkpoints_in, find_flaws, flaws_of
from router.store.journal import JournalError
from tests.fakes.entries import acts
from tests.fakes.journal import MemoryVault
from tests.fakes.ledger import running, virtual

HOUR_S = 3600.0


@virtual
async def test_old_acts_go_behind_an_act_that_says_where_the_rest_begins() -> None:
    """Of every chain, those of other routers too; the last of each stays, and nothing is let go twice."""
    account = MemoryVault()
    account.store.open()
    account.store.put(acts(3, chain="elsewhere"))
    async with running(replace(account.vault(), keep_acts_days=0.25)) as rig:

        def act(subject: str) -> None:
            rig.ref.tell(
                AdminActed(by="file", act="a", subject=subject, outcome="done", at=rig.system.ports.wall.now())
            )

        act("old")
        await asyncio.sleep(4 * HOUR_S)
        act("new")
        await asyncio.sleep(3.5 * HOUR_S)
        left = [row for place, row in sorted(account.store.acts.items()) if place[0] == "here"]
        assert [row.subject for row in left] == ["new", "the audit log"]
        assert [(place[0], place[1]) for place in account.store.acts if place[0] == "elsewhere"] == [("elsewhere", 3)]
        last = checkpoints_in(left[-1].detail)
        assert {each.chain: each.number for each in last} == {"elsewhere": 2, "here": left[0].number - 1}
        begin = next(each for each in last if each.chain == "here")
        assert not list(flaws_of(act_of(left[0]), left[0].digest, (begin.number, begin.digest)))
        assert list(find_flaws((act_of(row), row.digest) for row in left))  # by itself it does not begin
        await asyncio.sleep(2 * HOUR_S)
        assert sum(row.act == PRUNED for row in account.store.acts.values()) <= 3


@virtual
async def test_no_act_goes_before_the_one_that_says_so_is_kept() -> None:
    """A journal that refuses holds up letting go, and nothing else."""
    account = MemoryVault()
    account.store.open()
    account.store.put(acts(3, chain="elsewhere"))
    account.journal.refusal = JournalError("the journal is full")
    async with running(replace(account.vault(), keep_acts_days=1.0)):
        await asyncio.sleep(60.0)
        assert len(account.store.acts) == 3
        account.journal.refusal = None
        await asyncio.sleep(60.0)
        assert [place for place in account.store.acts if place[0] == "elsewhere"] == [("elsewhere", 3)]


def test_what_is_no_checkpoint_says_nothing() -> None:
    """An act's detail may be anything."""
    assert checkpoints_in('{"chains": {"a": [2, "d"]}}') == (Checkpoint(chain="a", number=2, digest="d"),)
    assert checkpoints_in('{"chains": 1}') == checkpoints_in("{}") == checkpoints_in("nothing") == ()
