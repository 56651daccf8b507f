"""Callers of a simulated world: they ask in a front dialect, read as the HTTP front does, dawdle and leave."""

from __future__ import annotations

import asyncio
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actors.messages import Answered, Call, Committed, Desk, Flow, Once, Opened, Piece, Rescued, Whole
from actors.runtime import ChannelClosed
from router.app import CODECS
from router.canon.caller import NOBODY
from router.canon.caller import Caller as ClientKey
from router.canon.event import Ended, Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted
from router.canon.operation import Operation
from router.canon.request import Reasoning, Text, ToolCall
from router.errors import GatewayError, WireFault
from router.wire.dialect import Ask, FrontHalf, Relay, StreamEncoder
from tests.simulation.kinds import DAWDLING, LEAVING
from tests.simulation.plan import Plan
from tests.simulation.provider import body_of
from tests.simulation.schedule import Schedule
from tests.simulation.story import Heard, Story

_MAX_EVENT_BYTES = 1 << 20
DIALECTS = {name: codec for name, codec in CODECS.items() if codec.operation is Operation.CHAT}
FRONTS = tuple(DIALECTS)
"""What callers speak."""


class Manners(Struct, frozen=True, kw_only=True):
    """How one caller behaves.

    Args:
        leave_s: it goes after so long; None stays to the end.
        dawdle_s: it waits so long before each piece.
    """

    model: str
    dialect: str
    stream: bool
    leave_s: float | None = None
    dawdle_s: float = 0.0
    wishes: dict[str, object] = {}


def draw_manners(schedule: Schedule, exchange: str, plan: Plan, models: tuple[str, ...], asked: str = "") -> Manners:
    """A caller of the phase of faults; of one that asks what `asked` does, how long it stays is its own."""
    own = _drawn(schedule.chance(exchange), plan, models)
    said = _drawn(schedule.chance(asked), plan, models) if asked not in ("", exchange) else own
    return replace(
        said,
        leave_s=own.leave_s if own.leave_s is not None and schedule.admits(LEAVING, exchange) else None,
        dawdle_s=own.dawdle_s if own.dawdle_s and schedule.admits(DAWDLING, exchange) else 0.0,
    )


def _drawn(chance: Random, plan: Plan, models: tuple[str, ...]) -> Manners:
    leaves = chance.random() < plan.disturbances.get(LEAVING, 0.0)
    dawdles = chance.random() < plan.disturbances.get(DAWDLING, 0.0) * 0.5
    leave_s = chance.choice((0.0, 0.05, 0.5, 5.0)) * chance.random()
    dawdle_s = chance.choice((0.1, 1.0, 4.0)) * chance.random()
    wishes: dict[str, object] = {}
    if chance.random() < 0.1:
        wishes["max_attempts"] = chance.randint(1, 3)
    if chance.random() < 0.1:
        wishes["deadline_s"] = chance.choice((0.5, 3.0, 100.0))
    if chance.random() < 0.05:
        wishes["fallback"] = False
    return Manners(
        model=chance.choice(models) if chance.random() < 0.5 else "chat",
        dialect=chance.choice(FRONTS),
        stream=chance.random() < 0.7,
        leave_s=leave_s if leaves else None,
        dawdle_s=dawdle_s if dawdles else 0.0,
        wishes=wishes,
    )


