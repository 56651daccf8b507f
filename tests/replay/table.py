"""The outcome as a table: provider x front end x kind, and below it every reason in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.replay.fronts import FRONTS
from tests.replay.invoke import KIND as INVOKE
from tests.replay.recordings import KINDS, Recording
from tests.replay.replay import Outcome

_KINDS = ("json", "stream", "error")
_WORDS = ("pass", "fail", "cannot")


def lines(outcomes: Iterable[Outcome], left_out: Iterable[Recording]) -> Iterator[str]:
    """The whole report."""
    told = list(outcomes)
    yield "passed / failed / cannot be said whole, of every recording through every front end"
    yield ""
    yield from _grid(told)
    for title, reasons in (("failed", _failed(told)), ("cannot be said whole", _unsaid(told))):
        yield from _listed(title, reasons)
    yield from _listed("asked of kinds that only this replay brings", _brought(told))
    yield from _listed("not replayed", [(one.why_not or "", one.id) for one in left_out])
    counts = Counter(outcome.verdict.word for outcome in told)
    yield ""
    yield ", ".join(f"{counts[word]} {word}" for word in _WORDS)


def shown(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """How many came out as what, and those that failed."""
    told = list(outcomes)
    reasons = Counter(why for outcome in told for why in outcome.verdict.cannot)
    yield from (f"  {count} times: {why}" for why, count in sorted(reasons.items()))
    yield from _listed("failed", _failed(told))


def _grid(told: list[Outcome]) -> Iterator[str]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for cell, verdict in told:
        for row in (cell.recording.provider, "all"):
            counts[(row, cell.front.name, cell.kind, verdict.word)] += 1
    rows = [*sorted({cell.recording.provider for cell, _ in told}), "all"]
    heads = [f"{front.name} {kind}" for front in FRONTS for kind in _KINDS]
    yield "".join([f"{'provider':20}", *(f"{head:>17}" for head in heads)])
    for row in rows:
        shown = [
            _shown([counts[(row, front.name, kind, word)] for word in _WORDS]) for front in FRONTS for kind in _KINDS
        ]
        yield "".join([f"{row:20}", *(f"{cell:>17}" for cell in shown)])


def _shown(counts: list[int]) -> str:
    return "/".join(map(str, counts)) if any(counts) else "-"


def _failed(told: list[Outcome]) -> list[tuple[str, str]]:
    return [(why, _name(outcome)) for outcome in told for why in outcome.verdict.wrong]


def _unsaid(told: list[Outcome]) -> list[tuple[str, str]]:
    return [(why, _name(outcome)) for outcome in told if not outcome.verdict.wrong for why in outcome.verdict.cannot]


def _brought(told: list[Outcome]) -> list[tuple[str, str]]:
    ids = {cell.recording.id for cell, _ in told if KINDS[cell.recording.api] == INVOKE.name}
    return [(INVOKE.name, name) for name in sorted(ids)]


def _name(outcome: Outcome) -> str:
    return f"{outcome.cell.recording.id} through {outcome.cell.front.name}"


def _listed(title: str, reasons: list[tuple[str, str]]) -> Iterator[str]:
    """Each reason once, with those it holds for."""
    if not reasons:
        return
    yield ""
    yield f"{title}:"
    for why in sorted({why for why, _ in reasons}):
        yield f"  {why}"
        yield from (f"    {name}" for reason, name in reasons if reason == why)
