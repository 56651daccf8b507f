"""One word for the whole, and when a rate speaks against `healthy`."""

from __future__ import annotations

import pytest

from router.policy.wellness import Record, complaint_of, status_of


@pytest.mark.parametrize(
    ("rate", "counted", "said"),
    [(None, 0, None), (0.0, 9, None), (0.9, 10, None), (0.43, 30, "requests: 43% of the last 30 were answered")],
    ids=["nothing", "too few", "at the bound", "under it"],
)
def test_a_rate_is_complained_of_under_the_bound(rate: float | None, counted: int, said: str | None) -> None:
    """Once there are enough outcomes to tell one."""
    assert complaint_of(Record(whose="requests", success_rate=rate, counted=counted)) == said


def test_the_word_is_the_worst_that_is_true() -> None:
    """A stop hides the rest; nobody who can be asked is worse than any reason."""
    assert status_of(ready=False, well=0, reasons=("x",)) == "draining"
    assert status_of(ready=True, well=0, reasons=("x",)) == "unhealthy"
    assert status_of(ready=True, well=1, reasons=("x",)) == "degraded"
    assert status_of(ready=True, well=1, reasons=()) == "healthy"