class Caller:
    """Makes one call and enters in the story how it ended."""

    def __init__(self, desk: Desk, story: Story, manners: Manners, heard: Heard, client: ClientKey = NOBODY) -> None:
        self._client = client
        self._desk = desk
        self._story = story
        self._manners = manners
        self._half = _half(manners.dialect)
        self._heard = heard
        self._said: list[bytes] = []
        self._voice: _Voice | None = None

    async def call(self) -> None:
        """All of it."""
        heard, manners, story = self._heard, self._manners, self._story
        story.heard.append(heard)
        heard.since_s = story.now()
        body = body_of(manners.dialect, heard.asked, manners.model, stream=manners.stream, wishes=manners.wishes)
        heard.may_keep = self._client.cache.on is not False
        heard.question = (manners.dialect, body, self._client.tenant)
        ask = self._half.peek(body)
        try:
            opened = self._desk.open(
                Call(
                    ask=ask,
                    dialect=manners.dialect,
                    request_id=heard.exchange,
                    trace_id=self._desk.trace_id(),
                    caller=self._client,
                    once=Once(key=heard.key, said=ask) if heard.key else None,
                )
            )
        except GatewayError as error:
            heard.ends.append("turned")
            heard.reason = error.reason
        else:
            heard.config, heard.how = opened.config, opened.how
            if heard.key:
                # What is joined or told again is the exchange that began last under its key.
                heard.exchange = heard.named = story.begun[heard.key] if heard.how else heard.exchange
                story.begun[heard.key] = heard.exchange
            await self._until_left(opened, ask)
            heard.bytes = b"".join(self._said)
            self._understand()
        heard.until_s = story.now()
        story.note("heard", heard.exchange, heard.end, heard.reason and heard.reason.value, raw=heard.bytes)

    async def _until_left(self, opened: Opened, ask: Ask) -> None:
        try:
            if self._manners.leave_s is None:
                return await self._read(opened, ask)
            async with asyncio.timeout(self._manners.leave_s):
                await self._read(opened, ask)
        except TimeoutError:
            if not self._heard.ends:
                self._heard.ends.append("left")
        finally:
            opened.leave()

    async def _read(self, opened: Opened, ask: Ask) -> None:
        """Until one terminal outcome; a second one would be read too, and count."""
        heard = self._heard
        self._voice = _Voice(self._half, ask)
        while True:
            if self._manners.dawdle_s:
                await asyncio.sleep(self._manners.dawdle_s)
            try:
                piece = await opened.outbox.get()
            except ChannelClosed:
                if not heard.ends:
                    heard.ends.append("closed without a word")
                return
            except GatewayError as error:
                heard.ends.append("failed")
                heard.reason = error.reason
                if ask.stream and self._said:
                    self._said.append(self._voice.fault(error))
                return
            self._take(piece)

    def _take(self, piece: Piece) -> None:
        heard, voice = self._heard, self._voice
        assert voice is not None
        match piece:
            case Committed():
                heard.provider = piece.target.provider
                heard.repeats = piece.cache == "hit"
                voice.relay = piece.relay
            case Flow():
                self._say(voice.say(piece))
            case Rescued():
                heard.rescued = True
                voice.take_over(piece)
            case Whole():
                self._say(piece.raw or self._half.encode_reply(piece.reply))
            case Answered():
                heard.ends.append("answered")
                heard.cost_usd = piece.cost_usd
                if heard.streamed:
                    self._say(voice.end(piece))

    def _say(self, block: bytes) -> None:
        if block:
            self._said.append(block)

    def _understand(self) -> None:
        """Read the bytes as the caller's own library would: what is in them, and whether they end in order."""
        heard = self._heard
        if not heard.bytes:
            return
        if heard.streamed:
            listen(self._manners.dialect, heard)
        elif heard.end == "answered":
            for part in DIALECTS[self._manners.dialect].decode_reply(heard.bytes).choices[0].parts:
                match part:
                    case Text():
                        heard.text += part.text
                    case Reasoning():
                        heard.thought += part.text
                    case ToolCall():
                        heard.calls += f"{part.name}({tight(part.arguments)})"
            heard.ended_well = True


def listen(dialect: str, heard: Heard) -> None:
    """Read `heard.bytes`, a stream of `dialect`, into its other members; up to what cannot be read."""
    spoken = DIALECTS[dialect]
    splitter, decoder = spoken.splitter(_MAX_EVENT_BYTES), spoken.decoder()
    calls: list[str] = []
    try:
        for frame in splitter.feed(heard.bytes) + splitter.end():
            for event in decoder.feed(frame):
                _hear(event, heard, calls)
    except WireFault:
        pass
    heard.calls = ")".join(tight(call) for call in calls) + (")" if calls and heard.ended_well else "")


def _hear(event: Event, heard: Heard, calls: list[str]) -> None:
    match event:
        case TextDelta():
            heard.text += event.text
        case ReasoningDelta():
            heard.thought += event.text
        case ToolCallStarted():
            calls.append(f"{event.name}(")
        case ToolCallDelta():
            calls[event.index] += event.arguments
        case Ended():
            heard.ended_well = True


def tight(arguments: str) -> str:
    """JSON without the blanks behind its commas and colons, which not every dialect keeps."""
    return arguments.replace('": ', '":').replace(', "', ',"')


class _Voice:
    """What the front says of a stream's pieces: the provider's own bytes where it speaks the caller's dialect."""

    def __init__(self, half: FrontHalf, ask: Ask) -> None:
        self._half, self._ask = half, ask
        self._encoder: StreamEncoder = half.encoder(ask)
        self.relay: Relay | None = None

    def take_over(self, rescued: Rescued) -> None:
        if self.relay is not None:
            assert self._half.take_over is not None
            self._encoder = self._half.take_over(self._ask, self.relay, rescued.told)
            self.relay = None

    def say(self, flow: Flow) -> bytes:
        return self._encoder.feed(flow.events) if self.relay is None else flow.raw

    def end(self, answered: Answered) -> bytes:
        return self._encoder.end() if self.relay is None else answered.raw

    def fault(self, error: GatewayError) -> bytes:
        return (self.relay or self._encoder).fault(error)


def _half(dialect: str) -> FrontHalf:
    half = DIALECTS[dialect].front
    assert half is not None
    return half
