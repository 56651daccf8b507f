"""A provider behind a socket: takes requests off the wire and writes answers onto it, well or with a fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from actors.runtime import Job, Tasks
from router.upstream.memory import Delay, Fail, Scripted, Silence, Step
from router.upstream.transport import UpstreamRequest
from tests.simulation.provider import SimProvider
from tests.simulation.scouting import is_listing
from tests.simulation.story import Keys
from tests.simulation.wire.faults import WIRE_FAULTS, Answer
from tests.simulation.wire.http import CONTINUE, LAST_CHUNK, Message, Unsound, chunk, dechunked

LISTING = "listing"
"""The place of whatever is no caller's request."""

CONNECTING = ("connect_refused", "connect_hangs")
"""Faults that need no request: the network itself meets them."""


class WirePeer(SimProvider):
    """One configured provider. `knock` is how connections reach it."""

    async def knock(self) -> asyncio.Protocol:
        """A connection comes about; or not. Raises `ConnectionRefusedError`."""
        self._knocks += 1
        place = f"{self.name}.{self._knocks}"
        chance = self._schedule.chance(place)
        drawn = chance.choice(CONNECTING) if chance.random() < self._wire_rate * 0.2 else ""
        if self.faulty and drawn and self._schedule.admits(drawn, place):
            if drawn == "connect_hangs":
                await asyncio.get_running_loop().create_future()
            raise ConnectionRefusedError(111, "on purpose")
        return _Line(self)

    def prepare(self, tasks: Tasks, wire_rate: float) -> None:
        """Before the first connection.

        Args:
            wire_rate: share of answers that meet a fault of the wire.
        """
        self._tasks = tasks
        self.configured: dict[str, Keys] = {}
        """By the first part of a path what its provider was configured with."""
        self._wire_rate = wire_rate
        self._knocks = 0
        self._busy: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Requests under way."""
        return self._busy.total() - self.listing

    @property
    def listing(self) -> int:
        """Questions under way for what it has."""
        return self._busy[LISTING]

    def answer(self, request: UpstreamRequest) -> tuple[Step, ...]:
        """What goes over the wire, and when."""
        place = _place_of(request.url)
        if is_listing(request):
            return _framed(self.list(self.configured[place]), self._schedule.chance(f"wire listing {self.name}"))
        scripted = self._script(request)
        told = self._story.told[-1]
        told.keys = self.configured[place]
        most = told.keys.get("max_parallel")
        # Under one place may be several units of it, of which all but one are leaving.
        units = 1 + self._story.renewed.count(self.name)
        self._crowd(self._busy[place], most and most * units)
        chance = self._schedule.chance(f"wire {told.exchange}.{self.name}.{len(self._story.told)}")
        steps = _framed(scripted, chance)
        kind = chance.choice(tuple(WIRE_FAULTS)) if chance.random() < self._wire_rate else ""
        if self.faulty and not told.fault and kind and self._schedule.admits(kind, f"{told.exchange}.{self.name}"):
            told.fault = kind
            steps = WIRE_FAULTS[kind](_answer_of(scripted), chance)
        told.whole = told.whole and self._last_word in _heard(steps)
        return steps


class _Line(asyncio.Protocol):
    """One connection, kept for the next request."""

    def __init__(self, peer: WirePeer) -> None:
        self._peer = peer
        self._transport: asyncio.Transport | None = None
        self._asked = Message()
        self._job: Job | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer.connections += 1

    def data_received(self, data: bytes) -> None:
        self._asked.feed(data)
        if self._asked.complete:
            asked, self._asked = self._asked, Message()
            self._job = self._peer._tasks.start(self._answer(asked), name=f"providers {self._peer.name}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._peer.connections -= 1
        if self._job is not None:
            self._job.stop()

    async def _answer(self, asked: Message) -> None:
        peer = self._peer
        said = _Saying()
        method, path = asked.head.decode("latin-1").split(" ")[:2]
        request = UpstreamRequest(method=method, url=path, headers=(), body=asked.body, connect_s=0)
        place = LISTING if is_listing(request) else _place_of(path)
        peer._busy[place] += 1
        try:
            for step in peer.answer(request):
                await self._happen(step)
                if said.ends(step):
                    peer._busy[place] -= 1
                await asyncio.sleep(0)
        finally:
            if not said.over:
                peer._busy[place] -= 1

    async def _happen(self, step: Step) -> None:
        assert self._transport is not None
        match step:
            case bytes():
                self._transport.write(step) if step else self._transport.close()
            case Delay():
                await asyncio.sleep(step.seconds)
            case Silence():
                await asyncio.get_running_loop().create_future()
            case Fail():
                self._transport.abort()


class _Saying:
    """How far an answer is: once it is complete, or its connection has ended, its request is over for everybody."""

    def __init__(self) -> None:
        self.over = False
        self._said = Message(ends_with_connection=True)

    def ends(self, step: Step) -> bool:
        """Whether the answer ends with this step; said once."""
        if self.over:
            return False
        if isinstance(step, bytes) and step:
            try:
                self._said.feed(step)
            except Unsound:
                return False
        self.over = self._said.complete or isinstance(step, Fail) or step == b""
        return self.over


def _place_of(path: str) -> str:
    return path.removeprefix("/").partition("/")[0]


def _answer_of(scripted: Scripted) -> Answer:
    blocks = tuple(chunk(step) for step in scripted.steps if isinstance(step, bytes) and step)
    return Answer(head=_head(scripted, (("transfer-encoding", "chunked"),)), pieces=blocks, last=LAST_CHUNK)


def _head(scripted: Scripted, framing: tuple[tuple[str, str], ...]) -> bytes:
    lines = (f"{name}: {value}" for name, value in (*scripted.headers, *framing))
    return "\r\n".join((f"HTTP/1.1 {scripted.status} said", *lines, "", "")).encode()


def _framed(scripted: Scripted, chance: Random) -> tuple[Step, ...]:
    """In chunks mostly; whole bodies by their length too, and now and then ended by the connection's end."""
    before = tuple(Fail() if isinstance(step, Fail) else step for step in scripted.before)
    way = chance.random()
    if way < 0.6 or not all(isinstance(step, bytes | Delay) for step in scripted.steps):
        answer = (_head(scripted, (("transfer-encoding", "chunked"),)), *_chunks(scripted.steps), LAST_CHUNK)
    elif way < 0.9:
        body = b"".join(step for step in scripted.steps if isinstance(step, bytes))
        answer = (_head(scripted, (("content-length", str(len(body))),)), *(s for s in scripted.steps if s != b""))
    else:
        answer = (_head(scripted, (("connection", "close"),)), *(s for s in scripted.steps if s != b""), b"")
    return (*before, *answer)


def _chunks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(chunk(step) if isinstance(step, bytes) else step for step in steps if step != b"")


def _heard(steps: tuple[Step, ...]) -> bytes:
    """The body in what is written before the connection ends, as far as it can be made out."""
    written = b""
    for step in steps:
        if isinstance(step, Fail | Silence) or step == b"":
            break
        written += step if isinstance(step, bytes) else b""
    while written.startswith(CONTINUE):
        written = written.removeprefix(CONTINUE)
    head, _, body = written.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head:
        return body
    try:
        return dechunked(body)[0]
    except Unsound as error:
        return error.body
