"""A load generator cheap enough to share a machine with what it measures: raw HTTP/1.1 over a fixed number of
connections."""

from __future__ import annotations

import asyncio
import time

from msgspec import Struct

BODY = (
    b'{"model":"up:m","stream":%s,"messages":[{"role":"system","content":"' + b"You are helpful. " * 40 + b'"},'
    b'{"role":"user","content":"Say fifty words."}]}'
)


class Result(Struct, frozen=True):
    """One measurement: answers a second, and the median and 99th percentile of their latency in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


async def measure(port: int, *, stream: bool, connections: int, seconds: float) -> Result:
    """Send requests one after another on each of `connections` until `seconds` have passed."""
    body = BODY % (b"true" if stream else b"false")
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    latencies: list[float] = []
    failed = [0]
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_client(port, request, until, latencies, failed) for _ in range(connections)))
    latencies.sort()
    at = [latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99)] if latencies else [0.0, 0.0]
    return Result(per_s=len(latencies) / seconds, p50_ms=at[0], p99_ms=at[1], failed=failed[0])


async def _client(port: int, request: bytes, until: float, latencies: list[float], failed: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await _body(reader, head.lower())
        if head.startswith(b"HTTP/1.1 200"):
            latencies.append(time.perf_counter() - began)
        else:
            failed[0] += 1
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"transfer-encoding: chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")
        return
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    if length:
        await reader.readexactly(length)
