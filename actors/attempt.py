"""One try of an exchange on one target: a task in the provider's own group, linked to its exchange.

Permit (pace, breaker) -> open the ledger entry -> send -> read, with the five clocks -> one terminal part on the feed.
All it holds is given back by its exit: the slot and the probe by the actors that watch its job, the connection by its
context manager, the entry by `settle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from actors.clocks import Clocks
from actors.draft import Draft, Way, draft, read
from actors.draining import Drains
from actors.messages import (
    Acquire,
    AttemptCounted,
    AttemptMeasured,
    Complete,
    EntryOpened,
    Flow,
    Grant,
    Head,
    Knock,
    LimitsRead,
    Order,
    PaceView,
    Part,
    Unsent,
    Whole,
)
from actors.permit import has_spare, passage_of, slot_of
from actors.pulses import Beat, Pulses
from actors.reading import Naming, Reading, said_bytes
from actors.runtime import (
    Channel,
    ChannelClosed,
    Exit,
    Job,
    Ports,
    Ref,
    forget_traceback,
)
from actors.tally import Tally, left_by_caller
from router.canon.drill import Drill
from router.canon.operation import Operation
from router.canon.reply import Answer
from router.canon.target import Timeouts
from router.errors import Reason, WireFault
from router.policy.allowance import is_scarce
from router.policy.enduser import end_user_of
from router.policy.estimate import ESTIMATES, Estimate, cannot_count
from router.policy.gauge import Gauge, prompt_bytes
from router.policy.lanes import Demand
from router.policy.reserve import reserved_tokens
from router.providers.limits import LimitHeaders, read_limits
from router.upstream.transport import Transport, UpstreamReply, UpstreamRequest
from router.wire.dialect import Codec, Dialect, Relay, Splitter
from router.wire.headers import shown_headers
from router.wire.members import is_text

FEED_CAPACITY = 8
"""Parts between an attempt and its exchange: enough that neither waits for the other's every step, little enough that a
slow reader is felt at the provider's socket within a few blocks."""

LINGER_S = 0.1
"""How long a complete answer's connection may take to end, so that it can be used again. The attempt holds its slot so
long, and most bodies end with their last event."""

FINISH_S = 5.0
"""How long to wait for usage and the terminal event once every choice has its finish reason (some providers never send
them)."""

_CHOICES = frozenset({"n", "sampling.choices"})
"""What a request names as lost when its provider is asked for one answer instead of several."""

ERROR_BYTES = 1024 * 1024
"""The longest error body that is read for its reason."""

ERROR_S = 5.0
"""How long it may take: its caller waits for another target, and a clock that rang would hide what its head said."""

Inject = Callable[[Drill, Callable[[], Splitter] | None, Callable[[], None]], Transport]
"""The fault, how its answer is cut into events (None: it is not streamed), and what to call when it has happened -> the
transport of one attempt that has it."""


class Line(Struct, frozen=True, kw_only=True):
    """What all attempts at one provider share.

    Args:
        provider: its configured name.
        dialect: what it speaks; `codecs` has what callers speak by name.
        ways: how each operation is asked for that it has.
        headers: key name -> its credentials and the static headers, lower-case names.
        withheld: headers of callers that do not go on to it, lower-case names.
        inject: the transport with a fault in it.
        drains: who of them may be read on when its caller has left.
        weighs: whether anything limits tokens, so that they are worth an estimate.
        keys: what is published of the keys.
        limits: the rate-limit headers of its answers.
        gauges: public target name -> how many bytes its tokens have, as far as that was learned.
        upstream: public model name -> the provider's own name for it.
        clean: takes the secrets this router knows out of a provider's words.
        max_event_bytes: the largest stream event to accept.
        max_reply_bytes: the largest whole answer to accept.
    """

    provider: str
    dialect: Dialect
    codecs: Mapping[str, Codec]
    transport: Transport
    ways: Mapping[Operation, Way]
    headers: Mapping[str, tuple[tuple[str, str], ...]]
    timeouts: Timeouts
    upstream: Mapping[str, str]
    pace: Ref
    breaker: Ref
    retry: Ref
    ledger: Ref
    limits_ref: Ref
    telemetry: Ref
    ports: Ports
    pulses: Pulses
    inject: Inject
    drains: Drains
    withheld: frozenset[str] = frozenset()
    clean: Callable[[str], str] = str
    weighs: bool = False
    keys: Callable[[], PaceView] = PaceView
    limits: LimitHeaders = ()
    gauges: Callable[[], Mapping[str, Gauge]] = dict
    max_event_bytes: int = 16 * 1024 * 1024
    max_reply_bytes: int = 64 * 1024 * 1024


