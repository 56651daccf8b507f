"""Serves recordings on a socket and asks for each through every front end of a router, streamed or not as it was.

Each cell has a provider of its own in the router's configuration: an error that opens a breaker or asks for quiet is
felt by nobody else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from router.providers import find_kinds
from router.providers.kind import Kind
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import raw
from tests.fakes.served import Served, served
from tests.fakes.turn import Script, Turn
from tests.replay.framing import pieces
from tests.replay.fronts import FRONTS, Front, asked
from tests.replay.invoke import installed
from tests.replay.reading import read
from tests.replay.recordings import BESIDE_CHAT, KINDS, NOT_REPLAYED, Recording
from tests.replay.verdict import Heard, Verdict, judge, judge_crossed

_NAMES = {"llama.cpp": "llamacpp-server"}
"""What the recordings call a provider -> its kind, where that is another word."""

_FRAMING = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection"})


class Cell(NamedTuple):
    """One recording asked for through one front end. A whole error is asked for both ways."""

    recording: Recording
    front: Front
    streamed: bool
    fails: bool

    @property
    def kind(self) -> str:
        """For the table: errors inside a 200 are errors too."""
        if self.fails:
            return "error"
        return "stream" if self.streamed else "json"


class Outcome(NamedTuple):
    """What came of a cell."""

    cell: Cell
    verdict: Verdict


def cells(recordings: Iterable[Recording]) -> Iterator[Cell]:
    """Every cell of these recordings that can be replayed."""
    for recording in recordings:
        if recording.why_not is None and recording.api in KINDS:
            fails = read(recording).fault is not None
            ways = (False, True) if fails and not recording.streamed else (recording.streamed,)
            yield from (Cell(recording, front, streamed, fails) for front in FRONTS for streamed in ways)


def crossed(recordings: Iterable[Recording]) -> Iterator[Cell]:
    """Every cell that asks for the form in which no answer was recorded: a stream of what came whole, and back."""
    for cell in cells(recordings):
        if cell.streamed == cell.recording.streamed and not (cell.fails and not cell.streamed):
            yield cell._replace(streamed=not cell.streamed)


def unknown(recordings: Iterable[Recording]) -> list[str]:
    """Protocols that nobody said anything about: a recording must not be skipped because its protocol is new."""
    return sorted({one.api for one in recordings} - set(KINDS) - BESIDE_CHAT - set(NOT_REPLAYED))


async def replay(recordings: Iterable[Recording], home: Path) -> list[Outcome]:
    """Ask for everything once, through one router."""
    asking = list(cells(recordings))
    heard = await _hear(asking, home)
    with installed(home):
        kinds = find_kinds()
    return [
        Outcome(cell, judge(cell.recording, cell.front, answer, relays=kinds[kind_of(cell.recording, kinds)].relays))
        for cell, answer in zip(asking, heard, strict=True)
    ]


async def replay_crossed(recordings: Iterable[Recording], home: Path) -> list[Outcome]:
    """Ask for everything once in the form that its provider did not give."""
    asking = list(crossed(recordings))
    heard = await _hear(asking, home)
    return [
        Outcome(cell, judge_crossed(cell.recording, cell.front, answer))
        for cell, answer in zip(asking, heard, strict=True)
    ]


async def _hear(asking: list[Cell], home: Path) -> list[Heard]:
    if not asking:
        return []
    async with replaying([cell.recording for cell in asking], home) as router:
        return [await _ask(router, cell, n) for n, cell in enumerate(asking)]


@asynccontextmanager
async def replaying(served_here: list[Recording], home: Path) -> AsyncIterator[Served]:
    """A router whose model `model_of(n)` is the n-th of these, said again however often it is asked."""
    with installed(home):
        kinds = find_kinds()
        async with ScriptedProvider(choose=lambda turn: script_of(served_here[number_of(turn)], turn)) as provider:
            config = {
                "providers": {f"cell{n}": _provider(one, n, kinds, provider.port) for n, one in enumerate(served_here)},
                "retry": {"max_attempts": 1},
            }
            async with served(config, home) as router:
                yield router


def model_of(number: int) -> str:
    """What callers name that recording."""
    return f"cell{number}:m"


def kind_of(recording: Recording, kinds: dict[str, Kind]) -> str:
    """The kind of its own provider, if that speaks the recorded protocol; else the one that speaks it for anybody."""
    usual = KINDS[recording.api]
    own = kinds.get(_NAMES.get(recording.provider, recording.provider))
    same = own is not None and own.dialect.name == kinds[usual].dialect.name and usual in ("gemini", *_COMPATIBLE)
    return own.name if own is not None and same else usual


_COMPATIBLE = frozenset({"openai-compatible", "anthropic-compatible"})
"""The kinds that stand in for any server of their protocol."""


def _provider(recording: Recording, number: int, kinds: dict[str, Kind], port: int) -> dict[str, Any]:
    return {
        "kind": kind_of(recording, kinds),
        "base_url": f"http://127.0.0.1:{port}/{number}",
        "api_key": "k-1",
        "models": [{"name": "m", "upstream": recording.model or "m"}],
    }


async def _ask(router: Served, cell: Cell, number: int) -> Heard:
    body = asked(cell.front, model_of(number), streamed=cell.streamed)
    headers = {"content-type": "application/json"}
    async with router.http.post(router.url + cell.front.path, data=body, headers=headers) as response:
        return Heard(response.status, await response.read(), cell.streamed)


def number_of(turn: Turn) -> int:
    """Which recording is asked for: its base URL says so."""
    return int(turn.path.split("/")[1])


def script_of(recording: Recording, turn: Turn) -> Script:
    """The recorded answer, byte for byte: status, headers, body."""
    headers, body = dict(recording.headers), recording.body
    if body.startswith(b"[") and "alt=sse" in turn.path:
        # Recorded without the parameter that asks for events: the same pieces, as the provider frames them with it.
        said = pieces(body, recording.api, streamed=True)
        body = b"".join(b"data: %b\r\n\r\n" % json.dumps(piece, ensure_ascii=False).encode() for piece in said)
        headers["content-type"] = "text/event-stream"
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in _FRAMING]
    head = [f"HTTP/1.1 {recording.status} Recorded", *lines, f"content-length: {len(body)}", "", ""]
    return raw("\r\n".join(head).encode() + body, then="keep")
