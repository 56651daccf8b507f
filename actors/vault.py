"""Where the account is kept: the journal on local disk, the store that it is carried to, and a thread for each."""

from __future__ import annotations

from msgspec import Struct

from router.store.journal import Journal, Store, Worker


class Vault(Struct, frozen=True, kw_only=True):
    """Both places, made by the composition root and outliving every restart of the Ledger.

    Args:
        journal_worker: where calls of the journal run.
        store_worker: where calls of the store run: never where the journal's do, which must not wait for it.
        words_worker: where transcripts are made of what was said: the words of a long prompt are searched for secrets.
        keep_days: how long the store keeps entries; None for ever.
        keep_transcripts_days: how long it keeps transcripts.
        keep_acts_days: how long it keeps the audit log; None for ever.
    """

    journal: Journal
    journal_worker: Worker
    store: Store
    store_worker: Worker
    words_worker: Worker
    keep_days: float | None = None
    keep_transcripts_days: float = 30.0
    keep_acts_days: float | None = None
