"""The tables of the store, and how a row goes in and comes out. The same on SQLite and on Postgres.

Money is `cost_pico_usd`, a whole number of `USD_STEP`: exact, and summed by the database without a float.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    case,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite

from router.canon.cost import USD_STEP, CostSource
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage
from router.errors import Reason
from router.store.journal import AuditRow, EntryRow, ProviderTotal, TranscriptRow

_INPUT = ("input", "cache_read", "cache_write", "cache_write_1h", "audio_input", "image_input")
_OUTPUT = ("output", "reasoning", "audio_output", "image_output")
_PIECES = ("images", "search_units")
_OPENED = ("number", "opened_at", "writer", "key", "owner", "user", "group", "operation", "credential")
"""What only an opening knows."""

_MONEY = ("cost", "priced", "reported")
"""Each is an amount `<name>_usd` of a row, and a column `<name>_pico_usd`."""

COSTS = ("cost_pico_usd", "cost_source", "priced_pico_usd", "price_id", "price_date")
"""What a change of prices changes."""

_MILLION = 1_000_000
_NAMES = ("key", "owner", "user", "group", "operation", "credential", "writer")
_PLACE = BigInteger().with_variant(Integer, "sqlite")

METADATA = MetaData()

ENTRIES = Table(
    "entries",
    METADATA,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
    Column("attempt", Text, nullable=False, unique=True),
    Column("exchange", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("number", Integer),
    Column("opened_at", Double),
    Column("closed_at", Double),
    Column("end", Text),
    Column("reason", Text),
    *(Column(f"{bucket}_tokens", BigInteger) for bucket in (*_INPUT, *_OUTPUT)),
    *(Column(piece, BigInteger) for piece in _PIECES),
    Column("billed_input_tokens", BigInteger),
    Column("billed_output_tokens", BigInteger),
    Column("reported_usd", Text),
    Column("reported_total", BigInteger),
    Column("usage_source", Text),
    Column("cost_pico_usd", BigInteger),
    Column("cost_source", Text),
    Column("price_id", Text),
    Column("price_date", Text),
    *(Column(name, Text) for name in _NAMES),
    Column("priced_pico_usd", BigInteger),
    Column("reported_pico_usd", BigInteger),
    Column("tier", Text),
    Index("entries_by_provider", "provider", "seq"),
    Index("entries_by_exchange", "exchange"),
    Index("entries_by_user", "user"),
    Index("entries_by_key", "key", "closed_at"),
    Index("entries_by_end", "closed_at"),
    sqlite_autoincrement=True,  # a place is never given twice, so a reader's page marks stay true
)

Index(
    "entries_open",
    ENTRIES.c.seq,
    sqlite_where=ENTRIES.c.closed_at.is_(None),
    postgresql_where=ENTRIES.c.closed_at.is_(None),
)

ACTS = Table(
    "acts",
    METADATA,
    Column("chain", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("actor", "act", "subject", "outcome", "detail")),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("chain", "number"),
    Index("acts_by_time", "at"),
)

ERASED = Table(
    "erased",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("until_at", Double, nullable=False),
)
"""Whom to leave out, of what was opened until when: entries of theirs may still be on their way from a journal. `user`
is a mark of the name (`mark_of`), not the name."""

TRANSCRIPTS = Table(
    "transcripts",
    METADATA,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
    Column("exchange", Text, nullable=False, unique=True),
    Column("at", Double, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("key", "owner", "user", "model", "end", "asked", "said")),
    Index("transcripts_by_time", "at"),
    Index("transcripts_by_user", "user"),
    Index("transcripts_by_key", "key", "seq"),
    sqlite_autoincrement=True,
)

_KEPT = ("seq", "attempt", "exchange", "provider", "model")
_Insert = sqlite.Insert | postgresql.Insert


def _insert(dialect: str, table: Table) -> _Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def upsert_entries(dialect: str) -> _Insert:
    """Replays change nothing: what is known of an opening is only filled in, and a closed entry stays as it was
    closed."""
    new = _insert(dialect, ENTRIES)
    is_open = ENTRIES.c.closed_at.is_(None)
    return new.on_conflict_do_update(
        index_elements=["attempt"],
        set_={name: func.coalesce(ENTRIES.c[name], new.excluded[name]) for name in _OPENED}
        | {
            column.name: case((is_open, new.excluded[column.name]), else_=column)
            for column in ENTRIES.c
            if column.name not in (*_KEPT, *_OPENED)
        },
    )


def mark_of(user: str) -> str:
    """What stands for a user who was erased: 32 hex digits, the same for the same name. It tells the name to nobody but
    who guesses it."""
    return blake2b(user.encode("utf-8", "surrogatepass"), digest_size=16, person=b"pointsman erased").hexdigest()


def insert_acts(dialect: str) -> _Insert:
    """An act is never changed."""
    return _insert(dialect, ACTS).on_conflict_do_nothing()


def insert_transcripts(dialect: str) -> _Insert:
    """One is never changed."""
    return _insert(dialect, TRANSCRIPTS).on_conflict_do_nothing()


def upsert_erased(dialect: str) -> _Insert:
    """The later erasure of two counts."""
    new = _insert(dialect, ERASED)
    return new.on_conflict_do_update(index_elements=["user"], set_={"until_at": new.excluded.until_at})


def columns_of(row: EntryRow) -> dict[str, object]:
    """A row as the table's columns, `seq` left to the database. What an opening does not say is null, to be filled."""
    usage = row.usage
    return {
        "attempt": row.attempt,
        "exchange": row.exchange,
        "provider": row.provider,
        "model": row.model,
        "number": row.number,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "end": row.end,
        "reason": row.reason,
        **{f"{bucket}_tokens": getattr(usage, bucket, None) for bucket in (*_INPUT, *_OUTPUT)},
        **{piece: getattr(usage, piece, None) for piece in _PIECES},
        "billed_input_tokens": usage.billed_input if usage else None,
        "billed_output_tokens": usage.billed_output if usage else None,
        "reported_usd": usage.reported_usd if usage else None,
        "reported_total": usage.reported_total if usage else None,
        "tier": usage.tier if usage else None,
        "usage_source": row.usage_source,
        **{f"{name}_pico_usd": _pico(getattr(row, f"{name}_usd")) for name in _MONEY},
        "cost_source": row.cost_source,
        "price_id": row.price_id,
        "price_date": row.price_date,
        **{name: getattr(row, name) if row.opened_at is not None else None for name in _NAMES},
    }


