"""What every scenario needs: two providers and a router between them and a caller, and what the caller heard."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, ParamSpec

import pytest
import uvloop
from aiohttp import ClientResponse

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, speak, stream
from tests.fakes.served import Caller, Served, remote, routed, served, until
from tests.fakes.turn import Script, Turn

_P = ParamSpec("_P")

both = pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
"""For scenarios that hold whether the caller asked for a stream or not."""

FIRST = "from the first"
SECOND = "from the second"
WELL = speak(SECOND)
LIMIT_S = 0.25
"""A clock that a test lets run out."""
SCENE_S = 9.0
"""The longest a scenario may take."""


def scenario(scene: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run an async scenario on the loop the product runs on, with a limit of its own: pytest's cannot end uvloop."""

    async def limited(*args: _P.args, **kwargs: _P.kwargs) -> None:
        async with asyncio.timeout(SCENE_S):
            await scene(*args, **kwargs)

    @wraps(scene)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(limited(*args, **kwargs))

    return run


class Pair:
    """A router whose group `chat` asks `one`, then `two`."""

    def __init__(self, router: Served, one: ScriptedProvider, two: ScriptedProvider) -> None:
        self.router = router
        self.one = one
        self.two = two

    @property
    def asked(self) -> tuple[int, int]:
        """Requests that each provider got."""
        return len(self.one.turns), len(self.two.turns)

    async def ask(self, streamed: bool = False, **fields: Any) -> Heard:
        """One call, heard to its end."""
        return await ask(self.router, streamed, **fields)

    async def metrics(self) -> str:
        """Prometheus' page."""
        async with self.router.http.get(f"{self.router.url}/metrics") as response:
            return await response.text()


Scripts = Script | Sequence[Script]


@asynccontextmanager
async def paired(
    home: Path,
    one: Scripts,
    two: Scripts = WELL,
    *,
    keys: Mapping[str, Any] | None = None,
    second: Mapping[str, Any] | None = None,
    only_one: bool = False,
    **sections: Any,
) -> AsyncIterator[Pair]:
    """Both providers and the router.

    Args:
        one: what the first does; a sequence is one script for each request, the last for ever.
        keys: further configuration of the first.
        second: further configuration of the second.
        only_one: leave the second out of the group.
        sections: further sections of the configuration.
    """
    async with ScriptedProvider(*_scripts(one)) as first, ScriptedProvider(*_scripts(two)) as other:
        providers = (remote(first, **(keys or {})), remote(other, **(second or {})))
        async with served(routed(*providers[: 1 if only_one else 2], **sections), home) as router:
            yield Pair(router, first, other)


def _scripts(given: Scripts) -> Sequence[Script]:
    return given if isinstance(given, Sequence) else (given,)


async def ask(
    router: Caller, streamed: bool = False, /, *, headers: Mapping[str, str] | None = None, **fields: Any
) -> Heard:
    """One call to the group, heard to its end, in whatever form it came."""
    body = {"model": "chat", "messages": [{"role": "user", "content": "Name three colours."}], **fields}
    if streamed:
        body["stream"] = True
    async with router.http.post(f"{router.url}/v1/chat/completions", json=body, headers=headers) as response:
        return Heard(response, await response.read())


async def post(router: Caller, body: bytes | AsyncIterable[bytes]) -> Heard:
    """A call with exactly this body; one that comes in pieces is sent without a length."""
    sent = io.BytesIO(body) if isinstance(body, bytes) else body
    async with router.http.post(f"{router.url}/v1/chat/completions", data=sent) as response:
        return Heard(response, await response.read())


class Heard:
    """One answer, streamed or whole, read in the same words."""

    def __init__(self, response: ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.is_stream = response.content_type == "text/event-stream"

    @cached_property
    def lines(self) -> list[bytes]:
        """The payloads of a stream's events, `[DONE]` included."""
        return [block[6:] for block in self.body.split(b"\n\n") if block.startswith(b"data: ")]

    @cached_property
    def chunks(self) -> list[dict[str, Any]]:
        """Every JSON object of the answer, in order."""
        payloads = [line for line in self.lines if line != b"[DONE]"] if self.is_stream else [self.body]
        return [json.loads(payload) for payload in payloads]

    @property
    def choices(self) -> list[dict[str, Any]]:
        """Every choice in any chunk."""
        return [choice for chunk in self.chunks for choice in chunk.get("choices", ())]

    @property
    def said(self) -> list[dict[str, Any]]:
        """What each choice carries."""
        return [choice.get("delta") or choice.get("message") or {} for choice in self.choices]

    @property
    def text(self) -> str:
        """The words of the answer."""
        return "".join(said.get("content") or "" for said in self.said)

    @property
    def roles(self) -> int:
        """How often a role was named."""
        return sum("role" in said for said in self.said)

    @property
    def finishes(self) -> list[str]:
        """Every finish reason."""
        return [choice["finish_reason"] for choice in self.choices if choice.get("finish_reason")]

    @property
    def error(self) -> dict[str, Any] | None:
        """The error object, whether it is the body or inside a stream."""
        return next((chunk["error"] for chunk in self.chunks if "error" in chunk), None)

    @property
    def why(self) -> str | None:
        """The reason in the error's own part of ours, or its code."""
        if self.error is None:
            return None
        metadata = self.error.get("metadata") or {}
        return str(metadata.get("reason") or self.error["code"])

    @property
    def usages(self) -> list[dict[str, Any]]:
        """Every count of tokens."""
        return [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]

    @property
    def done(self) -> int:
        """How often `[DONE]` was said."""
        return self.lines.count(b"[DONE]")

    @property
    def provider(self) -> str | None:
        """Who answered, by the headers."""
        return self.headers.get("x-router-provider")

    def is_from(self, text: str) -> bool:
        """Whether this is one whole answer with that text, and nothing but it."""
        well = self.status == 200 and self.error is None and self.text == text and len(self.finishes) == 1
        return well and self.roles == 1 and (self.done == 1 if self.is_stream else True)

    def is_broken_off(self, text: str) -> bool:
        """Whether a stream said this much, then an error, and nothing that says it is whole."""
        last = self.chunks[-1] if self.chunks else {}
        return self.is_stream and self.text == text and "error" in last and not self.finishes and not self.done


def asked_for(turn: Turn) -> tuple[str, str]:
    """The credential and the host a provider saw."""
    return turn.headers.get("authorization", ""), turn.headers["host"]


def words(count: int) -> list[str]:
    """Pieces of a text, each different."""
    return [f"w{number} " for number in range(count)]


def joined(pieces: Iterable[str]) -> str:
    """The text they make."""
    return "".join(pieces)


async def soon(what: Callable[[], bool], limit_s: float = 8.0) -> None:
    """Wait for what happens elsewhere in this loop. Raises `TimeoutError` when it does not within the limit."""
    async with asyncio.timeout(limit_s):
        await until(what)


def counted(usage: dict[str, Any] | None) -> Script:
    """An answer that reports this usage, streamed or whole as asked."""

    async def script(turn: Turn) -> None:
        streamed = turn.asked().get("stream")
        await (stream([FIRST], usage=usage) if streamed else answer(FIRST, usage=usage))(turn)

    return script
