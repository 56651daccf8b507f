"""A caller on the wire: writes its request by hand, reads what comes by hand, dawdles and leaves."""

from __future__ import annotations

import asyncio

from router.canon.request import Reasoning, Text, ToolCall
from tests.simulation.callers import DIALECTS, Manners, listen, tight
from tests.simulation.provider import body_of
from tests.simulation.story import Heard, Story
from tests.simulation.wire.http import Message, Unsound
from tests.simulation.wire.network import Address, WireLoop

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
}


class Reader(asyncio.Protocol):
    """Reads one response. `over` is set at its end, or the connection's."""

    def __init__(self, dawdle_s: float) -> None:
        self.over = asyncio.Event()
        self.message = Message(ends_with_connection=True)
        self.unsound = ""
        self._dawdle_s = dawdle_s
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self.message.feed(data)
        except Unsound as error:
            self.unsound = str(error)
            self.over.set()
        if self.message.complete:
            self.over.set()
        elif self._dawdle_s and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(self._dawdle_s, self._transport.resume_reading)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def call(loop: WireLoop, address: Address, story: Story, manners: Manners, heard: Heard) -> None:
    """Make one call, and enter in the story how it ended."""
    story.heard.append(heard)
    reader = Reader(manners.dawdle_s)
    try:
        transport = loop.dial(address, reader)
    except ConnectionRefusedError:
        heard.ends.append("turned")
        heard.named = ""
        return
    body = body_of(manners.dialect, heard.asked, manners.model, stream=manners.stream, wishes=manners.wishes)
    heard.question = (manners.dialect, body)
    middle = len(heard.exchange) * 7 % len(body)
    transport.write(_head(manners.dialect, len(body), heard.key))
    for piece in (body[:middle], body[middle:]):
        transport.write(piece)
        await asyncio.sleep(0)
    try:
        async with asyncio.timeout(manners.leave_s):
            await reader.over.wait()
    except TimeoutError:
        transport.abort()
        heard.ends.append("left")
    else:
        transport.close()
    message = reader.message
    heard.bytes, heard.provider = message.body, message.fields.get("x-router-provider")
    heard.how = message.fields.get("x-router-idempotent")
    # Under its key it is booked by the name of the first who came, which this one is not told.
    heard.repeats = heard.how is None and message.fields.get("x-router-cache") == "hit"
    heard.named = message.fields.get("x-request-id", "")
    heard.unsound = reader.unsound
    heard.rescued = b"\n: x-router-rescued " in message.body
    if not heard.ends:
        heard.ends.append(_understood(manners.dialect, heard, message))
    story.note("heard", heard.exchange, heard.end, message.status, raw=message.body)


def _head(dialect: str, length: int, key: str) -> bytes:
    fields = f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {length}"
    fields += f"\r\nidempotency-key: {key}" if key else ""
    return f"POST {PATHS[dialect]} HTTP/1.1\r\n{fields}\r\n\r\n".encode()


def _understood(dialect: str, heard: Heard, message: Message) -> str:
    """Read the answer as the caller's own library would: answered, failed by an error it was told, or cut off."""
    if message.status != 200:
        return "failed" if message.complete else "cut"
    if heard.streamed:
        listen(dialect, heard)
        return "answered" if heard.ended_well and message.complete else "failed" if message.complete else "cut"
    if not message.complete:
        return "cut"
    for part in DIALECTS[dialect].decode_reply(message.body).choices[0].parts:
        match part:
            case Text():
                heard.text += part.text
            case Reasoning():
                heard.thought += part.text
            case ToolCall():
                heard.calls += f"{part.name}({tight(part.arguments)})"
    heard.ended_well = True
    return "answered"
