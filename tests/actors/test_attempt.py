"""How one try ends: what is still awaited after a finish, and whose time it is while a reader is slow."""

from __future__ import annotations

import asyncio
import json

import pytest

from actors.runtime import run_virtual
from router.errors import Reason
from router.upstream.memory import Delay, Fail, Scripted, Silence, Step, in_turn
from tests.fakes.embedded import NOWHERE, PROVIDER, STREAMED, Read, embedded, read

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def said(text: str | None = None, finish: str | None = None, choice: int = 0, **more: object) -> bytes:
    """One chunk; without text and finish, one without choices."""
    delta = {} if text is None else {"content": text}
    choices = [] if text is None and finish is None else [{"index": choice, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": choices, **more}).encode() + b"\n\n"


def streamed(*steps: Step) -> Scripted:
    """A 200 with this stream."""
    return Scripted(headers=STREAMED, steps=steps)


def test_silence_after_the_finish_is_an_end_in_all_but_name() -> None:
    """No `[DONE]`, no end of the body: five seconds later the answer counts as complete."""

    async def main() -> tuple[Read, float]:
        async with embedded(in_turn(streamed(said("well"), said(finish="stop"), Silence()))) as router:
            began = asyncio.get_running_loop().time()
            return await read(router.open()), asyncio.get_running_loop().time() - began

    got, took_s = run_virtual(main())
    assert got.complete
    assert took_s == pytest.approx(5.0, abs=0.01)
    assert got.raw.endswith(DONE)


def test_a_reader_slower_than_that_wait_loses_nothing() -> None:
    """The seconds after a finish are the provider's; what waits for its reader meanwhile is not thrown away."""

    async def main() -> Read:
        usage = said(usage=USAGE)
        steps = (*(said(f"w{number} ") for number in range(40)), said(finish="stop"), usage, DONE)
        async with embedded(in_turn(streamed(*steps))) as router:
            opened = router.open(stream_options={"include_usage": True})
            got = Read()
            while not got.complete:
                got.pieces.append(await opened.outbox.get())
                await asyncio.sleep(6)
            return got

    got = run_virtual(main())
    assert b'"usage":' in got.raw
    assert got.raw.count(b"data: ") == 43


@pytest.mark.parametrize("pieces", range(28, 42))
def test_no_answer_is_called_complete_with_words_missing(pieces: int) -> None:
    """A reader who stops until every clock has run out: whatever is on its way then, all arrives or an error does."""

    async def main() -> Read:
        words = [said(f"w{number} ") for number in range(pieces)]
        async with embedded(in_turn(streamed(*words, said("last") + said(finish="stop") + DONE))) as router:
            opened = router.open()
            await asyncio.sleep(700)
            return await read(opened)

    got = run_virtual(main())
    assert got.complete != (got.error is not None)
    assert not got.complete or b"last" in got.raw


def test_an_error_behind_the_finish_is_one_however_the_stream_ends() -> None:
    """Also where its event lacks the blank line that would have closed it."""

    async def main(end: bytes) -> Read:
        error = b'data: {"error":{"message":"boom","type":"server_error"}}' + end
        async with embedded(in_turn(streamed(said("well"), said(finish="stop"), error))) as router:
            return await read(router.open())

    for end in (b"\n\n", b""):
        got = run_virtual(main(end))
        assert not got.complete
        assert got.error is not None and got.error.reason is Reason.SERVER_ERROR


FIRST_OF_TWO = (said("first"), said(finish="stop"))


@pytest.mark.parametrize("after", [(), (Fail(),), (Silence(),)], ids=["body_ended", "connection_cut", "silence"])
def test_an_answer_without_a_choice_that_was_asked_for_is_not_complete(after: tuple[Step, ...]) -> None:
    """The provider did not say that one is all: the second may have been on its way."""

    async def main() -> Read:
        async with embedded(in_turn(streamed(*FIRST_OF_TWO, *after))) as router:
            return await read(router.open(n=2))

    got = run_virtual(main())
    assert not got.complete
    assert got.error is not None and got.error.reason in (Reason.CUT_STREAM, Reason.IDLE_TIMEOUT)
    assert DONE not in got.raw


def test_a_second_choice_is_waited_for_like_the_first() -> None:
    """Its pauses are those of an answer under way, not of an end in all but name."""

    async def main() -> Read:
        second = (Delay(8), said("second", choice=1), Delay(8), said(finish="stop", choice=1))
        async with embedded(in_turn(streamed(*FIRST_OF_TWO, *second, DONE))) as router:
            return await read(router.open(n=2))

    got = run_virtual(main())
    assert got.complete
    assert b"second" in got.raw


def test_a_provider_may_say_itself_that_one_choice_is_all() -> None:
    """Many take `n` and answer once; their own terminal event ends their answer."""

    async def main() -> Read:
        async with embedded(in_turn(streamed(*FIRST_OF_TWO, DONE))) as router:
            return await read(router.open(n=2))

    assert run_virtual(main()).complete


def test_a_provider_that_was_asked_for_one_choice_owes_one() -> None:
    """`n` is taken out of what goes to a kind that refuses it."""

    async def main() -> Read:
        one = {"kind": "deepseek", "api_key": "sk-test", "base_url": NOWHERE, "models": ["m"]}
        async with embedded(in_turn(streamed(*FIRST_OF_TWO)), providers={"p0": one}) as router:
            return await read(router.open(n=2, router={"on_loss": "warn"}))

    assert run_virtual(main()).complete


@pytest.mark.parametrize(
    "rest", [(Silence(),), (b'{"error":', Silence()), (Delay(2.0), b" ") * 100], ids=["none", "some", "drops"]
)
def test_an_error_whose_body_does_not_end_is_what_its_head_says(rest: tuple[Step, ...]) -> None:
    """A 429 is told within seconds and with the wait it named; for a minute of silence it would be called slow."""

    async def main() -> tuple[Read, float]:
        slow = Scripted(status=429, headers=(("retry-after", "120"),), steps=rest)
        async with embedded(in_turn(slow)) as router:
            began = asyncio.get_running_loop().time()
            return await read(router.open()), asyncio.get_running_loop().time() - began

    got, took_s = run_virtual(main())
    assert got.error is not None
    assert got.error.reason is Reason.THROTTLED
    assert took_s == pytest.approx(5.0, abs=0.1)


COHERE = {
    "kind": "cohere",
    "api_key": "sk-test",
    "base_url": NOWHERE,
    "models": [{"name": "m", "operations": ["embeddings"]}],
}


def embeds(delay_s: float, count: int) -> Scripted:
    """Cohere's answer to so many texts, after a while."""
    body = {"embeddings": {"float": [[1.0]] * count}, "meta": {"billed_units": {"input_tokens": count}}}
    return Scripted(before=(Delay(delay_s),), steps=(json.dumps(body).encode(),))


@pytest.mark.parametrize(
    ("delays_s", "reason", "took_s"),
    [
        ((250, 250, 3), None, 503),
        ((250, 301, 3), Reason.FIRST_BYTE_TIMEOUT, 550),
        ((299, 299, 299), Reason.DEADLINE, 600),
    ],
    ids=["each in its time", "one silent", "all too long"],
)
def test_each_of_several_requests_has_a_time_and_all_have_one(
    delays_s: tuple[float, ...], reason: Reason | None, took_s: float
) -> None:
    """What bounds a whole answer bounds each; the exchange's own time bounds all of them together."""

    async def main() -> tuple[Read, float]:
        answers = [embeds(delay_s, count) for delay_s, count in zip(delays_s, (96, 96, 8), strict=True)]
        sections = {"providers": {"p0": COHERE}, "failover": {"max_attempts": 1}}
        async with embedded(in_turn(*answers), **sections) as router:
            began = asyncio.get_running_loop().time()
            return await read(router.embed(["a"] * 200)), asyncio.get_running_loop().time() - began

    got, took = run_virtual(main())
    assert (got.error.reason if got.error else None) is reason
    assert took == pytest.approx(took_s, abs=0.1)


def test_nothing_more_is_asked_for_a_caller_who_left() -> None:
    """Also where what was asked is read on for its count."""

    async def main() -> int:
        answers = in_turn(embeds(5, 96), embeds(5, 96), embeds(5, 8))
        sections = {"providers": {"p0": {**COHERE, "on_disconnect": "drain", "drain_s": 60}}}
        async with embedded(answers, **sections) as router:
            opened = router.embed(["a"] * 200)
            await asyncio.sleep(2)
            opened.leave()
            await asyncio.sleep(30)
            return len(router.transports["p0"].carried)

    assert run_virtual(main()) == 1


@pytest.mark.parametrize("seed", range(2, 6))
def test_who_has_the_whole_answer_and_leaves_is_not_one_who_left(seed: int) -> None:
    """Its provider's attempts are read on, and it leaves before its attempt has ended: the entry says `completed` all
    the same, in any order of what happens at that moment (seed 91000791)."""

    def word(text: str, **more: str) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
        return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\n\n"

    async def main() -> list[str]:
        blocks = (word("one"), word(" two"), word("", finishReason="STOP"))
        script = in_turn(streamed(*(step for block in blocks for step in (Delay(0.0), block))))
        keys = {**PROVIDER, "kind": "gemini", "api_key": "key", "on_disconnect": "drain"}
        async with embedded(script, providers={"p0": keys}) as router:
            for _ in range(8):
                opened = router.open()
                assert (await read(opened)).complete
                opened.leave()
                await asyncio.sleep(1)
            return [str(row.end) for row in router.account.rows.values()]

    assert run_virtual(main(), seed=seed, shuffle=True) == ["completed"] * 8
