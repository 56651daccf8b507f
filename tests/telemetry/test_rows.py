"""Rows of the request log."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from router.canon.outcome import End
from router.errors import AttemptNote, Reason
from router.telemetry.rows import TEXT_MAX, RowFilter, RowKind, attempt_row, exchange_row, pick_rows
from router.telemetry.scrub import Scrubber
from tests.fakes.facts import attempt_ended, exchange_ended


def test_an_attempts_row_is_its_providers() -> None:
    """It has the status and the tokens, and no cost: that is the exchange's."""
    row = attempt_row(attempt_ended(end=End.FAILED, reason=Reason.THROTTLED, status=429, usage=None))
    assert (row.kind, row.provider, row.status, row.reason) == (RowKind.ATTEMPT, "main", 429, Reason.THROTTLED)
    assert (row.input_tokens, row.cost_usd) == (None, None)
    assert row.at == pytest.approx(1_700_000_000.5)


def test_an_exchanges_row_belongs_to_who_answered_or_was_tried_last() -> None:
    """So that a provider's page shows the exchanges it failed, too."""
    failed = exchange_ended(target=None, attempts=(AttemptNote(target="slow:m", reason=Reason.CONNECT),))
    assert exchange_row(failed).provider == "slow"
    assert exchange_row(exchange_ended()).provider == "main"
    assert exchange_row(exchange_ended()).cost_usd == Decimal("0.0003")
    assert exchange_row(exchange_ended(target=None)).provider is None


def test_a_row_is_short_and_clean() -> None:
    """A thousand rows of a caller's megabyte would be a gigabyte; and no secret, no words of a provider."""
    clean = Scrubber(["canary-config-key"]).text
    rows = (
        attempt_row(attempt_ended(message="canary-prompt canary-config-key", model="canary-config-key"), clean),
        exchange_row(exchange_ended(model="m" * 1_000_000, exchange="Bearer canary-caller"), clean),
    )
    assert b"canary" not in msgspec.json.encode(rows)
    assert len(rows[1].model) == TEXT_MAX


def test_picking_keeps_the_order_and_stops_at_the_limit() -> None:
    """Newest first in, newest first out."""
    rows = [attempt_row(attempt_ended(attempt=f"at-{n}", provider="ab"[n % 2], number=n)) for n in range(6)]
    assert [row.number for row in pick_rows(rows, RowFilter(limit=2))] == [0, 1]
    assert [row.number for row in pick_rows(rows, RowFilter(limit=2, provider="b"))] == [1, 3]
    assert pick_rows(rows, RowFilter(limit=0)) == pick_rows(rows, RowFilter(limit=-1)) == ()


@pytest.mark.parametrize(
    "wanted",
    [
        RowFilter(kind=RowKind.EXCHANGE),
        RowFilter(provider="other"),
        RowFilter(model="other"),
        RowFilter(end=End.CUT),
        RowFilter(reason=Reason.THROTTLED),
        RowFilter(credential="second"),
        RowFilter(key="ck-1"),
        RowFilter(since_at=1_700_000_100.0),
        RowFilter(before=1),
    ],
    ids=lambda wanted: next(name for name in wanted.__struct_fields__ if getattr(wanted, name) not in (None, 100)),
)
def test_each_filter_lets_its_own_row_pass_and_no_other(wanted: RowFilter) -> None:
    """One field at a time."""
    usual = replace(attempt_row(attempt_ended()), seq=7)
    fields = {name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) not in (None, 100)}
    own: dict[str, object] = {"at": 1_700_000_100.0} if "since_at" in fields else {"seq": 0}
    fits = replace(usual, **(fields if next(iter(fields)) in usual.__struct_fields__ else own))
    assert pick_rows((usual, fits), wanted) == (fits,)
