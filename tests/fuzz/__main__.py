"""`python -m tests.fuzz`: hostile requests and answers for a while; each bug once, by the seed that finds it again."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser
from collections import Counter
from time import perf_counter

from tests.fuzz.cases import Case, answer_of, question_of, sound

SLOW_S = 5.0
"""An input that takes longer is a bug too: it would hold up every stream in the process."""


def main() -> int:
    """The exit status: 1 where something was found."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--only", action="store_true", help="run that one seed, and show what it is")
    asked = parser.parse_args()
    if asked.only:
        return _show(asked.seed)
    found: Counter[tuple[str, str]] = Counter()
    end_s, seed = perf_counter() + asked.seconds, asked.seed
    while perf_counter() < end_s:
        for case in cases(seed):
            place = trouble(case)
            if place is not None:
                found[place] += 1
                if found[place] == 1:
                    print(f"seed {seed}, {case.what}: {place[0]} at {place[1]}", flush=True)
        seed += 1
    print(f"seeds {asked.seed} to {seed - 1}: {sum(found.values())} failures of {len(found)} kinds")
    return 1 if found else 0


def cases(seed: int) -> list[Case]:
    """What a seed stands for; answers only where there are recordings to spoil."""
    return [question_of(seed), answer_of(seed)] if sound() else [question_of(seed)]


def trouble(case: Case) -> tuple[str, str] | None:
    """What is wrong with how it was taken, and where; None for nothing."""
    begun_s = perf_counter()
    try:
        case.run()
    except Exception as error:  # noqa: BLE001 whatever it is, it is what was looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, f"{last.filename}:{last.lineno}"
    return ("slow", case.what) if perf_counter() - begun_s > SLOW_S else None


def _show(seed: int) -> int:
    for case in cases(seed):
        print(case.what, case.body)
        case.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
