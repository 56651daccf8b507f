"""The store in a SQL database: what is asked of it, whichever database it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Select, bindparam, delete, select, tuple_, update
from sqlalchemy.exc import DataError, SQLAlchemyError

from router.store.journal import (
    ACT_FIELDS,
    ActQuery,
    AuditRow,
    EntryRow,
    JournalError,
    JournalMisfit,
    KeySpend,
    ProviderTotal,
    Query,
    Record,
)
from router.store.schema import (
    ACTS,
    COSTS,
    ENTRIES,
    ERASED,
    act_of,
    columns_of,
    insert_acts,
    row_of,
    total_columns,
    total_from,
    upsert_entries,
    upsert_erased,
)


class Backend(Protocol):
    """One kind of database: how it is reached, made ready, and what its errors mean."""

    name: str

    def connect(self) -> Engine:
        """An engine of one connection. Raises `JournalError`."""
        ...

    def settle(self, connection: Connection) -> None:
        """Make the tables what this version needs, or say why they cannot be. Raises `JournalError`."""
        ...

    def told(self, error: BaseException) -> JournalError:
        """What an error of the database means, in words that name it."""
        ...


class SqlStore:
    """A `Store` in the database of `backend`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._engine: Engine | None = None

    def open(self) -> None:
        """As the Protocol says."""
        if self._engine is not None:
            return
        engine = self._backend.connect()
        try:
            with self._begin(engine) as connection:
                self._backend.settle(connection)
        except JournalError:
            engine.dispose()
            raise
        self._engine = engine

    def put(self, records: tuple[Record, ...]) -> None:
        """One transaction."""
        entries = [record for record in records if isinstance(record, EntryRow)]
        acts = [record for record in records if isinstance(record, AuditRow)]
        with self._begin() as connection:
            dialect = connection.dialect.name
            if entries:
                rows = [columns_of(row) for row in _without_erased(connection, entries)]
                connection.execute(upsert_entries(dialect), rows)
            if acts:
                names = AuditRow.__struct_fields__
                connection.execute(insert_acts(dialect), [{name: getattr(act, name) for name in names} for act in acts])

    def totals(self, since_at: float | None = None) -> tuple[ProviderTotal, ...]:
        """Summed by the database in whole numbers: a million rows take a fraction of a second."""
        closed = ENTRIES.c.closed_at.is_not(None) if since_at is None else ENTRIES.c.closed_at >= since_at
        query = select(*total_columns()).where(closed).group_by(ENTRIES.c.provider).order_by(ENTRIES.c.provider)
        with self._begin() as connection:
            return tuple(total_from(found) for found in connection.execute(query).mappings())

    def spent(self, since_at: float, before_at: float) -> tuple[KeySpend, ...]:
        """As the Protocol says; summed by the database."""
        closed = (ENTRIES.c.closed_at >= since_at) & (ENTRIES.c.closed_at < before_at)
        query = select(ENTRIES.c.key, *total_columns()).where(closed).group_by(ENTRIES.c.key).order_by(ENTRIES.c.key)
        with self._begin() as connection:
            rows = [(found["key"], total_from(found)) for found in connection.execute(query).mappings()]
        return tuple(
            KeySpend(key=key or "", tokens=total.input_tokens + total.output_tokens, cost_usd=total.cost_usd)
            for key, total in rows
        )

    def entries(self, query: Query) -> tuple[EntryRow, ...]:
        """By place in the table, so that pages neither overlap nor skip while rows are added."""
        with self._begin() as connection:
            return tuple(row_of(found) for found in connection.execute(_selected(query)).mappings())

    def unfinished(self, writer: str) -> tuple[EntryRow, ...]:
        """As the Protocol says; answered from an index of open entries alone."""
        # Entries of the first version have no writer: files were never shared then.
        ours = (ENTRIES.c.writer == writer) | ENTRIES.c.writer.is_(None)
        query = select(ENTRIES).where(ENTRIES.c.closed_at.is_(None), ours).order_by(ENTRIES.c.seq)
        with self._begin() as connection:
            return tuple(row_of(found) for found in connection.execute(query).mappings())

    def audit(self, query: ActQuery) -> tuple[AuditRow, ...]:
        """As the Protocol says."""
        with self._begin() as connection:
            return tuple(act_of(found) for found in connection.execute(_acts(query)).mappings())

    def chain(self, name: str, after: int, limit: int) -> tuple[AuditRow, ...]:
        """As the Protocol says."""
        query = select(ACTS).where(ACTS.c.chain == name, ACTS.c.number > after).order_by(ACTS.c.number).limit(limit)
        with self._begin() as connection:
            return tuple(act_of(found) for found in connection.execute(query).mappings())

    def chains(self) -> tuple[str, ...]:
        """As the Protocol says."""
        query = select(ACTS.c.chain).distinct().order_by(ACTS.c.chain)
        with self._begin() as connection:
            return tuple(connection.execute(query).scalars())

    def reprice(self, rows: tuple[EntryRow, ...]) -> None:
        """One transaction."""
        change = (
            update(ENTRIES)
            .where(ENTRIES.c.attempt == bindparam("of"), ENTRIES.c.closed_at.is_not(None))
            .values({name: bindparam(f"new_{name}") for name in COSTS})
        )
        with self._begin() as connection:
            if rows:
                columns = [(row.attempt, columns_of(row)) for row in rows]
                new = [{"of": of, **{f"new_{name}": said[name] for name in COSTS}} for of, said in columns]
                connection.execute(change, new)

    def prune(self, before_at: float, limit: int) -> int:
        """In small pieces: no statement holds the table for long."""
        old = select(ENTRIES.c.seq).where(ENTRIES.c.closed_at < before_at).order_by(ENTRIES.c.closed_at).limit(limit)
        with self._begin() as connection:
            return connection.execute(delete(ENTRIES).where(ENTRIES.c.seq.in_(old))).rowcount

    def erase(self, user: str, now_at: float) -> int:
        """The name goes and the entry stays: what was spent was spent."""
        theirs = (ENTRIES.c.user == user) & (ENTRIES.c.opened_at <= now_at)
        with self._begin() as connection:
            mark = upsert_erased(connection.dialect.name)
            connection.execute(mark, [{"user": user, "until_at": now_at}])
            return connection.execute(update(ENTRIES).where(theirs).values(user="")).rowcount

    def close(self) -> None:
        """As the Protocol says."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def _begin(self, engine: Engine | None = None) -> Iterator[Connection]:
        """A transaction whose failures speak of the database."""
        engine = engine or self._engine
        if engine is None:
            raise JournalError(f"{self._backend.name} is not open")
        try:
            with engine.begin() as connection:
                yield connection
        except (DataError, OverflowError, UnicodeError, ValueError) as error:
            raise JournalMisfit(f"{self._backend.name} cannot hold a value: {error}") from error
        except SQLAlchemyError as error:
            raise self._backend.told(getattr(error, "orig", None) or error) from error


def _selected(query: Query) -> Select[tuple[object, ...]]:
    wanted = select(ENTRIES).order_by(ENTRIES.c.seq.desc()).limit(query.limit)
    for name in ("provider", "model", "key", "user"):
        value = getattr(query, name)
        if value is not None:
            wanted = wanted.where(ENTRIES.c[name] == value)
    if query.before is not None:
        wanted = wanted.where(ENTRIES.c.seq < query.before)
    if query.since_at is not None:
        wanted = wanted.where((ENTRIES.c.closed_at >= query.since_at) | (ENTRIES.c.opened_at >= query.since_at))
    return wanted


def _acts(query: ActQuery) -> Select[tuple[object, ...]]:
    newest = ACTS.c.at.desc(), ACTS.c.chain.desc(), ACTS.c.number.desc()
    wanted = select(ACTS).order_by(*newest).limit(query.limit)
    for name in ACT_FIELDS:
        value = getattr(query, name)
        if value is not None:
            wanted = wanted.where(ACTS.c[name] == value)
    if query.since_at is not None:
        wanted = wanted.where(ACTS.c.at >= query.since_at)
    if query.before is not None:
        place, before = tuple_(ACTS.c.at, ACTS.c.chain, ACTS.c.number), query.before
        wanted = wanted.where(place < tuple_(before.at, before.chain, before.number))
    return wanted


def _without_erased(connection: Connection, rows: list[EntryRow]) -> list[EntryRow]:
    """Rows of users who were erased while these were on their way, without their names."""
    users = {row.user for row in rows if row.user}
    if not users:
        return rows
    query = select(ERASED).where(ERASED.c.user.in_(sorted(users)))
    until = {found["user"]: found["until_at"] for found in connection.execute(query).mappings()}
    return [
        replace(row, user="") if row.user in until and (row.opened_at or 0.0) <= until[row.user] else row
        for row in rows
    ]
