"""A lock that a process holds on a file and that its end gives back, kill included."""

from __future__ import annotations

import sys
from io import FileIO
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class FileLock:
    """Exclusive, also between two holders in one process. Where there is no flock (Windows) it always succeeds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None

    def take(self) -> bool:
        """Take it without waiting; False when somebody else has it. Raises `OSError` when the file cannot be made."""
        file = FileIO(self._path, "a")
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
        self._file = file
        return True

    def release(self) -> None:
        """Give it back, if held. The file stays: removing it would let two holders lock two files of one name."""
        if self._file is not None:
            self._file.close()
            self._file = None
