"""The journal as files in a folder: `00000001.log`, `00000002.log`, ..., the last one growing.

Each begins with what is known of the journal so far, so that the chain of acts goes on where it was, even when all
older files have been carried to the store and are gone. A file whose every record was carried is deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from router.store.journal import AuditRow, Backlog, Head, JournalError, JournalUnusable, Mark, Record
from router.store.lock import FileLock
from router.store.segment import decode_records, encode_record

SEGMENT_BYTES = 4 * 1024 * 1024
"""A file of this size is full; some ten thousand entries."""

_READ_BYTES = 256 * 1024
_ID_BYTES = 8
_FIRST = 1


class DiskJournal:
    """A `Journal` in the folder `path`, made if need be, for its owner alone. One process writes it.

    Args:
        writer: the id to take; None makes one, once, and keeps it in the folder.
    """

    def __init__(self, path: Path, *, writer: str | None = None, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._writer = writer
        self._segment_bytes = segment_bytes
        self._lock = FileLock(path / "lock")
        self._file: int | None = None
        self._head = Head(writer="")
        self._end = Mark(segment=0, offset_bytes=0)
        self._read = Mark(segment=0, offset_bytes=0)

    def open(self) -> Head:
        """As the Protocol says. What is torn is cut off before anything is added behind it."""
        if self._file is not None:
            return self._head
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._lock.take():
                raise JournalUnusable(
                    f"the journal {self._path} is being written by another router; give each one a `home` of its own"
                )
        except OSError as error:
            raise self._told(error) from error
        try:
            self._recover()
        except (OSError, JournalError) as error:
            self._give_back()
            raise (self._told(error) if isinstance(error, OSError) else error) from error
        return self._head

    def append(self, records: tuple[Record, ...]) -> None:
        """One write, one flush. What the disk takes only in part is no record: its checksum says so."""
        if self._file is None:
            raise JournalError(f"the journal {self._path} is not open")
        block = b"".join(map(encode_record, records))
        try:
            if self._end.offset_bytes >= self._segment_bytes:
                self._begin_segment(self._end.segment + 1)
            self._write(block)
        except OSError as error:
            raise self._told(error) from error
        acts = [record for record in records if isinstance(record, AuditRow)]
        if acts:
            self._head = replace(self._head, number=acts[-1].number, digest=acts[-1].digest)

    def backlog(self, limit: int, until: Mark | None = None) -> Backlog:
        """Read from the files, so that a store that refuses for a day costs disk and no memory."""
        records: list[Record] = []
        mark, stop = self._read, until or self._end
        try:
            for record, end in self._following(self._read, stop):
                records.append(record)
                mark = end
                if len(records) >= limit:
                    break
            else:
                mark = max(mark, stop)  # behind the last record there may be heads, which nobody carries
        except OSError as error:
            raise self._told(error) from error
        return Backlog(records=tuple(records), mark=mark)

    def carried(self, mark: Mark) -> None:
        """Forget the files before it."""
        self._read = max(self._read, mark)
        for number in self._segments():
            if number < self._read.segment:
                try:
                    self._file_of(number).unlink(missing_ok=True)
                except OSError as error:
                    raise self._told(error) from error

    def renew(self) -> None:
        """A new file, where all that is in the old one was carried; what is on its way makes the next time wait."""
        if self._read < self._end or self._file is None:
            return
        try:
            self._begin_segment(self._end.segment + 1)
        except OSError as error:
            raise self._told(error) from error
        self.carried(self._end)

    def close(self) -> None:
        """As the Protocol says. When all was carried, nothing but the head is kept."""
        if self._file is None:
            return
        try:
            self.renew()
        except (OSError, JournalError):
            pass  # what stays is carried once more by the next start, without effect
        finally:
            self._give_back()

    def _recover(self) -> None:
        """Read what is there, cut off what is torn, and begin a file of our own behind it."""
        numbers = self._segments()
        head = Head(writer=self._writer or os.urandom(_ID_BYTES).hex())
        torn_bytes = 0
        for number in numbers:
            file = self._file_of(number)
            size, end = file.stat().st_size, 0
            for record, mark in self._of_segment(number, 0, size):
                end = mark.offset_bytes
                head = _known(head, record)
            if end < size and number != numbers[-1]:
                raise JournalUnusable(
                    f"the journal file {file} is damaged at byte {end}; move it away to go on without what it holds"
                )
            if end < size:
                torn_bytes = size - end
                os.truncate(file, end)
        start = Mark(segment=numbers[-1] + 1 if numbers else _FIRST, offset_bytes=0)
        self._head = replace(head, start=start, torn_bytes=torn_bytes)
        self._read = Mark(segment=numbers[0] if numbers else _FIRST, offset_bytes=0)
        self._begin_segment(start.segment)

    def _begin_segment(self, number: int) -> None:
        """A new last file. The folder is flushed too, or a loss of power could take the file's name."""
        file = os.open(self._file_of(number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if self._file is not None:
            os.close(self._file)
        self._file = file
        self._end = Mark(segment=number, offset_bytes=0)
        self._write(encode_record(self._head))
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _write(self, block: bytes) -> None:
        assert self._file is not None
        start, written = self._end.offset_bytes, 0
        # At a place that is named: what a refused write left behind is written over by the next.
        while written < len(block):
            written += os.pwrite(self._file, block[written:], start + written)
        os.fdatasync(self._file)
        self._end = Mark(segment=self._end.segment, offset_bytes=start + len(block))

    def _following(self, start: Mark, stop: Mark) -> Iterator[tuple[Record, Mark]]:
        """Records between two places, over the ends of files."""
        for number in self._segments():
            if not start.segment <= number <= stop.segment:
                continue
            offset = start.offset_bytes if number == start.segment else 0
            size = stop.offset_bytes if number == stop.segment else self._file_of(number).stat().st_size
            for record, mark in self._of_segment(number, offset, size):
                if record is not None and not isinstance(record, Head):
                    yield record, mark

    def _of_segment(self, number: int, offset: int, size: int) -> Iterator[tuple[Record | Head | None, Mark]]:
        with open(self._file_of(number), "rb") as file:
            file.seek(offset)
            rest, start = b"", offset
            while (block := file.read(min(_READ_BYTES, size - start - len(rest)))) or rest:
                rest += block
                end = start
                for placed in decode_records(rest, start):
                    end = placed.end_bytes
                    yield placed.record, Mark(segment=number, offset_bytes=end)
                if end == start and not block:
                    return
                rest, start = rest[end - start :], end

    def _segments(self) -> list[int]:
        try:
            return sorted(int(file.stem) for file in self._path.glob("*.log") if file.stem.isdigit())
        except OSError as error:
            raise self._told(error) from error

    def _file_of(self, number: int) -> Path:
        return self._path / f"{number:08}.log"

    def _give_back(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._lock.release()

    def _told(self, error: OSError) -> JournalError:
        return JournalError(f"the journal {self._path} refuses: {error.strerror or error}")


def read_head(path: Path) -> Head | None:
    """What the journal in the folder `path` knows of itself, read beside its writer; None where there is none."""
    return read_acts(path)[0]


def read_acts(path: Path) -> tuple[Head | None, tuple[AuditRow, ...]]:
    """The same, and the acts that are still in it, in their order."""
    head: Head | None = None
    acts: list[AuditRow] = []
    for file in sorted(path.glob("*.log")):
        try:
            block = file.read_bytes()
        except OSError:
            continue  # carried and gone, this moment
        for placed in decode_records(block):
            head = placed.record if isinstance(placed.record, Head) else _known(head, placed.record) if head else None
            if isinstance(placed.record, AuditRow):
                acts.append(placed.record)
    return head, tuple(acts)


def _known(head: Head, record: Record | Head | None) -> Head:
    """What is known of the journal after one more record."""
    match record:
        case Head():
            return record
        case AuditRow():
            return replace(head, number=record.number, digest=record.digest)
    return head
