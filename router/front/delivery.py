"""Writes one exchange to one connection, streamed or whole, in the caller's dialect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from aiohttp import web
from msgspec.structs import replace

from actors.messages import Answered, Committed, Flow, Opened, Piece, Rescued, Source, Whole
from actors.runtime import ChannelTimeout
from router.canon.cost import usd_text
from router.canon.event import Ended
from router.canon.reply import Answer
from router.errors import GatewayError, Reason, Unavailable
from router.front.context import Context
from router.front.guard import REQUEST_ID
from router.front.sending import Stream
from router.wire.dialect import Ask, FrontHalf, Relay, StreamEncoder
from router.wire.headers import lost_header
from router.wire.sse import rescued_note
from router.wire.unsaid import UnsaidBook, unsaid_in

_STREAM_HEADERS = {
    "cache-control": "no-cache",
    # Proxies in front of us that buffer would turn a stream into one late block.
    "x-accel-buffering": "no",
}


class _Encoded:
    """An answer said in our own encoding of its events."""

    def __init__(self, encoder: StreamEncoder, half: FrontHalf) -> None:
        self._encoder = encoder
        self._unsaid = UnsaidBook(half)

    def say(self, flow: Flow) -> bytes:
        """These events."""
        self._unsaid.read(flow.events)
        return self._encoder.feed(flow.events)

    def end(self, _answered: Answered) -> bytes:
        """The terminal event."""
        return self._encoder.end()

    def note(self) -> bytes:
        """What could not be said, before the end."""
        return self._unsaid.note()

    def fault(self, error: GatewayError) -> bytes:
        """The honest end."""
        return self._encoder.fault(error)


class _Passed:
    """An answer whose provider speaks the caller's dialect: its own bytes."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def taken_over(self, half: FrontHalf, ask: Ask, rescued: Rescued) -> _Encoded:
        """Who goes on after it: another provider's words, in our encoding, from where its bytes stopped."""
        assert half.take_over is not None, "nobody goes on with what cannot be taken over"
        return _Encoded(half.take_over(ask, self._relay, rescued.told), half)

    def say(self, flow: Flow) -> bytes:
        """These bytes."""
        return flow.raw

    def end(self, answered: Answered) -> bytes:
        """The provider's terminal bytes, or ours where it sent none."""
        return answered.raw

    def note(self) -> bytes:
        """Nothing was left out."""
        return b""

    def fault(self, error: GatewayError) -> bytes:
        """The honest end."""
        return self._relay.fault(error)


class Keeper(Protocol):
    """Keeps complete answers, before the caller has all of one: its next request may go on from it at once.

    `passed` says that the bytes are the provider's own.
    """

    def whole(self, body: bytes, committed: Committed, *, passed: bool) -> bytes:
        """An answer that is not streamed; returns it as it is to be said."""
        ...

    def stream(self, ending: bytes, committed: Committed, *, passed: bool) -> None:
        """The bytes that end a stream."""
        ...


MakeKeeper = Callable[[Ask], Keeper]
"""What keeps the answer to a request: of several that are one, the first."""


