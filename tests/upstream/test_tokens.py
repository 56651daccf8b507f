"""Tokens that are fetched, kept and renewed: once for however many wait, early, and again when one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from actors.runtime import Tasks
from router.errors import Reason, WireFault
from router.upstream.tokens import EARLY_S, REST_S, Token, TokenSource, TokenTransport
from router.upstream.transport import UpstreamReply, UpstreamRequest

LIFETIME_S = 3600.0
ASKED = UpstreamRequest(method="POST", url="https://h.example/c", headers=(("a", "b"),), body=b"{}", connect_s=1.0)


class Desk:
    """A place that gives out `t1`, `t2`, ... once it is let, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.fetches = 0
        self.fault: WireFault | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()
        self.tasks = Tasks("test")
        self.source = TokenSource(self, lambda: self.now_s, self.spawn)

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> object:
        """A job of this desk's."""
        return self.tasks.start(coroutine, name=name)

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    async def fetch(self) -> Token:
        """The next token, or the fault."""
        self.fetches += 1
        number = self.fetches
        self.reached.set()
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return Token(value=f"t{number}", lifetime_s=LIFETIME_S)

    async def settle(self) -> None:
        """Until nothing is fetched."""
        await self.tasks.drained()


def test_however_many_wait_there_is_one_fetch() -> None:
    """And one of them that leaves takes the token from nobody."""

    async def run() -> None:
        desk = Desk()
        desk.gate.clear()
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(desk.source.get()) for _ in range(10)]
            await desk.reached.wait()
            waiting[0].cancel()
            await asyncio.sleep(0)
            desk.gate.set()
        assert waiting[0].cancelled()
        assert {task.result() for task in waiting[1:]} == {"t1"}
        assert desk.fetches == 1

    asyncio.run(run())


def test_a_token_is_renewed_before_it_ends_and_nobody_waits() -> None:
    """Requests go on with the old one until the new one is there."""

    async def run() -> None:
        desk = Desk()
        assert await desk.source.get() == "t1"
        desk.now_s = LIFETIME_S - EARLY_S - 1
        assert await desk.source.get() == "t1" and desk.fetches == 1
        desk.now_s += 2
        desk.gate.clear()
        assert await desk.source.get() == "t1"
        assert await desk.source.get() == "t1"
        desk.gate.set()
        await desk.settle()
        assert (await desk.source.get(), desk.fetches) == ("t2", 2)

    asyncio.run(run())


def test_a_renewal_that_fails_leaves_the_old_token_until_it_ends() -> None:
    """Then its own fault is what everybody hears, without asking again at once."""

    async def run() -> None:
        desk = Desk()
        await desk.source.get()
        desk.fault = WireFault(Reason.CREDENTIAL, "the token server is down")
        desk.now_s = LIFETIME_S - 1
        assert await desk.source.get() == "t1"
        await desk.settle()
        assert (await desk.source.get(), desk.fetches) == ("t1", 2)
        desk.now_s = LIFETIME_S + 0.1
        for _ in range(3):
            with pytest.raises(WireFault, match="token server is down") as refused:
                await desk.source.get()
            assert refused.value.reason is Reason.CREDENTIAL
        assert desk.fetches == 2
        desk.now_s += REST_S
        desk.fault = None
        assert (await desk.source.get(), desk.fetches) == ("t3", 3)

    asyncio.run(run())


class Replied:
    """An answer that is only a status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.headers: dict[str, str] = {}

    @property
    def is_over(self) -> bool:
        """As the Protocol says."""
        return True

    async def read(self, limit_bytes: int) -> bytes:
        """Nothing."""
        return b""[:limit_bytes]

    async def _none(self) -> AsyncIterator[bytes]:
        nothing: tuple[bytes, ...] = ()
        for block in nothing:
            yield block

    def blocks(self) -> AsyncIterator[bytes]:
        """Nothing."""
        return self._none()


class Picky:
    """A provider that takes only some tokens."""

    def __init__(self, *taken: str) -> None:
        self.taken = taken
        self.seen: list[str] = []

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamReply]:
        """200 to a token that is taken."""
        token = dict(request.headers)["authorization"].removeprefix("Bearer ")
        self.seen.append(token)
        yield Replied(200 if token in self.taken else 401)


@pytest.mark.parametrize(
    ("taken", "status", "seen"),
    [(("t1",), 200, ["t1"]), (("t2",), 200, ["t1", "t2"]), ((), 401, ["t1", "t2"])],
    ids=["the first", "the second", "none"],
)
def test_a_token_that_is_refused_is_replaced_once(taken: tuple[str, ...], status: int, seen: list[str]) -> None:
    """A second refusal is the provider's word, and goes on as such."""

    async def run() -> None:
        desk, provider = Desk(), Picky(*taken)
        transport = TokenTransport(provider, desk, desk.source)
        async with transport.send(ASKED) as reply:
            assert reply.status == status
        assert provider.seen == seen

    asyncio.run(run())
