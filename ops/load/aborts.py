"""Connect and abort, ten thousand times, and see whether a running router gives everything back (line 43).

    python ops/load/aborts.py --url http://127.0.0.1:8094 --model auto --pid $(pgrep -f 'pointsman serve')

Callers leave after connecting, inside the head, with the request sent, or inside the answer, orderly or by a reset. The
exit status is 1 when open files or memory of the process, or requests in flight, are not back where they were.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import struct
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing sends RST."""
FILES_MORE = 20
"""Open files that may be there beside those at the start: connections the providers' pools keep."""
BYTES_MORE = 32 * 1024 * 1024
"""Memory that may be held beside that at the start: what the allocator keeps."""
SETTLE_S = 15.0
"""How long the router has to come to rest."""


class Caller:
    """Sends the same request again and again, and leaves each time at another moment."""

    def __init__(self, url: str, model: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        body = json.dumps(
            {"model": model, "stream": True, "messages": [{"role": "user", "content": "Count to a thousand."}]}
        )
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        self._request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    async def once(self, number: int) -> None:
        """Connect, go as far as `number` says, and leave."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            moment = number % 4
            if moment == 1:
                writer.write(self._request[:40])
            elif moment:
                writer.write(self._request)
            await writer.drain()
            if moment == 3:
                await reader.read(1)
        finally:
            if number % 2:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.close()


def held(pid: int, url: str) -> tuple[int, int, int]:
    """Open files and resident bytes of the process, and requests in flight."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    with urllib.request.urlopen(f"{url}/health/detailed") as answer:
        in_flight = json.load(answer)["in_flight"]
    return len(os.listdir(f"/proc/{pid}/fd")), pages * os.sysconf("SC_PAGE_SIZE"), int(in_flight)


async def cycles(caller: Caller, count: int, parallel: int) -> None:
    """So many, so many at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            try:
                await caller.once(number)
            except ConnectionError:
                continue

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())


async def settled(pid: int, url: str, files: int) -> tuple[int, int, int]:
    """What is held once nothing is in flight and the files are back, or when the time is over."""
    for _ in range(int(SETTLE_S)):
        now = held(pid, url)
        if now[2] == 0 and now[0] <= files + FILES_MORE:
            return now
        await asyncio.sleep(1)
    return held(pid, url)


async def main() -> int:
    """Warm up, measure, abort, measure again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8094")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--pid", type=int, required=True, help="of the router, on this machine")
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--parallel", type=int, default=50)
    args = parser.parse_args()
    caller = Caller(args.url, args.model)
    await cycles(caller, args.cycles // 10, args.parallel)
    before = await settled(args.pid, args.url, held(args.pid, args.url)[0])
    await cycles(caller, args.cycles, args.parallel)
    after = await settled(args.pid, args.url, before[0])
    for name, (files, size_bytes, in_flight) in (("before", before), ("after", after)):
        print(f"{name:>6}: {files} open files, {size_bytes / 1e6:.1f} MB, {in_flight} in flight")
    kept = after[0] > before[0] + FILES_MORE or after[1] > before[1] + BYTES_MORE or after[2] > 0
    print("something was not given back" if kept else "everything was given back")
    return int(kept)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
