"""`python -m tests.replay`: replay every recording, print the table, fail if a cell did. docs/providers.md is told."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.providers.table import Checked, counted, write
from tests.replay.operations import Outcome as Beside
from tests.replay.operations import replay_operations
from tests.replay.recordings import ABSENT, Recording, recordings
from tests.replay.replay import Outcome, replay, replay_crossed, unknown
from tests.replay.table import lines, shown


def main() -> int:
    """The exit status: 1 for a failed cell, or for a protocol that nobody said anything about."""
    found = recordings()
    if not found:
        print(f"skipped: {ABSENT}")
        return 0
    told = asyncio.run(_all(replay))
    print("\n".join(lines(told, [one for one in found if one.why_not])))
    other = asyncio.run(_all(replay_crossed))
    print("\n".join(("", "asked for in the form that was not recorded:", *shown(other))))
    beside = asyncio.run(_beside_chat())
    print(
        "\n".join(("", "beside chat:", *(f"  {one.wrong or 'pass'}: {one.recording.id} {one.form}" for one in beside)))
    )
    for api in unknown(found):
        print(f"unknown protocol: {api} (say in tests/replay/recordings.py who speaks it, or why nobody does)")
    write(Checked(kinds=counted(), cells=_counts(told)))
    wrong = [*(one.wrong for one in beside), *(outcome.verdict.wrong for outcome in (*told, *other))]
    return 1 if unknown(found) or any(wrong) else 0


async def _all(ask: Callable[[list[Recording], Path], Awaitable[list[Outcome]]]) -> list[Outcome]:
    """One router for each recorded provider: a thousand configured providers in one would measure something else."""
    found = recordings()
    told: list[Outcome] = []
    for provider in sorted({one.provider for one in found}):
        with TemporaryDirectory() as home:
            told += await ask([one for one in found if one.provider == provider], Path(home))
    return told


async def _beside_chat() -> list[Beside]:
    with TemporaryDirectory() as home:
        return await replay_operations(recordings(), Path(home))


def _counts(told: list[Outcome]) -> dict[str, tuple[int, int, int]]:
    """By recorded provider: cells that passed, that failed, and that cannot be said whole."""
    counts: dict[str, Counter[str]] = {}
    for outcome in told:
        counts.setdefault(outcome.cell.recording.provider, Counter())[outcome.verdict.word] += 1
    return {name: (words["pass"], words["fail"], words["cannot"]) for name, words in sorted(counts.items())}


if __name__ == "__main__":
    sys.exit(main())
