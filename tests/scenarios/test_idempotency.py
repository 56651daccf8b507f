"""A request that comes twice with one key is carried out once, in every protocol."""

from __future__ import annotations

import asyncio
import json
from asyncio import TaskGroup
from pathlib import Path

import pytest

from tests.fakes.replies import cut_after, gated, paused_stream, speak, status
from tests.fakes.served import Served
from tests.fakes.turn import Gate
from tests.scenarios.scene import FIRST, Heard, ask, both, paired, scenario, soon, words
from tests.scenarios.tongues import Front, every_front, tell

KEY = {"Idempotency-Key": "order-1"}
HOW = "x-router-idempotent"


@both
@every_front
@scenario
async def test_a_retry_after_the_answer_is_told_the_same_bytes(front: Front, streamed: bool, tmp_path: Path) -> None:
    """A caller whose connection died after the answer had been paid for asks again, and nobody pays again."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        one = await tell(pair.router, front, streamed, headers=KEY)
        two = await tell(pair.router, front, streamed, headers=KEY)
        assert await pair.router.entries(1)
        page = await pair.metrics()
    assert pair.asked == (1, 0)
    assert one.is_whole(FIRST)
    assert two.body == one.body
    assert HOW not in one.headers
    assert two.headers[HOW] == "replayed"
    assert two.headers["x-request-id"] != one.headers["x-request-id"]
    assert "pointsman_shared_total{" in page


@both
@every_front
@scenario
async def test_a_retry_while_the_first_is_answered_joins_it(front: Front, streamed: bool, tmp_path: Path) -> None:
    """A client that gave up waiting is back before the answer is there."""
    gate = Gate()
    async with paired(tmp_path, gated(gate, speak(FIRST))) as pair, TaskGroup() as group:
        calls = [group.create_task(tell(pair.router, front, streamed, headers=KEY)) for _ in range(3)]
        await gate.reached.wait()
        await pair.router.opened(1)
        await soon(lambda: b'how="joined"} 2' in pair.router.assembly.desk.metrics())
        gate.open()
        told = [await call for call in calls]
        assert len({each.body for each in told}) == 1
        assert sorted(each.headers.get(HOW, "") for each in told) == ["", "joined", "joined"]
    assert pair.asked == (1, 0)


@scenario
async def test_one_who_joins_in_the_middle_hears_it_from_the_beginning(tmp_path: Path) -> None:
    """Half a stream would be no answer; what it was told is told once more."""
    gate, pieces = Gate(), words(4)
    async with paired(tmp_path, paused_stream(pieces, gate)) as pair, TaskGroup() as group:
        gate.let(2)
        async with pair.router.http.post(
            f"{pair.router.url}/v1/chat/completions",
            json={"model": "chat", "messages": [{"role": "user", "content": "hi"}], "stream": True},
            headers=KEY,
        ) as first:
            begun = await first.content.readuntil(b"\n\n")
            joiner = group.create_task(_again(pair.router))
            await soon(lambda: b'how="joined"} 1' in pair.router.assembly.desk.metrics())
            gate.open()
            rest = await first.read()
            heard = await joiner
    assert heard.body == begun + rest
    assert heard.is_from("".join(pieces))


@scenario
async def test_the_first_may_leave_and_the_other_is_answered(tmp_path: Path) -> None:
    """Whose connection opened the exchange is of no account: it ends with its last reader."""
    gate = Gate()
    async with paired(tmp_path, gated(gate, speak(FIRST))) as pair, TaskGroup() as group:
        first = group.create_task(ask(pair.router, True, headers=KEY))
        await gate.reached.wait()
        second = group.create_task(ask(pair.router, True, headers=KEY))
        await soon(lambda: b'how="joined"} 1' in pair.router.assembly.desk.metrics())
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await _turns()
        gate.open()
        assert (await second).is_from(FIRST)
        rows = await pair.router.entries(1)
    assert rows[0].end == "completed"


@scenario
async def test_when_all_have_left_it_ends_and_its_key_is_free(tmp_path: Path) -> None:
    """Nobody reads, so nobody pays for more; who comes later asks anew."""
    gate = Gate()
    async with paired(tmp_path, (gated(gate, speak(FIRST)), speak(FIRST))) as pair, TaskGroup() as group:
        calls = [group.create_task(ask(pair.router, True, headers=KEY)) for _ in range(2)]
        await gate.reached.wait()
        await soon(lambda: b'how="joined"} 1' in pair.router.assembly.desk.metrics())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await soon(lambda: pair.one.left == 1 and pair.router.in_flight == 0)
        again = await ask(pair.router, True, headers=KEY)
        assert again.is_from(FIRST)
        assert HOW not in again.headers
        ends = [row.end for row in await pair.router.entries(2)]
    assert ends == ["client_gone", "completed"]


@every_front
@scenario
async def test_another_request_with_the_same_key_is_refused(front: Front, tmp_path: Path) -> None:
    """A 422: client libraries try a 409 again, which would never help."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        await tell(pair.router, front, False, headers=KEY)
        body = {**front.body("chat", False), "temperature": 0.5}
        async with pair.router.http.post(f"{pair.router.url}{front.path}", json=body, headers=KEY) as refused:
            said = await refused.json()
    assert refused.status == 422
    assert "Idempotency-Key" in json.dumps(said)
    assert pair.asked == (1, 0)


