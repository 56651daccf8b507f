"""What facts add to the metrics."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.messages import AttemptEnded, ExchangeEnded, Saved
from router.canon.outcome import End
from router.canon.usage import Usage
from router.errors import AttemptNote, Reason
from router.telemetry import metrics
from router.telemetry.counts import TOKEN_BUCKETS, Counts
from router.telemetry.meter import Meter
from tests.fakes.facts import attempt_ended, exchange_ended


def count(meter: Meter, *facts: AttemptEnded | ExchangeEnded) -> None:
    """Count these together."""
    counts = Counts(meter)
    for fact in facts:
        if isinstance(fact, AttemptEnded):
            counts.attempt(fact)
        else:
            counts.exchange(fact)
    counts.enter()
    counts.enter()  # nothing is left to enter


def test_what_is_added_up_is_what_each_alone_would_be() -> None:
    """However many facts are entered together; and none of them twice."""
    facts: list[AttemptEnded | ExchangeEnded] = [
        attempt_ended(duration_s=0.1),
        attempt_ended(end=End.FAILED, reason=Reason.THROTTLED, usage=None),
        attempt_ended(duration_s=7.0),
        exchange_ended(),
        exchange_ended(cost_usd=None),
        exchange_ended(strategy="weighted"),
    ]
    together, alone = Meter(), Meter()
    count(together, *facts)
    for fact in facts:
        count(alone, fact)
    assert _pointsman(together) == _pointsman(alone)
    assert together.observed(metrics.ATTEMPT_DURATION, "main")[0] == 3


def _pointsman(meter: Meter) -> list[bytes]:
    """The lines of ours, in one order."""
    return sorted(line for line in meter.render().splitlines() if line.startswith(b"pointsman"))


def test_an_attempt_is_counted_once_under_its_end() -> None:
    """Reason "none" stands for an answer."""
    meter = Meter()
    count(meter, attempt_ended())
    count(meter, attempt_ended(end=End.FAILED, reason=Reason.THROTTLED, usage=None))
    assert meter.read(metrics.ATTEMPTS, "main", "small", "completed", "none") == 1
    assert meter.read(metrics.ATTEMPTS, "main", "small", "failed", "throttled") == 1


def test_every_token_is_counted_in_its_own_bucket() -> None:
    """The sum over the buckets is the total that the usage states: none twice, none lost."""
    usage = Usage(**{bucket: 2**place for place, bucket in enumerate(TOKEN_BUCKETS)})
    meter = Meter()
    count(meter, attempt_ended(usage=usage))
    counted = {bucket: meter.read(metrics.TOKENS, "main", "small", bucket) for bucket in TOKEN_BUCKETS}
    assert counted == {bucket: 2**place for place, bucket in enumerate(TOKEN_BUCKETS)}
    assert sum(2**place for place in range(len(TOKEN_BUCKETS))) == usage.total


def test_only_attempts_after_the_first_are_retries() -> None:
    """A retry is counted at the provider it went to."""
    meter = Meter()
    count(meter, attempt_ended())
    count(meter, attempt_ended(number=2, provider="other"))
    assert meter.read(metrics.RETRIES, "main") is None
    assert meter.read(metrics.RETRIES, "other") == 1


def test_events_that_were_left_out_are_counted_where_there_were_any() -> None:
    """Of whom and of which model: a provider may break the stream of one only."""
    meter = Meter()
    count(meter, attempt_ended())
    count(meter, attempt_ended(skipped=2, model="large"))
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
    count(meter, exchange_ended(**changes))
    assert meter.read(metrics.COST, "main") == cost
    assert meter.read(metrics.UNPRICED, "main") == unpriced


def test_what_the_cache_spared_is_counted_where_it_is_known() -> None:
    """By who gave the answer the first time; a hit is free and not unpriced, and who has no cache is not counted."""
    meter = Meter()
    for saved in (Saved(usd=Decimal("0.5"), tokens=15), Saved(usd=None, tokens=None)):
        count(meter, exchange_ended(cache="hit", saved=saved, usage=None, cost_usd=Decimal(0)))
    count(meter, exchange_ended(cache="miss"))
    count(meter, exchange_ended())
    uses = {use: meter.read(metrics.CACHE_REQUESTS, use) for use in ("hit", "miss", "bypass")}
    assert uses == {"hit": 2, "miss": 1, "bypass": None}
    assert meter.read(metrics.CACHE_SAVED_USD, "main") == 0.5
    assert meter.read(metrics.CACHE_SAVED_TOKENS, "main") == 15
    assert meter.read(metrics.UNPRICED, "main") is None


def test_each_provider_of_a_rescued_answer_has_its_own_cost() -> None:
    """Not the last one all of it; what nobody knows of one is unpriced there."""
    meter = Meter()
    costs = (("a", Decimal("0.25")), ("b", Decimal("0.5")), ("c", None))
    count(meter, exchange_ended(cost_usd=None, costs=costs))
    assert [meter.read(metrics.COST, name) for name in ("a", "b", "c", "main")] == [0.25, 0.5, None, None]
    assert meter.read(metrics.UNPRICED, "c") == 1


def test_the_cost_of_a_failed_exchange_goes_to_the_provider_tried_last() -> None:
    """A cut answer costs money though it has no target."""
    meter = Meter()
    notes = (AttemptNote(target="a:m", reason=Reason.CONNECT), AttemptNote(target="b:m:free", reason=Reason.CUT_STREAM))
    count(meter, exchange_ended(target=None, end=End.CUT, reason=Reason.CUT_STREAM, attempts=notes))
    assert meter.read(metrics.COST, "b") == pytest.approx(0.0003)


def test_what_a_caller_wrote_is_no_label() -> None:
    """Ten thousand model names make one series."""
    meter = Meter()
    for number in range(10_000):
        count(meter, exchange_ended(model=f"made-up-{number}", exchange=f"req-{number}"))
    page = meter.render().decode()
    assert "made-up" not in page
    assert page.count("pointsman_exchanges_total{") == 1


def test_a_choice_is_counted_under_the_target_that_was_asked_first() -> None:
    """Whoever answered in the end; and not at all where nobody was asked, as for an answer from the cache."""
    meter = Meter()
    count(meter, exchange_ended(strategy="weighted"))
    notes = (AttemptNote(target="a:m:free", reason=Reason.CONNECT),)
    count(meter, exchange_ended(strategy="weighted", attempts=notes))
    count(meter, exchange_ended(strategy=None))
    assert meter.read(metrics.CHOICES, "weighted", "main", "small") == 1
    assert meter.read(metrics.CHOICES, "weighted", "a", "m:free") == 1
    assert meter.render().decode().count("pointsman_choices_total{") == 2
