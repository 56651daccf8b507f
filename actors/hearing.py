"""What an attempt hears once its request is out: the head, then a whole answer or a stream, to its last word.

An answer is complete by the provider's own terminal event alone; whatever falls short of it is a `WireFault`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from actors.draft import Draft, Way
from actors.line import Line
from actors.messages import Complete, Flow, Head, Order, Whole
from actors.outlet import Outlet
from actors.reading import Naming, Reading, said_bytes
from actors.tally import Tally
from router.canon.reply import Answer
from router.errors import Reason, WireFault
from router.upstream.transport import UpstreamReply
from router.wire.dialect import Codec, FrontHalf, Relay
from router.wire.headers import shown_headers
from router.wire.members import is_text
from router.wire.toolnames import told_back

FINISH_S = 5.0
"""How long to wait for usage and the terminal event once every choice has its finish reason (some providers never send
them)."""

_CHOICES = frozenset({"n", "sampling.choices"})
"""What a request names as lost when its provider is asked for one answer instead of several."""

ERROR_BYTES = 1024 * 1024
"""The longest error body that is read for its reason."""

ERROR_S = 5.0
"""How long it may take: its caller waits for another target, and a clock that rang would hide what its head said."""


class Hearing:
    """Reads one answer and hands its parts to the outlet.

    Args:
        content: called when the first content came.
    """

    def __init__(self, order: Order, line: Line, tally: Tally, outlet: Outlet, content: Callable[[], None]) -> None:
        self._order = order
        self._line = line
        self._tally = tally
        self._outlet = outlet
        self._clocks = outlet.clocks
        self._content = content
        front = line.codecs[order.spoken].front
        assert front is not None
        self._front: FrontHalf = front
        self._spoke = False
        self._portions: list[Answer] = []

    async def portion(self, reply: UpstreamReply, codec: Codec, asked: Any) -> None:
        """The answer to a part of what was asked; it is kept for `hear`. Raises `WireFault`."""
        if reply.status >= 300:
            raise await self._refusal(reply)
        _, said = await self._said(reply, codec)
        assert codec.portions is not None
        self._portions.append(codec.portions.join((asked,), (said,)))

    async def hear(self, reply: UpstreamReply, way: Way, draft: Draft) -> AsyncIterator[bytes] | None:
        """All of it, or the last part. What may follow of its bytes, where they must be waited for, says nothing more.
        Raises `WireFault`."""
        if reply.status >= 300:
            raise await self._refusal(reply)
        echoes = way.prefix is not None and way.prefix.echoes
        head = Head(shown=shown_headers(reply.headers), lost=draft.lost, echoes=echoes)
        if self._order.ask.stream:
            begun = await self._begin_stream(reply, way.codec, draft, replace(head, relay=self._relay(way)))
            return await self._stream(reply, begun)
        await self._receive_whole(reply, way, draft, head)
        return None

    def _relays(self, way: Way) -> bool:
        """Whether an answer's bytes are passed on: they are what the caller speaks, and quite so."""
        return way.relays and self._order.spoken == way.codec.name

    def _relay(self, way: Way) -> Relay | None:
        return self._front.relay(self._order.ask) if self._relays(way) else None

    async def _said(self, reply: UpstreamReply, codec: Codec) -> tuple[bytes, Answer]:
        """All of it, then what it says; an answer with nothing in it is a failure that another target may mend."""
        body = await self._body(reply)
        if not is_text(body):
            raise WireFault(Reason.MALFORMED, "it answered with something that is not UTF-8")
        said: Answer = codec.decode_reply(body)
        if codec.counted is not None:
            said = codec.counted(said, reply.headers)
        self._tally.whole(said.usage)
        if said.says_nothing:
            raise WireFault(Reason.EMPTY_ANSWER, "it answered with nothing")
        return body, said

    async def _receive_whole(self, reply: UpstreamReply, way: Way, draft: Draft, head: Head) -> None:
        body, said = await self._said(reply, way.codec)
        if way.codec.portions is not None and draft.asked:
            said = way.codec.portions.join(draft.asked, (*self._portions, said))
        if self._order.refusals_move and said.refuses:
            raise _refused()
        said = told_back(said, draft.names)
        shaped: Answer = self._front.shaped(self._order.ask, said)
        named = shaped.named(self._order.target.model, int(self._tally.started_at))
        raw = self._front.mend(body, said) if self._relays(way) and shaped is said else b""
        self._tally.complete = True
        self._content()
        self._outlet.end(head, Whole(reply=named, raw=raw))

    async def _begin_stream(self, reply: UpstreamReply, codec: Codec, draft: Draft, head: Head) -> Reading:
        await self._must_be_stream(reply, codec)
        await self._outlet.put(head)
        choices = 1 if _CHOICES.intersection(head.lost) else self._order.ask.choices
        naming = Naming(
            model=self._order.target.model,
            created_s=int(self._tally.started_at),
            prompt_tokens=None if head.relay else draft.prompt_tokens or self._tally.prompt_guess(),
            tools=draft.names,
        )
        return Reading(codec, head.relay, naming, self._line.max_event_bytes, choices)

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

    async def _body(self, reply: UpstreamReply) -> bytes:
        """A whole answer, with the idle clock between its pieces. Raises `WireFault`, MALFORMED past the bound."""
        pieces, size_bytes = [], 0
        async for piece in reply.blocks():
            self._clocks.piece()
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

    async def _stream(self, reply: UpstreamReply, stream: Reading) -> AsyncIterator[bytes] | None:
        """Frames in, parts out, until the provider's own terminal event; anything short of it is a cut stream. What may
        follow that."""
        blocks = reply.blocks()
        try:
            await self._pump(blocks, stream)
        except asyncio.CancelledError:
            # Silence after every finish reason is an end in all but name; any other silence is the clock's verdict,
            # and so is a reader who has not taken what came.
            if not stream.finished or self._clocks.waits_for_reader or self._clocks.verdict() is None:
                raise
        except WireFault as fault:
            # So is a connection that dies there.
            if not stream.finished or fault.reason is not Reason.CUT_STREAM:
                raise
        if not self._tally.complete:
            await self._flow(stream.end())
        if not self._tally.complete:
            raise stream.fault or WireFault(Reason.CUT_STREAM, "its stream ended before the answer was complete")
        if not (stream.bore_content or stream.explained or self._tally.was_billed):
            raise WireFault(Reason.EMPTY_ANSWER, "it answered with nothing")
        self._outlet.end(Complete(raw=stream.terminal()))
        return None if reply.is_over else blocks

    async def _pump(self, blocks: AsyncIterator[bytes], stream: Reading) -> None:
        """Block by block, until the terminal event or the end of the bytes."""
        async for block in blocks:
            was_finished = stream.finished
            flow = stream.feed(block)
            if stream.refused and self._order.refusals_move:
                self._tally.take(flow.events)
                raise _refused()
            await self._flow(flow)
            if stream.fault is not None:
                raise stream.fault
            if self._tally.complete:
                return
            if stream.finished and not was_finished:
                self._clocks.ending(FINISH_S)

    async def _flow(self, flow: Flow) -> None:
        if self._tally.take(flow.events):
            self._clocks.content(said_bytes(flow.events) if self._clocks.has_floor else 0)
            if not self._spoke:
                self._spoke = True
                self._content()
        if self._tally.complete:
            # What is left is its reader's time, which the exchange bounds.
            self._clocks.stop()
            self._outlet.end(flow)
        elif flow.events or flow.raw:
            await self._outlet.put(flow)


def _refused() -> WireFault:
    return WireFault(Reason.CONTENT_POLICY, "it refused to answer")
