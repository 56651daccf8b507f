"""What facts add to the metrics."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages import Saved
from router.canon.outcome import End
from router.canon.usage import Usage
from router.errors import AttemptNote, Reason
from router.telemetry import metrics
from router.telemetry.counts import TOKEN_BUCKETS, count_attempt, count_exchange
from router.telemetry.meter import Meter
from tests.fakes.facts import attempt_ended, exchange_ended


def test_an_attempt_is_counted_once_under_its_end() -> None:
    """Reason "none" stands for an answer."""
    meter = Meter()
    count_attempt(meter, attempt_ended())
    count_attempt(meter, attempt_ended(end=End.FAILED, reason=Reason.THROTTLED, usage=None))
    assert meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") == 1
    assert meter.read(metrics.ATTEMPTS, "main", "small", "failed", "throttled") == 1


def test_every_token_is_counted_in_its_own_bucket() -> None:
    """The sum over the buckets is the total that the usage states: none twice, none lost."""
    usage = Usage(**{bucket: 2**place for place, bucket in enumerate(TOKEN_BUCKETS)})
    meter = Meter()
    count_attempt(meter, attempt_ended(usage=usage))
    counted = {bucket: meter.read(metrics.TOKENS, "main", "small", bucket) for bucket in TOKEN_BUCKETS}
    assert counted == {bucket: 2**place for place, bucket in enumerate(TOKEN_BUCKETS)}
    assert sum(2**place for place in range(len(TOKEN_BUCKETS))) == usage.total


def test_only_attempts_after_the_first_are_retries() -> None:
    """A retry is counted at the provider it went to."""
    meter = Meter()
    count_attempt(meter, attempt_ended())
    count_attempt(meter, attempt_ended(number=2, provider="other"))
    assert meter.read(metrics.RETRIES, "main") is None
    assert meter.read(metrics.RETRIES, "other") == 1


def test_events_that_were_left_out_are_counted_where_there_were_any() -> None:
    """Of whom and of which model: a provider may break the stream of one only."""
    meter = Meter()
    count_attempt(meter, attempt_ended())
    count_attempt(meter, attempt_ended(skipped=2, model="large"))
    assert meter.read(metrics.SKIPPED_EVENTS, "main", "small") is None
    assert meter.read(metrics.SKIPPED_EVENTS, "main", "large") == 2


@pytest.mark.parametrize(
    ("changes", "cost", "unpriced"),
    [
        pytest.param({}, 0.0003, None, id="priced"),
        pytest.param({"cost_usd": Decimal(0)}, 0.0, None, id="free-is-a-price"),
        pytest.param({"cost_usd": None}, None, 1, id="nobody-knows"),
        pytest.param({"cost_usd": None, "usage": None}, None, 1, id="answered-but-not-counted"),
        pytest.param(
            {"cost_usd": None, "usage": None, "target": None, "end": End.REFUSED}, None, None, id="no-provider"
        ),
    ],
)
def test_a_cost_is_known_or_unpriced_never_zero_for_unknown(
    changes: dict[str, object], cost: float | None, unpriced: float | None
) -> None:
    """An unknown price shows as unpriced; exchanges that reached no provider show as neither."""
    meter = Meter()
    count_exchange(meter, exchange_ended(**changes))
    assert meter.read(metrics.COST, "main") == cost
    assert meter.read(metrics.UNPRICED, "main") == unpriced


def test_what_the_cache_spared_is_counted_where_it_is_known() -> None:
    """By who gave the answer the first time; a hit is free and not unpriced, and who has no cache is not counted."""
    meter = Meter()
    for saved in (Saved(usd=Decimal("0.5"), tokens=15), Saved(usd=None, tokens=None)):
        count_exchange(meter, exchange_ended(cache="hit", saved=saved, usage=None, cost_usd=Decimal(0)))
    count_exchange(meter, exchange_ended(cache="miss"))
    count_exchange(meter, exchange_ended())
    uses = {use: meter.read(metrics.CACHE_REQUESTS, use) for use in ("hit", "miss", "bypass")}
    assert uses == {"hit": 2, "miss": 1, "bypass": None}
    assert meter.read(metrics.CACHE_SAVED_USD, "main") == 0.5
    assert meter.read(metrics.CACHE_SAVED_TOKENS, "main") == 15
    assert meter.read(metrics.UNPRICED, "main") is None


def test_each_provider_of_a_rescued_answer_has_its_own_cost() -> None:
    """Not the last one all of it; what nobody knows of one is unpriced there."""
    meter = Meter()
    costs = (("a", Decimal("0.25")), ("b", Decimal("0.5")), ("c", None))
    count_exchange(meter, exchange_ended(cost_usd=None, costs=costs))
    assert [meter.read(metrics.COST, name) for name in ("a", "b", "c", "main")] == [0.25, 0.5, None, None]
    assert meter.read(metrics.UNPRICED, "c") == 1


def test_the_cost_of_a_failed_exchange_goes_to_the_provider_tried_last() -> None:
    """A cut answer costs money though it has no target."""
    meter = Meter()
    notes = (AttemptNote(target="a:m", reason=Reason.CONNECT), AttemptNote(target="b:m:free", reason=Reason.CUT_STREAM))
    count_exchange(meter, exchange_ended(target=None, end=End.CUT, reason=Reason.CUT_STREAM, attempts=notes))
    assert meter.read(metrics.COST, "b") == pytest.approx(0.0003)


def test_what_a_caller_wrote_is_no_label() -> None:
    """Ten thousand model names make one series."""
    meter = Meter()
    for number in range(10_000):
        count_exchange(meter, exchange_ended(model=f"made-up-{number}", exchange=f"req-{number}"))
    page = meter.render().decode()
    assert "made-up" not in page
    assert page.count("pointsman_exchanges_total{") == 1


def test_a_choice_is_counted_under_the_target_that_was_asked_first() -> None:
    """Whoever answered in the end; and not at all where nobody was asked, as for an answer from the cache."""
    meter = Meter()
    count_exchange(meter, exchange_ended(strategy="weighted"))
    notes = (AttemptNote(target="a:m:free", reason=Reason.CONNECT),)
    count_exchange(meter, exchange_ended(strategy="weighted", attempts=notes))
    count_exchange(meter, exchange_ended(strategy=None))
    assert meter.read(metrics.CHOICES, "weighted", "main", "small") == 1
    assert meter.read(metrics.CHOICES, "weighted", "a", "m:free") == 1
    assert meter.render().decode().count("pointsman_choices_total{") == 2
