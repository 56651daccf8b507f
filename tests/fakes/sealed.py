"""`python -m tests.fakes.sealed serve --config FILE`: the router's own command where nothing outside may be touched.

As on a root that is read-only and without internet: what would write outside the folder of the file, or ask any host
but this one, fails as it would there, and says so on stderr.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from router.cli import main

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NOWHERE = ("/dev/", "/proc/self/")


def _sealed(folder: Path) -> None:
    def watch(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[0], str | bytes) and isinstance(args[2], int) and args[2] & _WRITES:
            path = os.path.abspath(os.fsdecode(args[0]))
            if not path.startswith((f"{folder}/", *_NOWHERE)):
                _refuse(f"would write {path}")
        if event in ("socket.getaddrinfo", "socket.gethostbyname") and args[0] not in ("127.0.0.1", "localhost", None):
            _refuse(f"would ask for {args[0]!r}")
        if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in ("127.0.0.1", "::1"):
            _refuse(f"would connect to {args[1]!r}")

    sys.addaudithook(watch)


def _refuse(what: str) -> None:
    print(f"sealed: {what}", file=sys.stderr, flush=True)
    raise OSError(30, what)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    _sealed(Path(sys.argv[sys.argv.index("--config") + 1]).resolve().parent)
    main()
