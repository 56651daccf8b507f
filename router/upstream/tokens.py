"""Requests whose credential is a token that is fetched, kept and renewed while the router runs.

A `TokenSource` asks a `Fetch` for tokens: one at a time however many requests wait, a while before the old one ends, in
a job of the unit that owns the transport, so that no request that leaves takes another's token with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from router.errors import Reason, WireFault
from router.upstream.transport import Transport, UpstreamReply, UpstreamRequest

Spawn = Callable[[Coroutine[Any, Any, None], str], object]

EARLY_S = 300.0
"""How long before its end a token is renewed; requests go on with the old one meanwhile."""

REST_S = 2.0
"""How long nobody asks again after a failure: a token server that is down is not asked once for each request."""

FETCH_S = 30.0
"""The longest that one fetch may take."""

REFUSED = 401


class Token(Struct, frozen=True, kw_only=True):
    """A credential, and for how many seconds from its fetching it holds."""

    value: str
    lifetime_s: float


class Fetch(Protocol):
    """Where tokens come from."""

    async def fetch(self) -> Token:
        """A new one. Raises `WireFault`, CREDENTIAL, when none can be had."""
        ...

    async def start(self) -> None:
        """Take what fetching needs."""
        ...

    async def stop(self) -> None:
        """Give it back."""
        ...


class TokenSource:
    """The token in use. Everything waits for one fetch, none for a renewal that is early enough.

    Args:
        now: monotonic seconds.
        spawn: starts a job that ends with its owner.
    """

    def __init__(self, fetch: Fetch, now: Callable[[], float], spawn: Spawn) -> None:
        self._fetch = fetch
        self._now = now
        self._spawn = spawn
        self._token: str | None = None
        self._until_s = 0.0
        self._renew_s = 0.0
        self._pending: asyncio.Future[str] | None = None
        self._fault: WireFault | None = None
        self._rest_until_s = 0.0

    async def get(self) -> str:
        """A token that holds now. Raises `WireFault`, CREDENTIAL, when there is none to be had."""
        now_s = self._now()
        holds = self._token is not None and now_s < self._until_s
        if (not holds or now_s >= self._renew_s) and self._pending is None:
            if now_s >= self._rest_until_s:
                self._begin()
            elif not holds:
                assert self._fault is not None
                raise _again(self._fault)
        if holds:
            assert self._token is not None
            return self._token
        assert self._pending is not None
        # Shielded: who gives up waiting must not end the fetch that others wait for.
        return await asyncio.shield(self._pending)

    def refused(self, token: str) -> None:
        """The provider did not take this one: it is not used again, unless a newer one is already there."""
        if token == self._token:
            self._token = None

    def _begin(self) -> None:
        self._pending = pending = asyncio.get_running_loop().create_future()
        # Nobody may be waiting for a renewal that fails.
        pending.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        try:
            self._spawn(self._run(pending), "token")
        except RuntimeError:
            # The unit has ended, and starts no job any more.
            self._pending = None
            raise WireFault(Reason.SHUTTING_DOWN, "its credentials are no longer fetched") from None

    async def _run(self, pending: asyncio.Future[str]) -> None:
        began_s = self._now()
        fault = WireFault(Reason.SHUTTING_DOWN, "its credentials are no longer fetched")
        try:
            async with asyncio.timeout(FETCH_S):
                token = await self._fetch.fetch()
            self._token, self._fault = token.value, None
            self._until_s = began_s + token.lifetime_s
            # A token that lives for minutes only is renewed after half of them.
            self._renew_s = self._until_s - min(EARLY_S, token.lifetime_s / 2)
            pending.set_result(token.value)
        except WireFault as error:
            fault = error
            self._rest(fault)
        except TimeoutError:
            fault = WireFault(Reason.CREDENTIAL, f"its token server did not answer within {FETCH_S:g} s")
            self._rest(fault)
        finally:
            self._pending = None
            if not pending.done():
                pending.set_exception(_again(fault))

    def _rest(self, fault: WireFault) -> None:
        self._fault, self._rest_until_s = fault, self._now() + REST_S


class TokenTransport:
    """Another transport whose requests carry a token on their way. See `transport.Transport` for what it promises."""

    def __init__(
        self, inner: Transport, fetch: Fetch, source: TokenSource, extra: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._inner = inner
        self._fetch = fetch
        self._source = source
        self._extra = extra

    async def start(self) -> None:
        """As the other one's; the first token is fetched with the first request."""
        await self._inner.start()
        await self._fetch.start()

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[UpstreamReply]:
        """Send with a token. One that the provider does not take is replaced once: it may have been withdrawn."""
        token = await self._source.get()
        async with self._inner.send(self._dressed(request, token)) as reply:
            if reply.status != REFUSED:
                yield reply
                return
        self._source.refused(token)
        async with self._inner.send(self._dressed(request, await self._source.get())) as reply:
            yield reply

    async def stop(self) -> None:
        """As the other one's."""
        await self._fetch.stop()
        await self._inner.stop()

    def _dressed(self, request: UpstreamRequest, token: str) -> UpstreamRequest:
        return replace(request, headers=(*request.headers, *self._extra, ("authorization", f"Bearer {token}")))


def _again(fault: WireFault) -> WireFault:
    """The same once more: an exception is raised for one waiter only, or its traceback grows with each."""
    return WireFault(fault.reason, fault.message, status=fault.status, retry_after_s=fault.retry_after_s)
