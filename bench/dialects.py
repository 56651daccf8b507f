"""What translating costs, for each dialect that callers speak and each that providers do: `python -m bench.dialects`.

Microseconds of processor time, best of several rounds, over the in-memory transport: nothing but the translators and
what drives them. A stream comes once in one read, as a fast provider's does to a busy router, and once an event a read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from actors.reading import Naming, Reading
from bench.load import BODY
from router.app.dialects import SPOKEN
from router.upstream.memory import MemoryTransport, Scripted, in_turn
from router.upstream.transport import UpstreamRequest
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.bedrock_converse import DIALECT as BEDROCK
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Ask, Dialect, FrontHalf
from router.wire.gemini import DIALECT as GEMINI
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.openai_chat import DIALECT as OPENAI_CHAT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES
from tests.simulation.answers import Meaning, speech

ROUNDS, BATCH = 40, 5

PROVIDERS = (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, GEMINI, BEDROCK, COHERE, OLLAMA)
MEANING = Meaning(words=(" word",) * 50, usage=(20, 50), model="m", id="b")
NAMING = Naming(model="m", created_s=1, prompt_tokens=20)
REQUEST = UpstreamRequest(method="POST", url="http://memory/", headers=(), body=b"", connect_s=1.0)
MOST_BYTES = 1024 * 1024
Work = Callable[[], Awaitable[None]]


class Cell(Struct, frozen=True):
    """A caller's dialect in front of a provider's.

    Args:
        ask: what is asked, as the caller's dialect reads it.
    """

    front: FrontHalf
    caller: Dialect
    provider: Dialect
    ask: Ask

    @property
    def passes(self) -> bool:
        """Whether bytes are passed on."""
        return self.caller.name == self.provider.name

    async def request(self) -> None:
        """A request, from its bytes to those that a provider reads."""
        ask = self.front.peek(_body(self.caller, stream=False))
        if self.passes:
            self.caller.patch_request(ask, "m")
        else:
            self.provider.encode_request(self.front.decode_request(ask), "m")

    def answers(self) -> Work:
        """A whole answer, to what the caller reads."""
        transport = _transport(speech(self.provider.name, MEANING, streamed=False).body)

        async def work() -> None:
            async with transport.send(REQUEST) as reply:
                body = await reply.read(MOST_BYTES)
            said = self.provider.decode_reply(body)
            if self.passes:
                self.front.mend(body, said)
            else:
                self.front.encode_reply(said)

        return work

    def streams(self, *, together: bool) -> Work:
        """A stream, likewise."""
        said = speech(self.provider.name, MEANING, streamed=True)
        transport = _transport(*((said.body,) if together else said.blocks))

        async def work() -> None:
            relay = self.front.relay(self.ask) if self.passes else None
            reading = Reading(self.provider, relay, NAMING, MOST_BYTES)
            encoder = self.front.encoder(self.ask)
            async with transport.send(REQUEST) as reply:
                async for block in reply.blocks():
                    flow = reading.feed(block)
                    _ = flow.raw if relay is not None else encoder.feed(flow.events)
            assert reading.fault is None
            if relay is None:
                encoder.feed(reading.end().events)
                encoder.end()

        return work


def main() -> None:
    """Measure, print a table for each kind of work."""
    asyncio.run(_measure())


async def _measure() -> None:
    callers = [dialect for dialect in SPOKEN if dialect.front is not None]
    kinds: dict[str, Callable[[Cell], Work]] = {
        "a request": lambda cell: cell.request,
        "a whole answer": Cell.answers,
        "a stream of 53 events in one read": lambda cell: cell.streams(together=True),
        "the same, an event a read": lambda cell: cell.streams(together=False),
    }
    for kind, made in kinds.items():
        print(f"\n{kind + ', us':36}" + "".join(f"{provider.name:>20}" for provider in PROVIDERS))
        for caller in callers:
            cells = [_cell(caller, provider) for provider in PROVIDERS]
            figures = [await _best_us(made(cell)) for cell in cells]
            print(f"{caller.name:36}" + "".join(f"{us:20.1f}" for us in figures), flush=True)


def _cell(caller: Dialect, provider: Dialect) -> Cell:
    assert caller.front is not None
    ask = caller.front.peek(_body(caller, stream=True))
    return Cell(front=caller.front, caller=caller, provider=provider, ask=ask)


def _body(caller: Dialect, *, stream: bool) -> bytes:
    """The same request in each dialect: they differ in what the turns are called, and one must bound its answer."""
    body = BODY % (b"true" if stream else b"false")
    if caller is OPENAI_RESPONSES:
        return body.replace(b'"messages":', b'"input":')
    return body[:-1] + b',"max_tokens":64}' if caller is ANTHROPIC_MESSAGES else body


def _transport(*blocks: bytes) -> MemoryTransport:
    transport = MemoryTransport(in_turn(Scripted(steps=blocks)))
    transport.running = True
    return transport


async def _best_us(work: Work) -> float:
    """Of one call, in the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        for _ in range(BATCH):
            await work()
        best = min(best, time.process_time_ns() - began)
    return best / BATCH / 1000


if __name__ == "__main__":
    main()
