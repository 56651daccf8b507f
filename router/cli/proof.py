"""`pointsman ledger verify`: the proof that the audit log is what was written.

Three things bear it: each act's digest covers the one before it; the journals' heads on this machine know the last act
of their chains, by number and digest; and what retention let go is named by an act of its own, with the digest it ended
at. Whoever can write both the store and this machine's disk can make all of it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import typer
from msgspec import Struct

from actors.books import act_of
from router.cli.acts import FOLDER
from router.cli.configuration import settings_or_exit
from router.cli.ledger import PAGE, open_store
from router.policy.audit import PRUNED, START, Checkpoint, Flaw, checkpoints_in, flaws_of
from router.store.disk import read_acts
from router.store.journal import ActQuery, AuditPlace, AuditRow, Head, Store


class Known(Struct, frozen=True, kw_only=True):
    """What this machine's disk knows of one chain: its head, and acts that are not in the store yet."""

    head: Head
    acts: tuple[AuditRow, ...]


class Tally:
    """What was looked at, and what is wrong with it."""

    def __init__(self) -> None:
        self.acts = self.gone = 0
        self.flaws: list[Flaw] = []


def verify(config: Path | None) -> None:
    """Prove every chain of the audit log. Exits with 1 when one is broken."""
    settings = settings_or_exit(config)
    # The journals first: what is carried and gone from them by then is in the store, which is read later.
    known = dict(_known_in(settings.ledger.journal, settings.home / FOLDER))
    tally = Tally()
    with open_store(config) as store:
        let_go = _checkpoints(store)
        names = store.chains()
        for name in (*names, *(name for name in known if name not in names)):
            _prove(store, name, known.get(name), let_go.get(name), tally)
    for flaw in tally.flaws:
        typer.echo(f"chain {flaw.chain}, act {flaw.number}: {flaw.why}", err=True)
    if tally.flaws:
        raise typer.Exit(1)
    aside = f"; {tally.gone} before them were let go, as acts say" if tally.gone else ""
    typer.echo(f"{tally.acts} acts, every one as it was written{aside}")


def _known_in(*journals: Path) -> Iterator[tuple[str, Known]]:
    for path in journals:
        head, acts = read_acts(path)
        if head is not None and head.number:
            yield head.writer, Known(head=head, acts=acts)


def _checkpoints(store: Store) -> dict[str, Checkpoint]:
    """The latest of each chain, by what acts say; those acts are proved as all others are."""
    latest: dict[str, Checkpoint] = {}
    query = ActQuery(limit=PAGE, act=PRUNED)
    while rows := store.audit(query):
        for checkpoint in chain.from_iterable(checkpoints_in(row.detail) for row in rows):
            before = latest.get(checkpoint.chain)
            if before is None or before.number < checkpoint.number:
                latest[checkpoint.chain] = checkpoint
        last = rows[-1]
        query = ActQuery(limit=PAGE, act=PRUNED, before=AuditPlace(at=last.at, chain=last.chain, number=last.number))
    return latest


def _prove(store: Store, name: str, known: Known | None, let_go: Checkpoint | None, tally: Tally) -> None:
    """One chain, an act at a time: there may be millions."""
    rows = _chain(store, name, known)
    first = list(islice(rows, 1))
    before = _begin(first[0], let_go) if first else START
    tally.gone += before[0]
    for row in chain(first, rows):
        tally.acts += 1
        tally.flaws += flaws_of(act_of(row), row.digest, before)
        before = row.number, row.digest
        for number, digest, who in _anchors(known, let_go):
            if row.number == number and row.digest != digest:
                tally.flaws.append(Flaw(chain=name, number=number, why=f"is not the act that {who} knows"))
    if known is not None and before[0] < known.head.number:
        why = f"is the last, and the journal knows {known.head.number}: what came after it was cut off"
        tally.flaws.append(Flaw(chain=name, number=before[0], why=why))


def _chain(store: Store, name: str, known: Known | None) -> Iterator[AuditRow]:
    """The store's, then what of it is still in the journal alone."""
    number = 0
    while rows := store.chain(name, number, PAGE):
        yield from rows
        number = rows[-1].number
    yield from (row for row in (known.acts if known else ()) if row.number > number)


def _begin(first: AuditRow, let_go: Checkpoint | None) -> tuple[int, str]:
    """What the first act must follow: nothing, or what retention let go. It may have been stopped half way."""
    if let_go is None or first.number > let_go.number + 1:
        return START
    if first.number == let_go.number + 1:
        return let_go.number, let_go.digest
    return first.number - 1, first.previous


def _anchors(known: Known | None, let_go: Checkpoint | None) -> Iterator[tuple[int, str, str]]:
    if known is not None:
        yield known.head.number, known.head.digest, "the journal"
    if let_go is not None:
        yield let_go.number, let_go.digest, "the act of its letting go"
