"""Lines 44 to 51: what the ledger says of what was used, as far as it goes today."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.fakes.replies import event, stall_after, status, stream
from tests.fakes.served import log_of
from tests.fakes.turn import Turn
from tests.scenarios.scene import FIRST, SECOND, both, counted, paired, scenario, words

PRICE = {"input_per_mtok": 3, "cache_read_per_mtok": 0.3, "output_per_mtok": 15}
PRICED = {"models": [{"name": "m", "price": PRICE}]}


def per_mtok(rate: str, tokens: int) -> Decimal:
    """What so many tokens cost at a rate."""
    return Decimal(rate) * tokens / 1_000_000


@both
@scenario
async def test_line_44_cached_tokens_cost_what_reading_the_cache_costs(streamed: bool, tmp_path: Path) -> None:
    """900 of 1000 prompt tokens came from the cache; the answer's header says the same sum as the ledger."""
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 40,
        "total_tokens": 1040,
        "prompt_tokens_details": {"cached_tokens": 900},
    }
    async with paired(tmp_path, counted(usage), keys=PRICED) as pair:
        heard = await pair.ask(streamed)
        (row,) = await pair.router.entries(1)
    expected = per_mtok("3", 100) + per_mtok("0.3", 900) + per_mtok("15", 40)
    assert row.cost_usd == expected
    assert row.cost_source == "priced"
    if not streamed:
        assert Decimal(heard.headers["x-router-cost-usd"]) == expected


@both
@scenario
async def test_line_46_reasoning_is_not_paid_twice(streamed: bool, tmp_path: Path) -> None:
    """OpenAI counts reasoning inside the tokens of the answer."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 100,
        "total_tokens": 110,
        "completion_tokens_details": {"reasoning_tokens": 80},
    }
    async with paired(tmp_path, counted(usage), keys=PRICED) as pair:
        await pair.ask(streamed)
        (row,) = await pair.router.entries(1)
    assert row.usage is not None
    assert row.usage.output_total == 100
    assert row.cost_usd == per_mtok("3", 10) + per_mtok("15", 100)


@scenario
async def test_line_47_a_caller_who_left_has_one_row(tmp_path: Path) -> None:
    """Nobody counted, so what was said is estimated, priced, and marked as an estimate."""
    async with paired(tmp_path, stall_after(words(20)), keys=PRICED) as pair:
        async with pair.router.stream() as heard:
            await heard.begin()
        (row,) = await pair.router.entries(1)
    assert row.end == "client_gone"
    assert row.usage_source == "estimated"
    assert row.usage is not None
    assert 0 < row.usage.output_total <= 20
    assert row.cost_usd == per_mtok("3", row.usage.input_total) + per_mtok("15", row.usage.output_total)


@both
@scenario
async def test_line_48_a_zero_that_was_counted_is_a_zero(streamed: bool, tmp_path: Path) -> None:
    """An explicit 0 of a provider is its word, not the lack of one."""
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    async with paired(tmp_path, counted(usage), keys=PRICED) as pair:
        assert (await pair.ask(streamed)).is_from(FIRST)
        (row,) = await pair.router.entries(1)
    assert row.cost_usd == 0
    assert row.usage_source == "provider_final"


@both
@scenario
async def test_line_48_a_count_that_was_not_given_is_no_zero(streamed: bool, tmp_path: Path) -> None:
    """What was streamed can be estimated; of a whole answer nothing is known."""
    async with paired(tmp_path, counted(None), keys=PRICED) as pair:
        assert (await pair.ask(streamed)).is_from(FIRST)
        (row,) = await pair.router.entries(1)
    if streamed:
        assert (row.usage_source, row.cost_source) == ("estimated", "priced")
        assert row.cost_usd is not None
        assert row.cost_usd > 0
    else:
        assert (row.usage_source, row.cost_usd, row.cost_source) == ("none", None, "uncounted")


@scenario
async def test_line_49_the_words_of_an_error_are_no_output(tmp_path: Path) -> None:
    """A 200 whose body is an error used nothing that anybody counted."""
    said = {"error": {"message": "a long story of what went wrong", "type": "server_error"}}
    async with paired(tmp_path, status(200, body=said), keys=PRICED) as pair:
        assert (await pair.ask()).is_from(SECOND)
        first, second = await pair.router.entries(2)
    assert (first.provider, first.end, first.usage, first.cost_usd) == ("one", "failed", None, None)
    assert second.end == "completed"


@scenario
async def test_line_50_a_failed_attempt_that_was_billed_is_in_the_sum(tmp_path: Path) -> None:
    """The first counts its prompt and then fails; two rows of one request, and both cost."""
    preview = {"id": "c", "choices": [], "usage": {"prompt_tokens": 200, "completion_tokens": 0, "total_tokens": 200}}

    async def script(turn: Turn) -> None:
        await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        await turn.chunk(event(preview))
        await turn.chunk(event({"error": {"message": "boom", "type": "server_error"}}))
        await turn.chunk(b"")

    uncounted = stream([SECOND], usage=None)
    async with paired(tmp_path, script, uncounted, keys=PRICED) as pair:
        heard = await pair.ask(streamed=True)
        first, second = await pair.router.entries(2)
    assert heard.is_from(SECOND)
    assert first.exchange == second.exchange
    assert (first.number, second.number) == (1, 2)
    assert first.usage_source == "provider_partial"
    assert first.cost_usd == per_mtok("3", 200)
    assert second.usage_source == "estimated"
    (told,) = log_of(pair.router.log.read, "exchange ended")
    assert second.usage is not None
    assert told["input_tokens"] == second.usage.input_total, "what the first counted is not what the second used"


@both
@scenario
async def test_line_51_a_model_without_a_price_is_said_to_have_none(streamed: bool, tmp_path: Path) -> None:
    """Null and flagged, never 0."""
    async with paired(tmp_path, counted({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})) as pair:
        heard = await pair.ask(streamed)
        (row,) = await pair.router.entries(1)
    assert row.cost_usd is None
    assert row.cost_source == "unpriced"
    assert "x-router-cost-usd" not in heard.headers
