"""Small requests, which go out in one write: what their answers may begin with, and when a connection is kept."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.streams import EMPTY_PAYLOAD

from actors.runtime.virtual import run_virtual
from router.upstream.pool import Pool
from router.upstream.session import Answer
from tests.fakes.caller import LIMIT_BYTES, open_transport, post, whole_of
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, raw, status
from tests.fakes.turn import Gate, Turn

FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@on_real_loops
@pytest.mark.parametrize("code", [100, 102, 103])
async def test_heads_before_the_head_are_passed_over(code: int) -> None:
    """An informational answer is none."""
    early = b"HTTP/1.1 %d Early\r\nX-Early: yes\r\n\r\n" % code
    async with ScriptedProvider(raw(early + FINAL)) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url)) as reply:
            assert (reply.status, await reply.read(LIMIT_BYTES)) == (200, b"ok")
        assert "x-early" not in reply.headers


@on_real_loops
@pytest.mark.parametrize("size", [0, 64 * 1024, 64 * 1024 + 1, 512 * 1024, 512 * 1024 + 1])
async def test_a_body_arrives_whole_on_every_side_of_every_bound(size: int) -> None:
    """In one write, in two, and in pieces."""
    body = b"x" * size
    async with ScriptedProvider(answer(), choose=lambda turn: status(200, body=b"ok")) as provider:
        async with open_transport() as transport:
            for _ in range(2):
                async with transport.send(post(provider.base_url, body)) as reply:
                    assert await reply.read(10) == b"ok"
        assert [(turn.body, turn.headers["content-length"]) for turn in provider.turns] == [(body, str(size))] * 2
        assert provider.connections == 1


class Held:
    """A connection that knows what became of it, its own protocol and transport."""

    def __init__(self, *, unsent_bytes: int = 0, upgraded: bool = False, should_close: bool = False) -> None:
        self.protocol = self.transport = self
        self.unsent_bytes = unsent_bytes
        self.upgraded = upgraded
        self.should_close = should_close
        self.resting = False
        self.is_open = True

    def get_write_buffer_size(self) -> int:
        """What the request has left to send."""
        return self.unsent_bytes

    def is_connected(self) -> bool:
        """Nobody has closed it."""
        return self.is_open

    def close(self) -> None:
        """Let go for good."""
        self.is_open = False


_HELD: dict[str, tuple[dict[str, Any], bool]] = {
    "as it is": ({}, True),
    "with a request half sent": ({"unsent_bytes": 1}, False),
    "to be closed": ({"should_close": True}, False),
    "speaking something else": ({"upgraded": True}, False),
}


@pytest.mark.parametrize("held", _HELD)
def test_a_connection_goes_to_the_next_request_only_when_it_is_done_with_this(held: str) -> None:
    """The rest of a body whose answer came early would be read as the beginning of another request."""

    async def scene() -> None:
        state, is_kept = _HELD[held]
        pool, connection = Pool(idle_s=30.0), cast(Any, Held(**state))
        ended = Answer(pool, connection, connection, cast(Any, SimpleNamespace(code=200, headers={})), EMPTY_PAYLOAD)
        ended.close()
        assert connection.is_open is connection.resting is is_kept
        assert pool.take() is (connection if is_kept else None)
        assert pool.take() is None

    run_virtual(scene())


def test_a_pool_gives_what_was_used_last_and_closes_what_nobody_takes() -> None:
    """One that died in it is passed over; each has its own time."""

    async def scene() -> None:
        pool, connections = Pool(idle_s=30.0), [cast(Any, Held()) for _ in range(4)]
        first, second, third, dead = connections
        for connection in (first, second, dead):
            pool.give(connection, connection)
        dead.close()
        assert (pool.take() is second) is True
        await asyncio.sleep(20)
        pool.give(second, second)
        await asyncio.sleep(11)
        assert [each.is_open for each in connections] == [False, True, True, False]
        pool.give(third, third)
        await asyncio.sleep(20)
        assert [each.is_open for each in connections] == [False, False, True, False]
        pool.close()
        assert not third.is_open and pool.take() is None

    run_virtual(scene())


@on_real_loops
async def test_a_name_and_password_in_the_address_are_sent_as_such() -> None:
    """Some gateways in front of providers want them."""
    async with ScriptedProvider(answer()) as provider, open_transport() as transport:
        url = provider.base_url.replace("http://", "http://ann:secret@")
        plain = post(url)
        bare = type(plain)(method=plain.method, url=plain.url, headers=(), body=plain.body, connect_s=plain.connect_s)
        async with transport.send(bare) as reply:
            await reply.read(LIMIT_BYTES)
        assert provider.turns[0].headers["authorization"] == "Basic YW5uOnNlY3JldA=="


@on_real_loops
@pytest.mark.parametrize("body", [b"{}", b"x" * (512 * 1024 + 1)], ids=["small", "large"])
@pytest.mark.parametrize("together", [True, False], ids=["in one block with it", "once it was read"])
async def test_what_comes_behind_an_answer_is_nobodys_answer(together: bool, body: bytes) -> None:
    """The next request on that connection could be another caller's: it has a connection of its own."""
    gate = Gate()

    async def twice(turn: Turn) -> None:
        await turn.send(FINAL[:-2])
        await gate.wait()
        for block in (b"ok" + FINAL,) if together else (b"ok", FINAL):
            await turn.send(block)
            await gate.wait()
        await turn.gone()

    async with ScriptedProvider(twice, answer("mine")) as provider, open_transport() as transport:
        async with transport.send(post(provider.base_url, body)) as reply:
            gate.let()
            assert await reply.read(LIMIT_BYTES) == b"ok"
        gate.open()
        await provider.until(lambda: provider.open_connections == 0)
        assert b"mine" in await whole_of(transport, post(provider.base_url))