class Attempt:
    """Carries out one `Order`. `run` is the job's coroutine, `settle` its exit; `feed` is read by the exchange."""

    def __init__(self, order: Order, line: Line) -> None:
        self._order = order
        self._line = line
        self.tally = Tally(order, line.provider, line.ports)
        self.feed: Channel[Part] = Channel(FEED_CAPACITY)
        self.job: Job | None = None
        self.grant: Grant | None = None
        self._probing = False
        self._clocks: Clocks | None = None
        self._beat = Beat(line.pulses, order.target.model, streamed=order.ask.stream)
        front = line.codecs[order.spoken].front
        assert front is not None
        self._front = front
        self._way = line.ways.get(order.operation)

    async def run(self) -> None:
        """Do it all; every known failure ends the feed as a `WireFault`."""
        remaining_s = self._order.deadline_s - self._line.ports.clock.now()
        clocks = Clocks(self._line.timeouts, remaining_s=remaining_s, streamed=self._order.ask.stream)
        self._clocks = clocks
        try:
            try:
                await self._ask(clocks)
            except asyncio.CancelledError:
                fault = clocks.verdict()
                if fault is None:
                    raise
                if not self.tally.sent:
                    fault = Unsent(fault.reason, "the request's deadline passed before it could be asked")
                raise fault from None
        except WireFault as fault:
            fault.message = self._line.clean(fault.message)
            forget_traceback(fault)
            self.tally.fault = fault
        except ChannelClosed:
            # The exchange left: nobody reads, and its exit ends this job anyway.
            return
        finally:
            clocks.stop()

    def orphaned(self, exit: Exit) -> None:
        """The exchange has ended and this runs still: it ends too, unless a caller left whose provider is read on."""
        assert self.job is not None
        left = self._clocks is not None and self.tally.sent and left_by_caller(exit)
        if self._clocks is None or not left or not self._line.drains.take():
            self.job.stop()
            return
        self.tally.gone = True
        self.feed.leave()
        self._clocks.only(self._line.drains.seconds)

    def settle(self, job: Job, exit: Exit) -> None:
        """Tell everyone who counts how it ended. Called once by the job's exit, synchronously, whatever the exit."""
        if self.tally.gone:
            self._line.drains.give()
        if self.tally.fault is not None:
            self._mark(self.tally.fault)
            self.feed.fail(self.tally.fault)
        self.feed.close()
        reason = self.tally.reason(exit)
        judged = self.tally.judged(job, reason)
        if judged is not None:
            self._line.breaker.tell(judged)
        if self.grant is not None:
            self._line.pace.tell(AttemptMeasured(key=self.grant.key, told=self.tally.told(reason)))
        if self.tally.sent:
            if reason is not None and self.tally.learned(reason) is reason:
                self._beat.failed(reason)
            entry = self.tally.entry(reason)
            self._line.ledger.tell(entry)
            if self._order.metered:
                self._line.limits_ref.tell(entry)
            self._line.telemetry.tell(self.tally.ended(reason))

    async def _ask(self, clocks: Clocks) -> None:
        """Ask the provider; where it cannot do this and a guess of ours helps, give that and say so."""
        try:
            if self._way is None:
                raise Unsent(Reason.MODEL_MISSING, f"it has no words for {self._order.operation}")
            # First, since a target that cannot be told the request is no target: nobody waits for its slot.
            drawn = draft(self._order, self._model, self._front, self._way)
            await self._permit()
            await self._send(self._way, drawn, clocks)
        except WireFault as fault:
            estimate = ESTIMATES.get(self._order.operation)
            if estimate is None or not cannot_count(fault):
                raise
            await self._guess(estimate, clocks)

    async def _guess(self, estimate: Estimate, clocks: Clocks) -> None:
        guessed = estimate(read(self._front, self._order.ask))
        answer = guessed.named(self._order.target.model, int(self.tally.started_at))
        await self._hand_over(Whole(reply=answer), Head(estimated=True, sent=self.tally.sent), clocks)

    def _mark(self, fault: WireFault) -> None:
        """Say by which key it failed, and whether another one can go at once."""
        if self.grant is None:
            return
        fault.key = self.grant.key
        demand = self._demand((*self._order.avoid, fault.key))
        now = self._line.ports.clock.now()
        fault.spare = self.tally.sent and has_spare(self._line.keys().lanes, demand, fault.reason, now)

    def _demand(self, avoid: tuple[str, ...]) -> Demand:
        return Demand(model=self._order.target.model, tokens=self.tally.reserved, avoid=avoid)

    async def _permit(self) -> None:
        """Wait for a key and a slot, then ask the breaker. Raises `Unsent`."""
        assert self.job is not None
        order, line = self._order, self._line
        timeout_s = max(0.001, order.deadline_s - line.ports.clock.now())
        model = order.target.model
        if line.weighs:
            self.tally.reserved = reserved_tokens(order.ask.fields)
        wish = Acquire(
            job=self.job,
            deadline_s=order.deadline_s,
            model=model,
            tokens=self.tally.reserved,
            caller=order.caller,
            avoid=order.avoid,
        )
        slot = await slot_of(line.pace, wish, timeout_s)
        self.tally.key = slot.key
        self.grant = Grant(key=slot.key, model=model)
        word = await passage_of(line.breaker, Knock(job=self.job, model=model, key=slot.key), timeout_s)
        self.tally.epoch, self._probing = word.epoch, word.probe

    async def _send(self, way: Way, draft: Draft, clocks: Clocks) -> None:
        request = self._upstream_request(way, draft)
        self.tally.send()
        if self._order.operation is Operation.CHAT:
            self.tally.asked_bytes = prompt_bytes(self._order.ask.fields)
            self.tally.gauge = self._line.gauges().get(str(self._order.target), self.tally.gauge)
        opened = EntryOpened(
            attempt=self._order.attempt,
            exchange=self._order.exchange,
            number=self._order.number,
            provider=self._line.provider,
            model=self._order.target.model,
            at=self.tally.started_at,
            key=self.tally.key,
            group=self._order.ask.model,
            client=self._order.client.id,
            owner=self._order.client.owner,
            user=end_user_of(self._order.ask.fields),
        )
        self._line.ledger.tell(opened)
        if self._order.metered:
            self._line.limits_ref.tell(opened)
        if self._order.first:
            self._line.retry.tell(AttemptCounted(provider=self._line.provider))
        clocks.sent(self._beat.sent(self._line.timeouts))
        async with self._transport(way).send(request) as reply:
            clocks.head()
            self.tally.head()
            self._learn(reply)
            if reply.status >= 300:
                raise await self._refusal(reply)
            echoes = way.prefix is not None and way.prefix.echoes
            head = Head(shown=shown_headers(reply.headers), lost=draft.lost, echoes=echoes)
            if self._order.ask.stream:
                await self._receive_stream(reply, way.codec, replace(head, relay=self._relay(way)), clocks)
            else:
                await self._receive_whole(reply, way, head, clocks)

    def _transport(self, way: Way) -> Transport:
        """What carries the request; with a fault in it where the order has one."""
        order, drill = self._order, self._order.drill
        if drill is None:
            return self._line.transport
        split = partial(way.codec.splitter, self._line.max_event_bytes) if order.ask.stream else None
        return self._line.inject(drill, split, partial(self.tally.inject, drill))

    def _learn(self, reply: UpstreamReply) -> None:
        """Keep what the head says of the provider's limits; what is scarce others must know before this answer ends."""
        line = self._line
        if not line.limits:
            return
        now = line.ports.clock.now()
        self.tally.allowances = allowances = read_limits(reply.headers, line.limits, now, line.ports.wall.now())
        if any(is_scarce(one, now) for one in allowances):
            model = self._order.target.model
            line.pace.tell(LimitsRead(key=self.tally.key, model=model, allowances=allowances))

    def _upstream_request(self, way: Way, draft: Draft) -> UpstreamRequest:
        line = self._line
        # A forwarded header, such as a version, takes the place of our own; credentials are never forwarded.
        forward = {name: value for name, value in draft.forward if name not in line.withheld}
        headers = {**dict(line.headers[self.tally.key]), **forward, "content-type": "application/json"}
        url = way.address(self._model, self._order.ask.stream)
        if self._order.beginning is not None and way.prefix is not None:
            url = way.prefix.url(url)
        return UpstreamRequest(
            method="POST",
            url=url,
            headers=tuple(headers.items()),
            body=draft.body,
            connect_s=line.timeouts.connect_s,
        )

    @property
    def _model(self) -> str:
        """The provider's own name for the target's model."""
        return self._line.upstream.get(self._order.target.model, self._order.target.model)

    def _relays(self, way: Way) -> bool:
        """Whether an answer's bytes are passed on: they are what the caller speaks, and quite so."""
        return way.relays and self._order.spoken == way.codec.name

    def _relay(self, way: Way) -> Relay | None:
        return self._front.relay(self._order.ask) if self._relays(way) else None

    async def _receive_whole(self, reply: UpstreamReply, way: Way, head: Head, clocks: Clocks) -> None:
        """All of it, then what it says; an answer with nothing in it is a failure that another target may mend."""
        body = await self._body(reply, clocks)
        if not is_text(body):
            raise WireFault(Reason.MALFORMED, "it answered with something that is not UTF-8")
        said: Answer = way.codec.decode_reply(body)
        self.tally.whole(said.usage)
        if said.says_nothing:
            raise WireFault(Reason.EMPTY_ANSWER, "it answered with nothing")
        if self._order.refusals_move and said.refuses:
            raise _refused()
        shaped: Answer = self._front.shaped(self._order.ask, said)
        named = shaped.named(self._order.target.model, int(self.tally.started_at))
        raw = self._front.mend(body, said) if self._relays(way) and shaped is said else b""
        await self._hand_over(Whole(reply=named, raw=raw), head, clocks)

    async def _hand_over(self, whole: Whole, head: Head, clocks: Clocks) -> None:
        self.tally.complete = True
        if self.tally.sent:
            self._beat.heard()
        for part in (head, whole, Complete()):
            await self._put(part, clocks)

    async def _receive_stream(self, reply: UpstreamReply, codec: Codec, head: Head, clocks: Clocks) -> None:
        await self._must_be_stream(reply, codec)
        await self._put(head, clocks)
        choices = 1 if _CHOICES.intersection(head.lost) else self._order.ask.choices
        naming = Naming(model=self._order.target.model, created_s=int(self.tally.started_at))
        await self._stream(reply, Reading(codec, head.relay, naming, self._line.max_event_bytes, choices), clocks)

    async def _refusal(self, reply: UpstreamReply) -> WireFault:
        """What an error answer means; where its body is cut, endless or late, status and headers say enough."""
        body = b""
        with suppress(WireFault, TimeoutError):
            async with asyncio.timeout(ERROR_S):
                async for piece in reply.blocks():
                    body += piece
                    if len(body) > ERROR_BYTES:
                        break
        return self._line.dialect.decode_fault(reply.status, reply.headers, body, self._line.ports.wall.now())

    async def _body(self, reply: UpstreamReply, clocks: Clocks) -> bytes:
        """A whole answer, with the idle clock between its pieces. Raises `WireFault`, MALFORMED past the bound."""
        pieces, size_bytes = [], 0
        async for piece in reply.blocks():
            clocks.piece()
            pieces.append(piece)
            size_bytes += len(piece)
            if size_bytes > self._line.max_reply_bytes:
                raise WireFault(Reason.MALFORMED, f"its answer is longer than {self._line.max_reply_bytes} bytes")
        return b"".join(pieces)

    async def _must_be_stream(self, reply: UpstreamReply, codec: Codec) -> None:
        """A page or a JSON body where a stream was asked for is no answer; a missing content type is let pass.

        A JSON body is read for the error it most often holds, so that the true reason is counted.
        """
        kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            codec.decode_reply(await reply.read(self._line.max_reply_bytes))
        if kind in ("application/json", "text/html", "application/xhtml+xml"):
            raise WireFault(Reason.MALFORMED, f"it sent {kind} where a stream was asked for")

    async def _stream(self, reply: UpstreamReply, stream: Reading, clocks: Clocks) -> None:
        """Frames in, parts out, until the provider's own terminal event; anything short of it is a cut stream."""
        blocks = reply.blocks()
        try:
            await self._pump(blocks, stream, clocks)
        except asyncio.CancelledError:
            # Silence after every finish reason is an end in all but name; any other silence is the clock's verdict,
            # and so is a reader who has not taken what came.
            if not stream.finished or clocks.waits_for_reader or clocks.verdict() is None:
                raise
        except WireFault as fault:
            # So is a connection that dies there.
            if not stream.finished or fault.reason is not Reason.CUT_STREAM:
                raise
        if not self.tally.complete:
            await self._flow(stream.end(), clocks)
        if not self.tally.complete:
            raise stream.fault or WireFault(Reason.CUT_STREAM, "its stream ended before the answer was complete")
        if not (stream.bore_content or stream.explained or self.tally.was_billed):
            raise WireFault(Reason.EMPTY_ANSWER, "it answered with nothing")
        await self._put(Complete(raw=stream.terminal()), clocks)
        self.feed.close()
        await self._linger(blocks, clocks)

    async def _pump(self, blocks: AsyncIterator[bytes], stream: Reading, clocks: Clocks) -> None:
        """Block by block, until the terminal event or the end of the bytes."""
        async for block in blocks:
            was_finished = stream.finished
            flow = stream.feed(block)
            if stream.refused and self._order.refusals_move:
                self.tally.take(flow.events)
                raise _refused()
            await self._flow(flow, clocks)
            if stream.fault is not None:
                raise stream.fault
            if self.tally.complete:
                return
            if stream.finished and not was_finished:
                clocks.ending(FINISH_S)

    async def _linger(self, blocks: AsyncIterator[bytes], clocks: Clocks) -> None:
        """The answer is told; a connection that ends well within a moment can be used again, any other is closed."""
        assert self.job is not None
        self._order.job.untie(self.job)
        clocks.only(LINGER_S)
        try:
            async for _rest in blocks:
                continue
        except WireFault:
            return
        except asyncio.CancelledError:
            if clocks.verdict() is None:
                raise

    async def _flow(self, flow: Flow, clocks: Clocks) -> None:
        if self.tally.take(flow.events):
            clocks.content(said_bytes(flow.events) if clocks.has_floor else 0)
            self._beat.heard()
            self._prove()
        if self.tally.complete:
            # What is left is its reader's time, which the exchange bounds.
            clocks.stop()
        if flow.events or flow.raw:
            await self._put(flow, clocks)

    def _prove(self) -> None:
        """A probe that yields content is a success at once: a long answer must not keep the circuit half-open."""
        if self._probing and self.job is not None:
            self._probing = False
            proven = self.tally.judged(self.job, None)
            if proven is not None and self.tally.epoch is not None:
                self._line.breaker.tell(proven)
                # It closes the circuit, which begins its next epoch: there the answer's end counts like any other.
                self.tally.epoch += 1

    async def _put(self, part: Part, clocks: Clocks) -> None:
        if self.tally.gone:
            return
        clocks.reader_waits()
        try:
            await self.feed.put(part)
        except ChannelClosed:
            if not self.tally.gone:
                raise
        clocks.reader_took()


def _refused() -> WireFault:
    return WireFault(Reason.CONTENT_POLICY, "it refused to answer")