@both
@scenario
async def test_a_failure_is_not_told_again(streamed: bool, tmp_path: Path) -> None:
    """Who asks again after an error wants another answer than that error."""
    script = (status(400), speak(FIRST))
    async with paired(tmp_path, script, only_one=True) as pair:
        failed = await ask(pair.router, streamed, headers=KEY)
        again = await ask(pair.router, streamed, headers=KEY)
    assert failed.status == 400
    assert again.is_from(FIRST)
    assert HOW not in again.headers


@scenario
async def test_what_was_delivered_and_broke_off_is_told_again(tmp_path: Path) -> None:
    """Somebody has the beginning and it was paid for: the same beginning, and the same honest end."""
    async with paired(tmp_path, (cut_after(words(3)), speak(FIRST)), only_one=True) as pair:
        one = await ask(pair.router, True, headers=KEY)
        two = await ask(pair.router, True, headers=KEY)
    assert one.is_broken_off("".join(words(3)))
    assert two.body == one.body
    assert two.headers[HOW] == "replayed"
    assert pair.asked == (1, 0)


@scenario
async def test_an_answer_that_is_too_long_is_delivered_and_not_kept(tmp_path: Path) -> None:
    """What is kept is bounded; the answer is not."""
    pieces = words(400)
    bound = {"max_answer_bytes": 20_000}
    async with paired(tmp_path, speak("".join(pieces)), idempotency=bound) as pair:
        assert (await ask(pair.router, True, headers=KEY)).is_from("".join(pieces))
    gate = Gate()
    async with paired(tmp_path, paused_stream(pieces, gate), idempotency=bound) as pair, TaskGroup() as group:
        first = group.create_task(ask(pair.router, True, headers=KEY))
        gate.let(300)
        await pair.one.until(lambda: bool(pair.one.turns))
        sharing = pair.router.assembly.sharing
        await soon(lambda: sharing.count == 1 and sharing.size_bytes == 0)
        late = await ask(pair.router, True, headers=KEY)
        gate.open()
        assert (await first).is_from("".join(pieces))
        assert sharing.count == 0
    assert (late.status, late.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "too_long"])
@scenario
async def test_what_is_no_key_is_refused(key: str, tmp_path: Path) -> None:
    """Ignored, it would promise what nobody keeps."""
    async with paired(tmp_path, speak(FIRST)) as pair:
        refused = await ask(pair.router, headers={"Idempotency-Key": key})
    assert refused.status == 400
    assert pair.asked == (0, 0)


@scenario
async def test_switched_off_every_request_is_its_own(tmp_path: Path) -> None:
    """An operator may leave it to a gateway in front."""
    async with paired(tmp_path, speak(FIRST), idempotency={"enabled": False}) as pair:
        for _ in range(2):
            assert (await ask(pair.router, headers=KEY)).is_from(FIRST)
    assert pair.asked == (2, 0)


async def _again(router: Served) -> Heard:
    body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    async with router.http.post(f"{router.url}/v1/chat/completions", json=body, headers=KEY) as response:
        return Heard(response, await response.read())


async def _turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)
