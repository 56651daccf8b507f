"""Entries of the account, as they open and as they close."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from actors.books import act_of
from actors.messages import ExchangeTranscribed
from router.canon.cost import CostSource
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.policy.audit import digest_of
from router.store.journal import AuditRow, EntryRow, Query, TranscriptRow
from router.store.sqlite import sqlite_store

USAGE = Usage(
    input=100,
    cache_read=900,
    cache_write=7,
    cache_write_1h=8,
    output=40,
    reasoning=11,
    audio_input=3,
    audio_output=4,
    reported_usd="0.00123",
    reported_total=1073,
    billed_input=90,
    billed_output=30,
    tier="flex",
)


def opened(attempt: str, provider: str = "main", user: str = "") -> EntryRow:
    """An entry as it opens."""
    return EntryRow(
        attempt=attempt,
        exchange=f"ex-{attempt}",
        provider=provider,
        model="large",
        number=1,
        opened_at=1000.25,
        writer="here",
        group="chat",
        credential="spare",
        operation="rerank",
        user=user,
    )


def closed(attempt: str, provider: str = "main", cost_usd: Decimal | None = Decimal("0.00357")) -> EntryRow:
    """The same entry as it closes, without what only its opening knows."""
    return EntryRow(
        attempt=attempt,
        exchange=f"ex-{attempt}",
        provider=provider,
        model="large",
        closed_at=1001.5,
        end=End.COMPLETED,
        usage=USAGE,
        usage_source=UsageSource.FINAL,
        cost_usd=cost_usd,
        cost_source=CostSource.UNPRICED if cost_usd is None else CostSource.PRICED,
        priced_usd=cost_usd,
        reported_usd=Decimal("0.00123"),
        price_id="list large",
        price_date="2026-10-01",
    )


def transcribed(
    exchange: str, user: str = "", *, at: float = 1000.25, key: str = "k1", asked: str = "why", said: str = "because"
) -> TranscriptRow:
    """The words of an exchange."""
    return TranscriptRow(
        exchange=exchange,
        at=at,
        key=key,
        owner="team",
        user=user,
        model="chat",
        end=End.COMPLETED,
        asked=asked,
        said=said,
    )


def spoken(row: TranscriptRow, size_bytes: int = 100) -> ExchangeTranscribed:
    """What an exchange leaves of them."""
    return ExchangeTranscribed(size_bytes=size_bytes, write=lambda: row)


def acts(count: int, chain: str = "here") -> tuple[AuditRow, ...]:
    """A chain of so many acts."""
    rows: list[AuditRow] = []
    for number in range(1, count + 1):
        row = AuditRow(
            chain=chain,
            number=number,
            at=1000.0 + number,
            actor="file",
            act="config.loaded",
            subject=f"version {number}",
            outcome="done",
            detail="{}",
            previous=rows[-1].digest if rows else "",
            digest="",
        )
        rows.append(replace(row, digest=digest_of(act_of(row))))
    return tuple(rows)


def entries_in(home: Path) -> list[EntryRow]:
    """Every entry in the ledger of a router's home, newest first."""
    store = sqlite_store(home / "ledger.sqlite", read_only=True)
    store.open()
    rows: list[EntryRow] = []
    query = Query(limit=1000)
    while page := store.entries(query):
        rows += page
        query = Query(limit=1000, before=page[-1].seq)
    store.close()
    return rows
