"""What is done from the command line, as acts of the audit log: a chain of this machine's commands.

The router that runs owns its journal, and its store may be away or need the very secret that is being set. So commands
have a journal of their own, `commands` under `home`: an act is on the disk before its command ends, and in the store as
soon as one of them reaches it. Its head knows the last act, so that one that is cut off from the store is missed.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from threading import Event

from msgspec.json import encode
from msgspec.structs import replace

from actors.books import act_of
from actors.runtime.ports import SystemWall
from router.policy.audit import digest_of
from router.store.disk import DiskJournal, read_head
from router.store.journal import AuditRow, JournalError, JournalUnusable, Store

FOLDER = "commands"
"""Of the journal, under `home`."""

_PATIENCE = 50
_WAIT_S = 0.1
"""Another command holds the journal for a few milliseconds; one that hangs is not waited for any longer than 5 s."""

_LOT = 500


def keep_act(home: Path, act: str, subject: str, detail: dict[str, object] | None = None) -> None:
    """Add an act that is done. Raises `JournalError` when it cannot be kept."""
    journal = _opened(home)
    try:
        head = journal.open()
        row = AuditRow(
            chain=head.writer,
            number=head.number + 1,
            at=SystemWall().now(),
            actor=f"command {_user()}",
            act=act,
            subject=subject,
            outcome="done",
            detail=encode(detail or {}).decode(),
            previous=head.digest,
            digest="",
        )
        journal.append((replace(row, digest=digest_of(act_of(row))),))
    finally:
        journal.close()


def carry_acts(home: Path, store: Store) -> None:
    """Bring to the store what it does not have yet of them. Raises `JournalError`."""
    if not (home / FOLDER).exists():
        return
    journal = _opened(home)
    try:
        while (backlog := journal.backlog(_LOT)).records:
            store.put(backlog.records)
            journal.carried(backlog.mark)
    finally:
        journal.close()


def _opened(home: Path) -> DiskJournal:
    """The journal, once no other command has it."""
    path = home / FOLDER
    known = read_head(path)
    journal = DiskJournal(path, writer=known.writer if known else f"command-{os.urandom(8).hex()}")
    for _ in range(_PATIENCE):
        try:
            journal.open()
            return journal
        except JournalUnusable:
            Event().wait(_WAIT_S)
    raise JournalError(f"another command holds {path}")


def _user() -> str:
    """Who runs the command, by the system's name; a container may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
