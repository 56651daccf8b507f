"""The store in a SQL database: what is asked of it, whichever database it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Engine, Select, Table, bindparam, delete, func, select, tuple_, update
from sqlalchemy.exc import DataError, SQLAlchemyError

from router.store.journal import (
    ACT_FIELDS,
    ActQuery,
    AuditRow,
    EntryRow,
    Erased,
    JournalError,
    JournalMisfit,
    KeySpend,
    ProviderTotal,
    Query,
    Record,
    TranscriptRow,
)
from router.store.schema import (
    ACTS,
    COSTS,
    ENTRIES,
    ERASED,
    TRANSCRIPTS,
    act_of,
    columns_of,
    insert_acts,
    insert_transcripts,
    mark_of,
    row_of,
    total_columns,
    total_from,
    transcript_of,
    upsert_entries,
    upsert_erased,
)

_NEVER = float("-inf")


class Backend(Protocol):
    """One kind of database: how it is reached, made ready, and what its errors mean."""

    name: str

    def connect(self) -> Engine:
        """An engine of one connection. Raises `JournalError`."""
        ...

    def settle(self, connection: Connection) -> None:
        """Make the tables what this version needs, or say why they cannot be. Raises `JournalError`."""
        ...

    def sweep(self, connection: Connection) -> bool:
        """Outside of a transaction: leave no copy of what was deleted beside the tables. False where it must be tried
        again."""
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
        acts = [asdict(record) for record in records if isinstance(record, AuditRow)]
        transcripts = [record for record in records if isinstance(record, TranscriptRow)]
        with self._begin() as connection:
            dialect = connection.dialect.name
            until = _erased_until(connection, (*entries, *transcripts))
            if entries:
                rows = [columns_of(_without_erased(row, until)) for row in entries]
                connection.execute(upsert_entries(dialect), rows)
            if acts:
                connection.execute(insert_acts(dialect), acts)
            if kept := [_columns_of(row) for row in transcripts if row.at > until.get(row.user, _NEVER)]:
                connection.execute(insert_transcripts(dialect), kept)

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

    def transcripts(self, query: Query) -> tuple[TranscriptRow, ...]:
        """By place in the table, as entries are."""
        wanted = _narrowed(TRANSCRIPTS, query, ("model", "key", "user"))
        if query.since_at is not None:
            wanted = wanted.where(TRANSCRIPTS.c.at >= query.since_at)
        with self._begin() as connection:
            return tuple(transcript_of(found) for found in connection.execute(wanted).mappings())

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

    def beginnings(self, before_at: float) -> tuple[AuditRow, ...]:
        """As the Protocol says; by the chains' own order, whatever a clock that was set back says."""
        found: list[AuditRow] = []
        with self._begin() as connection:
            for name in connection.scalars(select(ACTS.c.chain).distinct().order_by(ACTS.c.chain)).all():
                of = ACTS.c.chain == name
                late = select(func.min(ACTS.c.number)).where(of, ACTS.c.at >= before_at).scalar_subquery()
                last = select(func.max(ACTS.c.number)).where(of).scalar_subquery()
                query = select(ACTS).where(of, ACTS.c.number == func.coalesce(late, last), ACTS.c.number > 1)
                found += [act_of(row) for row in connection.execute(query).mappings()]
        return tuple(found)

    def prune_acts(self, chain: str, before_number: int, limit: int) -> int:
        """In small pieces, as entries are."""
        number = ACTS.c.number
        of = (ACTS.c.chain == chain) & (number < before_number)
        with self._begin() as connection:
            last = connection.scalar(select(number).where(of).order_by(number).offset(limit - 1).limit(1))
            some = of if last is None else of & (number <= last)
            return connection.execute(delete(ACTS).where(some)).rowcount

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

    def forget(self, before_at: float, limit: int) -> int:
        """In small pieces, as entries are."""
        place, at = TRANSCRIPTS.c.seq, TRANSCRIPTS.c.at
        old = select(place).where(at < before_at).order_by(at).limit(limit)
        with self._begin() as connection:
            return connection.execute(delete(TRANSCRIPTS).where(place.in_(old))).rowcount

    def erase(self, user: str, now_at: float) -> Erased:
        """The name goes and the entry stays: what was spent was spent. What was said goes whole. Of nobody nothing is
        erased: no name would be everybody who has none."""
        if not user:
            return Erased(entries=0, transcripts=0)
        theirs = (ENTRIES.c.user == user) & (ENTRIES.c.opened_at <= now_at)
        words = (TRANSCRIPTS.c.user == user) & (TRANSCRIPTS.c.at <= now_at)
        with self._begin() as connection:
            mark = upsert_erased(connection.dialect.name)
            connection.execute(mark, [{"user": mark_of(user), "until_at": now_at}])
            return Erased(
                entries=connection.execute(update(ENTRIES).where(theirs).values(user="")).rowcount,
                transcripts=connection.execute(delete(TRANSCRIPTS).where(words)).rowcount,
            )

    def sweep(self) -> bool:
        """As the Protocol says; no transaction may be open for it."""
        if self._engine is None:
            raise JournalError(f"{self._backend.name} is not open")
        try:
            with self._engine.connect() as connection:
                return self._backend.sweep(connection)
        except SQLAlchemyError as error:
            raise self._backend.told(getattr(error, "orig", None) or error) from error

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
    wanted = _narrowed(ENTRIES, query, ("provider", "model", "key", "user"))
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


def _narrowed(table: Table, query: Query, names: tuple[str, ...]) -> Select[tuple[object, ...]]:
    """The newest rows of a page, of those that have these names."""
    wanted = select(table).order_by(table.c.seq.desc()).limit(query.limit)
    for name in names:
        value = getattr(query, name)
        if value is not None:
            wanted = wanted.where(table.c[name] == value)
    return wanted if query.before is None else wanted.where(table.c.seq < query.before)


def _erased_until(connection: Connection, rows: tuple[EntryRow | TranscriptRow, ...]) -> Mapping[str, float]:
    """Until when those of these users were erased who ever were: some of what is theirs may still be on its way."""
    marks = {mark_of(row.user): row.user for row in rows if row.user}
    if not marks:
        return {}
    query = select(ERASED).where(ERASED.c.user.in_(sorted(marks)))
    return {marks[found["user"]]: found["until_at"] for found in connection.execute(query).mappings()}


def _without_erased(row: EntryRow, until: Mapping[str, float]) -> EntryRow:
    """The entry without a name that was erased while it was on its way."""
    return replace(row, user="") if (row.opened_at or 0.0) <= until.get(row.user, _NEVER) else row


def _columns_of(row: TranscriptRow) -> dict[str, object]:
    """A transcript as the table's columns, `seq` left to the database."""
    return {name: value for name, value in asdict(row).items() if name != "seq"}
