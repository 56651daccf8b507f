"""A provider that answers at once, for measuring what stands in front of it: `python -m bench.upstream PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

CHUNKS = 53


def _chunk(delta: str, finish: str = "null") -> bytes:
    return (
        'data: {"id":"chatcmpl-b","object":"chat.completion.chunk","created":1787259738,"model":"m",'
        f'"choices":[{{"index":0,'
        f'"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]}}\n\n'
    ).encode()


_STREAM = b"".join(
    [_chunk('{"role":"assistant","content":""}')]
    + [_chunk('{"content":" word"}') for _ in range(CHUNKS - 3)]
    + [_chunk("{}", '"stop"'), b"data: [DONE]\n\n"]
)
_JSON = (
    b'{"id":"chatcmpl-b","object":"chat.completion","created":1787259738,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"' + b" word" * 50 + b'"},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":50,"total_tokens":70}}'
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
_ANSWERS = {
    True: _HEAD % (b"text/event-stream", len(_STREAM)) + _STREAM,
    False: _HEAD % (b"application/json", len(_JSON)) + _JSON,
}


class Upstream(asyncio.Protocol):
    """As little HTTP as a client that sends content-length needs."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(_ANSWERS[b'"stream":true' in body])


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
