"""The public referee's faults against any gateway that speaks OpenAI's protocol.

`make scenarios ARGS="--base-url URL --model M"`: two scripted providers listen on fixed ports; the gateway is to have
them as its first target and its fallback, both with the model that is asked for. S15 needs a gateway's own clock and is
left to the product's tests.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

import aiohttp
from msgspec import Struct

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import DONE, USAGE, cut_after, delta, hang_up, silence, speak, stall_after, status, stream
from tests.fakes.served import Caller
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import FIRST, SECOND, Heard, ask, joined, words

SIXTY = words(60)
PATIENCE_S = 90.0
PORTS = (18901, 18902)


class Trial(Struct, frozen=True, kw_only=True):
    """What a caller got, and how the two providers were asked."""

    heard: Heard
    took_s: float
    asked: tuple[int, int]


class Fault(Struct, frozen=True, kw_only=True):
    """One of the referee's: what each provider does in turn, and when the gateway has passed."""

    one: tuple[Script, ...]
    passes: Callable[[Trial], bool]
    two: tuple[Script, ...] = (speak(SECOND),)


def by(text: str) -> Callable[[Trial], bool]:
    """That answer, whole and once."""
    return lambda trial: whole(trial.heard, text)


def whole(heard: Heard, text: str) -> bool:
    """One complete stream with that text."""
    return heard.status == 200 and heard.error is None and heard.text == text and heard.finishes == ["stop"]


def replaced(trial: Trial) -> bool:
    """The fallback's answer, and at most six requests at the first."""
    return whole(trial.heard, SECOND) and trial.asked[0] <= 6


async def malformed(turn: Turn) -> None:
    """One event that cannot be read, in the middle of a good answer."""
    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    await turn.chunk(delta(turn, {"role": "assistant", "content": "from "}))
    await turn.chunk(b'data: {"id": "chatcmpl-1", "choices": [{"ind\n\n')
    await turn.chunk(delta(turn, {"content": "the first"}) + delta(turn, {}, "stop", usage=USAGE) + DONE)
    await turn.chunk(b"")


async def no_beginnings(turn: Turn) -> None:
    """Refuses to go on from an assistant's words; anew it says all of it."""
    if turn.asked()["messages"][-1]["role"] == "assistant":
        said = {"error": {"message": "no assistant prefix", "type": "invalid_request_error", "code": None}}
        await status(400, body=said)(turn)
    else:
        await stream(SIXTY)(turn)


async def goes_on(turn: Turn) -> None:
    """Goes on from the beginning it is given; without one it says all of it."""
    last = turn.asked()["messages"][-1]
    begun = str(last["content"]) if last["role"] == "assistant" else ""
    await stream([piece for place, piece in enumerate(SIXTY) if len(joined(SIXTY[: place + 1])) > len(begun)])(turn)


TOO_LONG = {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}}
ALL = by(joined(SIXTY))

FAULTS: dict[str, Fault] = {
    "S01": Fault(
        one=(status(429, {"retry-after": "2"}), speak(FIRST)),
        passes=lambda trial: trial.heard.error is None and bool(trial.heard.text),
    ),
    "S02": Fault(one=(status(429),), passes=replaced),
    "S03": Fault(one=(status(500), speak(FIRST)), passes=lambda trial: whole(trial.heard, trial.heard.text)),
    "S04": Fault(one=(status(503),), passes=replaced),
    "S05": Fault(one=(hang_up(), speak(FIRST)), passes=lambda trial: whole(trial.heard, trial.heard.text)),
    "S06": Fault(one=(silence(),), passes=lambda trial: whole(trial.heard, SECOND) and trial.asked[0] == 1),
    "S07": Fault(one=(stall_after([]),), passes=lambda trial: whole(trial.heard, SECOND) and trial.took_s < 15),
    "S08": Fault(one=(cut_after(SIXTY[:40]),), two=(goes_on,), passes=ALL),
    "S09": Fault(one=(stall_after(SIXTY[:20]),), two=(goes_on,), passes=ALL),
    "S10": Fault(one=(malformed,), passes=by(FIRST)),
    "S11": Fault(one=(stream([FIRST], done=False),), passes=by(FIRST)),
    "S12": Fault(
        one=(status(400, body=TOO_LONG),),
        passes=lambda trial: whole(trial.heard, SECOND) and trial.asked[0] == 1,
    ),
    "S13": Fault(
        one=(stream(words(3), finish="content_filter"),),
        passes=lambda trial: trial.heard.finishes == ["content_filter"] and trial.asked[1] == 0,
    ),
    "S14": Fault(one=(cut_after(SIXTY[:40]),), two=(no_beginnings,), passes=ALL),
    "S16": Fault(one=(status(503, {"retry-after": "1"}),), passes=replaced),
}


async def referee(base_url: str, model: str, ports: tuple[int, int], rest_s: float) -> int:
    """Every fault, a line each; how many the gateway failed.

    Args:
        rest_s: the longest wait between two faults for a gateway to ask its first target again.
    """
    failed = 0
    async with (
        ScriptedProvider(speak(FIRST), port=ports[0]) as one,
        ScriptedProvider(speak(SECOND), port=ports[1]) as two,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as http,
    ):
        router = Caller(base_url.removesuffix("/").removesuffix("/v1"), http)
        for name, fault in FAULTS.items():
            words = await _tried(router, model, one, two, fault)
            failed += words != "pass"
            print(f"{name}  {words}", flush=True)
            await _settled(router, model, one, two, rest_s)
    print(f"{len(FAULTS) - failed} of {len(FAULTS)} passed; S15 is not run here")
    return failed


async def _settled(router: Caller, model: str, one: ScriptedProvider, two: ScriptedProvider, rest_s: float) -> None:
    """Let a gateway see that both are well, until it asks the first again: what it learned of one fault is no part of
    the next."""
    one.play(speak(FIRST))
    two.play(speak(SECOND))
    until_s = perf_counter() + rest_s
    while perf_counter() < until_s:
        with suppress(aiohttp.ClientError, TimeoutError, ValueError):
            if whole(await ask(router, True, model=model), FIRST):
                return
        await asyncio.sleep(0.1)


async def _tried(router: Caller, model: str, one: ScriptedProvider, two: ScriptedProvider, fault: Fault) -> str:
    one.play(*fault.one)
    two.play(*fault.two)
    before = len(one.turns), len(two.turns)
    began = perf_counter()
    try:
        heard = await ask(router, True, model=model)
        asked = len(one.turns) - before[0], len(two.turns) - before[1]
        passed = fault.passes(Trial(heard=heard, took_s=perf_counter() - began, asked=asked))
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError) as error:
        return f"FAIL  {type(error).__name__}"
    if passed:
        return "pass"
    return f"FAIL  status {heard.status}, {len(heard.text)} characters, asked {asked[0]} and {asked[1]}"


def main(said: list[str]) -> int:
    """0 when the gateway passed all."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios")
    parser.add_argument("--base-url", required=True, help="of the gateway, with its /v1")
    parser.add_argument("--model", required=True, help="a route of it to the first provider and then the second")
    parser.add_argument("--ports", type=int, nargs=2, default=PORTS, help="where the two providers listen")
    parser.add_argument("--rest-s", type=float, default=90.0, help="the longest wait between two faults")
    asked = parser.parse_args(said)
    first, second = asked.ports
    return min(1, asyncio.run(referee(asked.base_url, asked.model, (first, second), asked.rest_s)))