class Delivery:
    """One answer on its way out. Use `stream` or `whole`, once."""

    def __init__(
        self,
        request: web.Request,
        context: Context,
        half: FrontHalf,
        opened: Opened,
        *,
        keeper: Keeper | None = None,
    ) -> None:
        self._keeper = keeper
        self._request = request
        self._context = context
        self._opened = opened
        self._half = half
        self._ask = opened.ask
        self._response: web.StreamResponse | None = None
        self._committed: Committed | None = None
        self._voice: _Encoded | _Passed

    async def whole(self, outbox: Source) -> web.StreamResponse:
        """Wait for all of it: nothing is said before the answer is complete. Raises `GatewayError`."""
        body = b""
        while True:
            piece = await outbox.get()
            match piece:
                case Committed():
                    self._committed = piece
                case Whole():
                    body = self._kept(piece.raw or self._encoded(piece.reply), passed=bool(piece.raw))
                case Answered():
                    headers = {**self._headers(), "content-type": "application/json"}
                    if piece.cost_usd is not None:
                        headers["x-router-cost-usd"] = usd_text(piece.cost_usd)
                    return web.Response(body=body, headers=headers)
                case Flow() | Rescued():
                    raise Unavailable("a stream came where a whole answer was asked for", reason=Reason.INTERNAL)

    async def stream(self, outbox: Source) -> web.StreamResponse:
        """Pass pieces on as they come, with keepalives in silence. Raises `GatewayError` only while nothing was
        written."""
        self._voice = _Encoded(self._half.encoder(self._ask), self._half)
        said = b""
        while True:
            if said and not outbox.is_ready:
                # What came together is written together: each write is a call of the system and, on the way, a packet.
                await self._write(said)
                said = b""
            try:
                piece = await self._next(outbox)
            except GatewayError as error:
                await self._write(said)
                return await self._break_off(error)
            if isinstance(piece, Answered):
                return await self._end(said + self._voice.note() + self._ended(piece))
            said += self._say(piece)

    def _encoded(self, answer: Answer) -> bytes:
        """A whole answer in our encoding; what that leaves out is named in its head."""
        assert self._committed is not None
        unsaid = unsaid_in(answer, self._half)
        if unsaid:
            self._committed = replace(self._committed, lost=self._committed.lost + unsaid)
        return self._half.encode_reply(answer)

    def _say(self, piece: Committed | Flow | Rescued | Whole) -> bytes:
        """A piece that is not the last, as the caller reads it."""
        match piece:
            case Committed():
                self._committed = piece
                if piece.relay is not None:
                    self._voice = _Passed(piece.relay)
                return b""
            case Flow():
                return self._said(piece)
            case Rescued():
                if isinstance(self._voice, _Passed):
                    self._voice = self._voice.taken_over(self._half, self._ask, piece)
                return rescued_note(piece.method, str(piece.target))
            case Whole():
                raise Unavailable("a whole answer came where a stream was asked for", reason=Reason.INTERNAL)

    def _said(self, flow: Flow) -> bytes:
        """These events; a provider's own last one holds the whole answer."""
        block = self._voice.say(flow)
        if isinstance(self._voice, _Passed) and flow.events and type(flow.events[-1]) is Ended:
            self._keep(block, passed=True)
        return block

    def _ended(self, answered: Answered) -> bytes:
        """The terminal event; where it is ours, it holds the whole answer."""
        block = self._voice.end(answered)
        if isinstance(self._voice, _Encoded):
            self._keep(block, passed=False)
        return block

    def _kept(self, body: bytes, *, passed: bool) -> bytes:
        if self._keeper is None or self._committed is None:
            return body
        return self._keeper.whole(body, self._committed, passed=passed)

    def _keep(self, ending: bytes, *, passed: bool) -> None:
        if self._keeper is not None and self._committed is not None:
            self._keeper.stream(ending, self._committed, passed=passed)

    async def _next(self, outbox: Source) -> Piece:
        """The next piece, however long it takes: the silence before it is filled with keepalives."""
        silence_s = self._context.first_ping_after_s if self._response is None else self._context.ping_every_s
        while True:
            try:
                return await outbox.get(timeout_s=silence_s)
            except ChannelTimeout:
                await self._write(self._half.keepalive)
                silence_s = self._context.ping_every_s

    async def _break_off(self, error: GatewayError) -> web.StreamResponse:
        """An error inside a stream that has begun; one that has not is answered with a status of its own."""
        if self._response is None:
            raise error
        # Where the caller's leaving is the error, there is nobody to tell.
        with suppress(ConnectionError):
            await self._response.write(self._voice.fault(error))
            await self._end()
        return self._response

    async def _write(self, block: bytes) -> None:
        """Write a block; the first one takes the head with it, as late as can be."""
        if block:
            await (self._response or await self._begun()).write(block)

    async def _begun(self) -> web.StreamResponse:
        request_id = self._request[REQUEST_ID]
        headers = {"x-request-id": request_id, self._half.id_header: request_id}
        headers.update(self._headers())
        headers.update(_STREAM_HEADERS)
        headers["content-type"] = self._half.stream_type
        self._response = Stream(headers=headers)
        await self._response.prepare(self._request)
        return self._response

    async def _end(self, block: bytes = b"") -> web.StreamResponse:
        response = self._response or await self._begun()
        await response.write_eof(block)
        return response

    def _headers(self) -> dict[str, str]:
        """What happened, for whoever looks: who answered, after how many tries, what translation lost. The id is the
        guard's to add."""
        headers = {"x-router-config": self._opened.config}
        if self._opened.how is not None:
            headers["x-router-idempotent"] = self._opened.how
        if self._ask.aliases:
            headers["x-router-aliases"] = ", ".join(self._ask.aliases)
        if self._committed is not None:
            headers.update(_limits(self._committed, self._half))
            headers.update(_told(self._committed))
        return headers


def _told(committed: Committed) -> dict[str, str]:
    """What is known once an answer has begun."""
    headers = {"x-router-provider": committed.target.provider}
    headers["x-router-model"] = committed.target.model
    headers["x-router-attempts"] = str(committed.attempts)
    if committed.cache is not None:
        headers["x-router-cache"] = committed.cache
    if committed.estimated:
        headers["x-router-estimated"] = "true"
    if committed.age_s is not None:
        headers["age"] = str(int(committed.age_s))
    if committed.rescued:
        headers["x-router-rescued"] = "hold"
    if committed.injected:
        headers["x-router-fault"] = ", ".join(committed.injected)
    if committed.lost:
        headers["x-router-lost"] = lost_header(committed.lost)
    return headers


def _limits(committed: Committed, half: FrontHalf) -> dict[str, str]:
    """What a provider shows; a caller with limits of its own reads those, and not what is left of ours."""
    if not committed.standings:
        return dict(committed.shown)
    shown = {name: value for name, value in committed.shown if "ratelimit-" not in name}
    return {**shown, **half.limits(committed.standings)}
