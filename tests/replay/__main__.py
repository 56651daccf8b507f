"""`python -m tests.replay`: replay every recording, print the table, fail if a cell did. docs/providers.md is told."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.providers.table import Checked, counted, write
from tests.replay.operations import Outcome as Beside
from tests.replay.operations import replay_operations
from tests.replay.recordings import ABSENT, recordings
from tests.replay.replay import Outcome, replay, unknown
from tests.replay.table import lines


def main() -> int:
    """The exit status: 1 for a failed cell, or for a protocol that nobody said anything about."""
    found = recordings()
    if not found:
        print(f"skipped: {ABSENT}")
        return 0
    told = asyncio.run(_all())
    print("\n".join(lines(told, [one for one in found if one.why_not])))
    beside = asyncio.run(_beside_chat())
    print(
        "\n".join(("", "beside chat:", *(f"  {one.wrong or 'pass'}: {one.recording.id} {one.form}" for one in beside)))
    )
    for api in unknown(found):
        print(f"unknown protocol: {api} (say in tests/replay/recordings.py who speaks it, or why nobody does)")
    write(Checked(kinds=counted(), cells=_counts(told)))
    return (
        1 if unknown(found) or any(one.wrong for one in beside) or any(outcome.verdict.wrong for outcome in told) else 0
    )


async def _all() -> list[Outcome]:
    """One router for each recorded provider: a thousand configured providers in one would measure something else."""
    found = recordings()
    told: list[Outcome] = []
    for provider in sorted({one.provider for one in found}):
        with TemporaryDirectory() as home:
            told += await replay([one for one in found if one.provider == provider], Path(home))
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
