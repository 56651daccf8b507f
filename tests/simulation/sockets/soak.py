"""`python -m tests.simulation.sockets.soak`: hours of calls and faults on a router that is a process, and its account.

A provider on a socket answers, whole and streamed; `ops/load/soak.py` puts its load on the router and says whether
memory and files stay flat; all that is not known here goes to it (`--hours 8 --callers 16`). Then the router is told to
stop, and its account is read. The exit status is 1 when it was not flat, did not stop in order, or when an entry is
open or missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from router.store.journal import EntryRow, Query
from router.store.sqlite import sqlite_store
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, stream
from tests.fakes.served import GROUP, process, remote, routed
from tests.fakes.turn import Script, Turn
from tests.sources import ROOT

_MOST_KEPT = 10_000
"""Requests that the provider, and log lines that the router's reader remembers: hours have too many."""

STALL_S = 1.0
"""How long an answer that stalls is waited for: a minute, which is the default, would be most of a soak."""

_WHOLE, _STREAMED = answer("Red, green and blue."), stream(("Red", ", ", "green", " and ", "blue", ".") * 10)


class Answering:
    """What the provider does. `asked` is how often."""

    def __init__(self) -> None:
        self.asked = 0
        self.provider = ScriptedProvider(choose=self._choose)
        self.kept: list[list[Any]] = [self.provider.turns]

    def _choose(self, turn: Turn) -> Script:
        self.asked += 1
        for kept in self.kept:
            if len(kept) > _MOST_KEPT:
                del kept[: _MOST_KEPT // 2]
        return _STREAMED if json.loads(turn.body)["stream"] else _WHOLE


def wrongs(rows: Iterable[EntryRow], asked: int) -> list[str]:
    """What is wrong with an account, in words.

    Args:
        asked: requests that the provider saw.
    """
    ends: Counter[str] = Counter("open" if row.closed_at is None else str(row.end) for row in rows)
    print(f"account: {dict(sorted(ends.items()))}; the provider saw {asked} requests", flush=True)
    found = [f"{ends['open']} entries are open"] * bool(ends["open"])
    # A fault that is injected before its request leaves has an entry, and no request.
    return found + [f"{asked} requests have {ends.total()} entries"] * (asked > ends.total())


def entries(home: Path) -> Iterator[EntryRow]:
    """Every entry of a router's home, page by page."""
    store = sqlite_store(home / "ledger.sqlite", read_only=True)
    store.open()
    query = Query(limit=1000)
    while page := store.entries(query):
        yield from page
        query = Query(limit=1000, before=page[-1].seq)
    store.close()


async def soak(arguments: list[str], home: Path) -> list[str]:
    """All of it; what went wrong, in words."""
    answering = Answering()
    async with answering.provider as provider:
        one = remote(provider, timeouts={"idle_s": STALL_S})
        config = routed(one, server={"port": 0, "faults": True})
        async with process(config, home) as router:
            answering.kept.append(router.log)
            load = await asyncio.create_subprocess_exec(
                *(sys.executable, str(ROOT / "ops" / "load" / "soak.py"), "--url", router.url, "--model", GROUP),
                *("--pid", str(router.pid), "--faults", *arguments),
            )
            found = ["it is not flat"] * (await load.wait() != 0)
            router.signal(signal.SIGTERM)
            status = await router.exited()
            found += [f"the router ended with {status}"] * (status != 0)
    return found + wrongs(entries(home), answering.asked)


def main() -> int:
    """0 when nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.sockets.soak", description=__doc__)
    parser.add_argument("--home", type=Path, help="where the account is kept; default: a folder that is deleted")
    asked, rest = parser.parse_known_args()
    with TemporaryDirectory() as folder:
        home = asked.home or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(soak(rest, home))
    for words in found:
        print(f"wrong: {words}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
