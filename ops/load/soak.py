"""Mixed traffic against a running router for hours, and whether its memory, files and account stay flat.

    python ops/load/soak.py --url http://127.0.0.1:8094 --model auto --hours 8 --pid $(pgrep -f 'pointsman serve')

Callers stream, wait for whole answers, read slowly or leave in the middle, each in turn. Every minute a line says
requests, failures, memory, open files and requests in flight. The exit status is 1 when, at the end and at rest, memory
is more than a tenth and 64 MB, or open files more than 50, above what they were after the first ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

WARM_S = 600.0
"""What a router grows by in its first minutes is caches and pools."""
REST_S = 30.0
FILES_MORE = 50
BYTES_MORE = 64 * 1024 * 1024
PATIENCE_S = 300.0


class Soak:
    """The load, and what was seen of the process under it."""

    def __init__(self, url: str, model: str, pid: int, callers: int) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._netloc = address.netloc
        self._model = model
        self._pid = pid
        self._callers = callers
        self.statuses: Counter[str] = Counter()

    async def run(self, until_s: float) -> bool:
        """Load until then; whether the process is flat."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._callers):
                group.create_task(self._call_forever(number, until_s))
            warm = await self._watch(until_s)
        await asyncio.sleep(REST_S)
        end = self._held()
        print(f"warm {_words(warm)}, at rest {_words(end)}")
        return end[0] <= warm[0] * 1.1 + BYTES_MORE and end[1] <= warm[1] + FILES_MORE

    async def _watch(self, until_s: float) -> tuple[int, int]:
        began_s, warm = time.perf_counter(), self._held()
        while (now_s := time.perf_counter()) < until_s:
            if now_s < began_s + WARM_S:
                warm = self._held()
            print(
                f"{now_s - began_s:8.0f} s  {_words(self._held())}  {dict(sorted(self.statuses.items()))}", flush=True
            )
            await asyncio.sleep(min(60.0, max(0.0, until_s - now_s)))
        return warm

    def _held(self) -> tuple[int, int]:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{self._pid}/fd"))

    async def _call_forever(self, number: int, until_s: float) -> None:
        turn = number
        while time.perf_counter() < until_s:
            turn += 1
            try:
                async with asyncio.timeout(PATIENCE_S):
                    self.statuses[await self._call(turn)] += 1
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.statuses[type(error).__name__] += 1
                await asyncio.sleep(1.0)

    async def _call(self, turn: int) -> str:
        """One call, in one of five manners; its status, or that it left."""
        manner = turn % 5
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._request(stream=manner > 0))
            await writer.drain()
            status = (await reader.readline()).split(b" ")[1].decode()
            if manner == 1:
                return "left"
            await _read(reader, slowly=manner == 2)
            return status
        finally:
            writer.close()

    def _request(self, *, stream: bool) -> bytes:
        messages = [{"role": "user", "content": "Name three colours."}]
        body = json.dumps({"model": self._model, "stream": stream, "messages": messages}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._netloc}\r\nConnection: close\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _read(reader: asyncio.StreamReader, *, slowly: bool) -> None:
    while await reader.read(256 if slowly else 65536):
        if slowly:
            await asyncio.sleep(0.05)


def _words(held: tuple[int, int]) -> str:
    return f"{held[0] / 1e6:.0f} MB, {held[1]} files"


def main() -> int:
    """0 when it stayed flat."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8094")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--pid", type=int, required=True, help="of the router")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--callers", type=int, default=8)
    asked = parser.parse_args()
    soak = Soak(asked.url, asked.model, asked.pid, asked.callers)
    flat = asyncio.run(soak.run(time.perf_counter() + asked.hours * 3600))
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
