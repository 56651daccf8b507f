"""Where this configuration keeps the account."""

from __future__ import annotations

from actors.vault import Vault
from router.settings.settings import Ledger, Settings
from router.store.disk import DiskJournal
from router.store.journal import Store
from router.store.worker import ThreadWorker


def vault_of(settings: Settings) -> Vault:
    """The journal in its folder, and the store it is carried to; nothing is opened yet."""
    ledger = settings.ledger
    return Vault(
        journal=DiskJournal(ledger.journal),
        journal_worker=ThreadWorker("pointsman-journal"),
        store=store_of(ledger),
        store_worker=ThreadWorker("pointsman-ledger"),
        words_worker=ThreadWorker("pointsman-words"),
        keep_days=ledger.keep_days,
        keep_transcripts_days=settings.transcripts.keep_days,
        keep_acts_days=settings.audit.keep_days,
    )


def store_of(ledger: Ledger, *, read_only: bool = False) -> Store:
    """The store alone, for whoever looks at it or changes it beside a running router. SQLAlchemy is a third of what
    the product takes to load: it is left to those who have a store."""
    if ledger.url:
        from router.store.postgres import postgres_store

        return postgres_store(ledger.url.reveal())
    from router.store.sqlite import sqlite_store

    return sqlite_store(ledger.path, read_only=read_only)
