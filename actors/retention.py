"""Lets go what has been kept long enough, and sweeps up after every deletion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from actors.messages import AdminActed
from actors.runtime import Ports
from actors.vault import Vault
from router.policy.audit import PRUNED, Checkpoint, detail_of

EVERY_S = 3600.0
"""How often."""

LOT = 1000
"""Rows of one deletion: a transaction that nobody has to wait for."""

_DAY_S = 86_400.0


class Retention:
    """Entries, transcripts and acts, each by its own time.

    Args:
        keep: has an act kept, in the store too, before it returns; raises `JournalError`.
    """

    def __init__(self, *, vault: Vault, ports: Ports, keep: Callable[[AdminActed], Awaitable[None]]) -> None:
        self._vault = vault
        self._ports = ports
        self._keep = keep
        self._due_s = 0.0
        self._unswept = False

    async def tidy(self) -> None:
        """Delete what is due, a little at a time; the journal keeps no copy of it either. What fails is tried again as
        soon as the store may answer, not in an hour. Raises `JournalError`."""
        vault, now_s = self._vault, self._ports.clock.now()
        if now_s >= self._due_s:
            if vault.keep_days is not None:
                await self._delete(partial(vault.store.prune, self._before_at(vault.keep_days)))
            await self._delete(partial(vault.store.forget, self._before_at(vault.keep_transcripts_days)))
            if vault.keep_acts_days is not None:
                await self._let_go(self._before_at(vault.keep_acts_days))
            await vault.journal_worker.run(vault.journal.renew)
            self._due_s = now_s + EVERY_S
        if self._unswept:
            await self.sweep()

    async def sweep(self) -> None:
        """Leave no copy of what was deleted; while somebody reads, the next batch does. Raises `JournalError`."""
        self._unswept = True
        self._unswept = not await self._vault.store_worker.run(self._vault.store.sweep)

    async def _let_go(self, before_at: float) -> None:
        """Acts go after the one that says so: whoever looks in between finds more than it says, never less."""
        store, worker = self._vault.store, self._vault.store_worker
        beginnings = await worker.run(partial(store.beginnings, before_at))
        oldest = [(await worker.run(partial(store.chain, row.chain, 0, 1)))[0].number for row in beginnings]
        if all(number == row.number for number, row in zip(oldest, beginnings, strict=True)):
            return
        await self._keep(
            AdminActed(
                by="retention",
                act=PRUNED,
                subject="the audit log",
                outcome="taken",
                at=self._ports.wall.now(),
                detail=detail_of(
                    Checkpoint(chain=row.chain, number=row.number - 1, digest=row.previous) for row in beginnings
                ),
            )
        )
        for row in beginnings:
            await self._delete(partial(store.prune_acts, row.chain, row.number))

    async def _delete(self, old: Callable[[int], int]) -> None:
        deleted = LOT
        while deleted == LOT:
            deleted = await self._vault.store_worker.run(partial(old, LOT))
            self._unswept |= deleted > 0

    def _before_at(self, keep_days: float) -> float:
        return self._ports.wall.now() - keep_days * _DAY_S