def row_of(found: Mapping[Any, Any]) -> EntryRow:
    """The table's columns as a row."""
    return EntryRow(
        attempt=found["attempt"],
        exchange=found["exchange"],
        provider=found["provider"],
        model=found["model"],
        number=found["number"],
        opened_at=found["opened_at"],
        closed_at=found["closed_at"],
        end=End(found["end"]) if found["end"] else None,
        reason=Reason(found["reason"]) if found["reason"] else None,
        usage=_usage_of(found),
        usage_source=UsageSource(found["usage_source"]) if found["usage_source"] else None,
        cost_usd=_usd(found["cost_pico_usd"]),
        priced_usd=_usd(found["priced_pico_usd"]),
        reported_usd=_usd(found["reported_pico_usd"]),
        cost_source=CostSource(found["cost_source"]) if found["cost_source"] else None,
        price_id=found["price_id"],
        price_date=found["price_date"],
        **{name: found[name] for name in _NAMES if found[name] is not None},
        seq=found["seq"],
    )


def act_of(found: Mapping[Any, Any]) -> AuditRow:
    """The table's columns as an act."""
    return AuditRow(**{name: found[name] for name in AuditRow.__struct_fields__})


def transcript_of(found: Mapping[Any, Any]) -> TranscriptRow:
    """The table's columns as a transcript."""
    said = {name: found[name] for name in TranscriptRow.__struct_fields__}
    return TranscriptRow(**{**said, "end": End(found["end"])})


def total_columns() -> tuple[ColumnElement[Any], ...]:
    """What `total_from` reads. Costs are summed in two parts: in one, nine million dollars would overflow 64 bits."""
    source = ENTRIES.c.cost_source
    return (
        ENTRIES.c.provider.label("provider"),
        func.count().filter(source.is_distinct_from(CostSource.CACHED)).label("entries"),
        *(
            func.sum(ENTRIES.c[f"{name}_pico_usd"].op(by)(_MILLION)).label(f"{name}_{part}")
            for name in _MONEY
            for part, by in (("high", "/"), ("low", "%"))
        ),
        func.count().filter(source == CostSource.UNPRICED).label("unpriced"),
        func.count().filter(source == CostSource.UNCOUNTED).label("uncounted"),
        func.count().filter(source == CostSource.CACHED).label("cached"),
        *(
            func.sum(
                sum(
                    (func.coalesce(ENTRIES.c[f"{bucket}_tokens"], 0) for bucket in buckets[1:]),
                    ENTRIES.c[f"{buckets[0]}_tokens"],
                )
            ).label(label)
            for label, buckets in (("input_tokens", _INPUT), ("output_tokens", _OUTPUT))
        ),
    )


def total_from(found: Mapping[Any, Any]) -> ProviderTotal:
    """One provider's sums."""
    return ProviderTotal(
        provider=found["provider"],
        entries=found["entries"],
        cost_usd=_summed(found, "cost") or Decimal(0),
        unpriced=found["unpriced"],
        uncounted=found["uncounted"],
        priced_usd=_summed(found, "priced"),
        reported_usd=_summed(found, "reported"),
        cached=found["cached"],
        input_tokens=int(found["input_tokens"] or 0),
        output_tokens=int(found["output_tokens"] or 0),
    )


def _summed(found: Mapping[Any, Any], name: str) -> Decimal | None:
    """One sum of money, put together again; None where no row has such an amount."""
    high, low = found[f"{name}_high"], found[f"{name}_low"]
    return None if high is None else _usd(int(high) * _MILLION + int(low))


def _usd(pico: int | None) -> Decimal | None:
    return None if pico is None else pico * USD_STEP


def _pico(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd / USD_STEP)


def _usage_of(found: Mapping[Any, Any]) -> Usage | None:
    """None when nobody counted: the buckets are all null then, or none is."""
    if found["input_tokens"] is None:
        return None
    counts: dict[str, Any] = {bucket: found[f"{bucket}_tokens"] or 0 for bucket in (*_INPUT, *_OUTPUT)}
    counts |= {piece: found[piece] or 0 for piece in _PIECES}
    return Usage(
        **counts,
        billed_input=found["billed_input_tokens"],
        billed_output=found["billed_output_tokens"],
        reported_usd=found["reported_usd"],
        reported_total=found["reported_total"],
        tier=found["tier"],
    )
