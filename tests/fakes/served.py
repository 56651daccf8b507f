"""A router that listens on a real socket: in the test's own loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import aiohttp

from actors.messages import EntriesPage, ReadEntries
from actors.runtime import Ref
from router.app import Assembly, Parts, kind_rules
from router.app.servers import server_of
from router.front.server import HttpServer
from router.settings import Origin
from router.store.journal import EntryRow
from tests.fakes.lines import Lines
from tests.fakes.provider import ScriptedProvider
from tests.fakes.stream import ChatStream
from tests.fakes.turn import Changes
from tests.sources import ROOT

NAMES = ("one", "two", "three")
"""What `routed` calls its providers."""
GROUP = "chat"
ASKED: tuple[Mapping[str, str], ...] = ({"role": "user", "content": "Name three colours."},)


def remote(provider: ScriptedProvider, **keys: Any) -> dict[str, Any]:
    """The configuration of a scripted provider, with one model, `m`."""
    return {"kind": "openai-compatible", "base_url": provider.base_url, "models": ["m"], **keys}


def routed(*providers: ScriptedProvider | Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """A configuration with these providers as `one`, `two`, ... behind the group `chat`, in that order.

    A retry waits a millisecond, so that no test waits for one.
    """
    configured = {
        name: remote(provider) if isinstance(provider, ScriptedProvider) else dict(provider)
        for name, provider in zip(NAMES, providers, strict=False)
    }
    basis = {
        "providers": configured,
        "failover_groups": {GROUP: {"targets": [f"{name}:m" for name in configured]}},
        "retry": {"base_delay_ms": 1, "jitter": False},
    }
    return {**basis, **sections}


class Caller:
    """Somebody who calls a router over HTTP."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    def chat(self, *, model: str = GROUP, **fields: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Post a chat request."""
        return self.http.post(
            f"{self.url}/v1/chat/completions", json={"model": model, "messages": list(ASKED), **fields}
        )

    @asynccontextmanager
    async def stream(self, **fields: Any) -> AsyncIterator[ChatStream]:
        """Post a chat request for a stream; leaving closes the connection, however far it was read."""
        async with self.chat(stream=True, **fields) as response:
            assert response.status == 200, await response.text()
            try:
                yield ChatStream(response)
            finally:
                response.close()

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body of one of the operator's pages."""
        async with self.http.get(self.url + path) as response:
            return response.status, await response.json()


class Served(Caller):
    """A router in this loop; `log` is what it logged."""

    def __init__(self, http: aiohttp.ClientSession, server: HttpServer, assembly: Assembly, log: Lines) -> None:
        super().__init__("", http)
        self.assembly = assembly
        self.log = log
        self._server = server
        self.find()

    def find(self) -> None:
        """Learn where it listens; a restart of the front takes another free port."""
        self.url = f"http://127.0.0.1:{self._server.address[1]}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The base URLs of its listeners, the callers' first."""
        return tuple(f"http://127.0.0.1:{port}" for _host, port in self._server.addresses)

    @property
    def in_flight(self) -> int:
        """Exchanges under way."""
        return self.assembly.desk.health().in_flight

    def ref(self, path: str) -> Ref:
        """The actor at a path below the root."""
        return self.assembly.system.ref(f"root/{path}")

    async def crash(self, path: str) -> None:
        """Poison an actor, and wait until its next incarnation runs."""
        ref = self.ref(path)
        before = ref.incarnation
        ref.tell(object())
        await until(lambda: ref.alive and ref.incarnation > before)

    async def opened(self, count: int) -> None:
        """Wait until the account has `count` entries, open ones too: that many attempts have gone out."""
        while len((await self._page()).rows) < count:
            continue

    async def entries(self, count: int) -> tuple[EntryRow, ...]:
        """The account, oldest first, once it has `count` closed entries; more fail the test."""
        while True:
            rows = (await self._page()).rows[::-1]
            if len(rows) >= count and all(row.closed_at is not None for row in rows):
                assert len(rows) == count
                return rows

    async def _page(self) -> EntriesPage:
        page = await self.ref("ledger").ask(ReadEntries())
        assert isinstance(page, EntriesPage)
        return page


@asynccontextmanager
async def served(config: Mapping[str, Any], home: Path) -> AsyncIterator[Served]:
    """A started router on a free port, with a ledger of its own under `home`. Stopped at the end, in order."""
    account = mkdtemp(dir=home)
    own = {
        "home": str(home),
        "ledger": {"path": f"{account}/ledger.sqlite", "journal": f"{account}/journal"},
        **config,
        "server": {"port": 0, **config.get("server", {})},
    }
    origin = Origin(own, {}, kind_rules(), changes=True)
    settings = origin.read()
    log = Lines()
    server = server_of(
        settings,
        make_contexts=lambda desk: assembly.contexts(desk),
        on_bug=lambda request_id, error: assembly.on_bug(request_id, error),
    )
    assembly = Assembly(settings, server=server, origin=origin, parts=Parts(sink=log))
    await assembly.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Served(http, server, assembly, log)
    finally:
        await assembly.stop()
    assert log_of(log.read, "handler failed") == []


class Process(Caller):
    """A router that is a process. `log` is what it logged, `noise` what it said on stderr besides."""

    def __init__(self, http: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        super().__init__("", http)
        self.log: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._process = process
        self._changes = Changes()

    async def said(self, event: str, **fields: object) -> dict[str, Any]:
        """The first log line with that event and those fields, once it is there."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = log_of(self.log, event, **fields)
            return bool(found) or self._process.returncode is not None

        await self._changes.until(look)
        assert found, f"it ended without saying {event!r}: {self.noise}"
        return found[0]

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def peak_bytes(self) -> int:
        """The most memory it has held at once (Linux)."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(peak) * 1024

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    async def exited(self) -> int:
        """Its exit status, once it has one; it may not have said anything that is not a log line."""
        status = await self._process.wait()
        assert self.noise == []
        return status

    async def read(self) -> None:
        """Take in what it says until it ends."""
        stderr = self._process.stderr
        assert stderr is not None
        async for line in stderr:
            if line.startswith(b"{"):
                self.log.append(json.loads(line))
            else:
                self.noise.append(line.decode())
            self._changes.tell()
        await self._process.wait()
        self._changes.tell()


@asynccontextmanager
async def process(config: Mapping[str, Any], home: Path, *, module: str = "router") -> AsyncIterator[Process]:
    """`python -m <module> serve --config FILE`, listening on a free port; killed at the end if it still runs."""
    file = home / "process.json"
    file.write_text(json.dumps({"home": str(home), "server": {"port": 0}, **config}))
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "serve", "--config", str(file)),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.TaskGroup() as group, aiohttp.ClientSession(connector=_unbounded()) as http:
            router = Process(http, running)
            group.create_task(router.read())
            try:
                listening = await router.said("server listening")
                router.url = f"http://{listening['host']}:{listening['port']}"
                yield router
            finally:
                if running.returncode is None:
                    running.kill()
    finally:
        await running.wait()


def log_of(lines: list[dict[str, Any]], event: str, **fields: object) -> list[dict[str, Any]]:
    """The lines with that event and those fields."""
    return [line for line in lines if line["event"] == event and fields.items() <= line.items()]


async def until(what: Callable[[], bool]) -> None:
    """Let the loop turn until `what()` holds: for what the product changes without telling anybody."""
    while not what():  # noqa: ASYNC110 there is no event to wait for
        await asyncio.sleep(0)


def _unbounded() -> aiohttp.TCPConnector:
    """aiohttp's own bound is 100 connections."""
    return aiohttp.TCPConnector(limit=0)
