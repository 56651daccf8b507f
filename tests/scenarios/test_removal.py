"""A stream outlives whatever becomes of its provider in the configuration, in every protocol."""

from __future__ import annotations

from asyncio import TaskGroup
from pathlib import Path

from tests.fakes.replies import paused_stream
from tests.fakes.turn import Gate
from tests.scenarios.scene import SECOND, joined, paired, scenario, soon, words
from tests.scenarios.tongues import Front, every_front, tell


@every_front
@scenario
async def test_a_stream_outlives_the_removal_of_its_provider(front: Front, tmp_path: Path) -> None:
    """It ends with its own last word; whoever comes meanwhile is answered by who is left."""
    gate, pieces = Gate(), words(4)
    async with paired(tmp_path, paused_stream(pieces, gate)) as pair, TaskGroup() as group:
        under_way = group.create_task(tell(pair.router, front, headers={"Idempotency-Key": "before"}))
        gate.let(1)
        await pair.one.until(lambda: bool(pair.one.turns))
        url, http = f"{pair.router.url}/config", pair.router.http
        async with http.put(f"{url}/groups/chat", json={"targets": ["two:m"]}) as changed:
            assert changed.status == 200
        async with http.delete(f"{url}/providers/one") as removed:
            assert removed.status == 200
        assert (await tell(pair.router, front)).is_whole(SECOND)
        gate.open()
        told = await under_way
        assert told.is_whole(joined(pieces))
        assert told.headers["x-router-provider"] == "one"
        again = await tell(pair.router, front, headers={"Idempotency-Key": "before"})
        assert (again.body, again.headers["x-router-config"]) == (told.body, told.headers["x-router-config"])
        await soon(lambda: pair.one.open_connections == 0)
    assert len(pair.one.turns) == 1
