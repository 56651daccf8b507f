"""Mixed traffic and faults against a running router for hours, and whether what it holds stays flat.

    python ops/load/soak.py --url http://127.0.0.1:8094 --model auto --hours 8 --pid $(pgrep -f 'pointsman serve')

Callers stream, wait for whole answers, read slowly or leave in the middle, each in turn. With `--faults` most requests
have one injected, every kind in turn; the router needs `server.faults: true`, or the admin key in POINTSMAN_ADMIN_KEY.
A line at each reading says requests by status, memory, open files, requests in flight and series of metrics.

The exit status is 1 when, at rest at the end, requests are in flight still, open files are more than 50
(`--files-more`), series more than 200 or memory more than a tenth and 64 MB above what they were when it was warm, or
when memory rose by more than `--slope` MB an hour since, and by more than 4 MB in all, which an allocator may: the
slope of the line of least squares through the readings. Short runs tell little: the first minutes of a
router are its caches and pools.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

SERIES_MORE = 200
NOISE_MB = 4.0
BYTES_MORE = 64 * 1024 * 1024
PATIENCE_S = 300.0
FAULTS = (
    "",
    "connect:refuse",
    "head:503",
    "",
    "head:429;retry_after=1",
    "frame:1:cut",
    "frame:3:cut",
    "",
    "frame:2:malformed",
    "frame:3:stall",
    "first_token:delay=0.5",
    "",
    "head:500;attempts=all",
    "head:400",
)
"""One for each request, in turn; none counts, or breakers would soon leave nothing to ask."""


class Held(NamedTuple):
    """What the process holds at a moment."""

    at_s: float
    memory_bytes: int
    files: int
    in_flight: int
    series: int

    def __str__(self) -> str:
        """For a line."""
        return f"{self.memory_bytes / 1e6:.1f} MB, {self.files} files, {self.in_flight} in flight, {self.series} series"


class Plan(NamedTuple):
    """How long, how hard, and what is still called flat. Seconds, and MB an hour."""

    until_s: float
    warm_s: float
    every_s: float
    slope: float
    callers: int
    faults: bool
    rest_s: float
    files_more: int


class Soak:
    """The load, and what was seen of the process under it."""

    def __init__(self, url: str, model: str, pid: int, plan: Plan) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._url = url
        self._netloc = address.netloc
        self._model = model
        self._pid = pid
        self._plan = plan
        self.statuses: Counter[str] = Counter()

    async def run(self) -> bool:
        """Load until it is over; whether the process is flat."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._plan.callers):
                group.create_task(self._call_forever(number))
            readings = await self._watch()
        await asyncio.sleep(self._plan.rest_s)
        warm, end = readings[0], await self._held()
        slope = slope_mb_per_hour(readings)
        print(f"warm: {warm}\nrest: {end}\nmemory rose by {slope:.1f} MB an hour over {len(readings)} readings")
        return (
            end.memory_bytes <= warm.memory_bytes * 1.1 + BYTES_MORE
            and end.files <= warm.files + self._plan.files_more
            and end.series <= warm.series + SERIES_MORE
            and end.in_flight == 0
            and (slope <= self._plan.slope or slope * (readings[-1].at_s - warm.at_s) / 3600 <= NOISE_MB)
        )

    async def _watch(self) -> list[Held]:
        """The readings since it was warm."""
        plan, began_s = self._plan, time.perf_counter()
        readings: list[Held] = []
        while time.perf_counter() < plan.until_s or not readings:
            now = await self._held()
            if now.at_s >= began_s + plan.warm_s:
                readings.append(now)
            print(f"{now.at_s - began_s:8.0f} s  {now}  {dict(sorted(self.statuses.items()))}", flush=True)
            await asyncio.sleep(plan.every_s)
        return readings

    async def _held(self) -> Held:
        return await asyncio.to_thread(self._look)

    def _look(self) -> Held:
        rows = [row for row in self._metrics().splitlines() if row and not row.startswith("#")]
        in_flight = sum(float(row.rsplit(" ", 1)[1]) for row in rows if row.startswith("pointsman_exchanges_in_flight"))
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        files = len(os.listdir(f"/proc/{self._pid}/fd"))
        memory_bytes = pages * os.sysconf("SC_PAGE_SIZE")
        return Held(time.perf_counter(), memory_bytes, files, int(in_flight), len(rows))

    def _metrics(self) -> str:
        asked = urllib.request.Request(f"{self._url.rstrip('/')}/metrics", headers=_admin())
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())

    async def _call_forever(self, number: int) -> None:
        turn = number
        while time.perf_counter() < self._plan.until_s:
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
            writer.write(self._request(turn, stream=manner > 0))
            await writer.drain()
            status = (await reader.readline()).split(b" ")[1].decode()
            if manner == 1:
                return "left"
            await _read(reader, slowly=manner == 2)
            return status
        finally:
            writer.close()

    def _request(self, turn: int, *, stream: bool) -> bytes:
        messages = [{"role": "user", "content": "Name three colours."}]
        body = json.dumps({"model": self._model, "stream": stream, "messages": messages}).encode()
        headers = {"Host": self._netloc, "Connection": "close", "Content-Type": "application/json", **_admin()}
        fault = FAULTS[turn // 5 % len(FAULTS)] if self._plan.faults else ""
        if fault:
            headers["x-router-fault"] = f"{fault};counts=no"
        lines = [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
        return "\r\n".join(("POST /v1/chat/completions HTTP/1.1", *lines, "", "")).encode() + body


def slope_mb_per_hour(readings: list[Held]) -> float:
    """By how much memory rises, in a straight line; 0 where two readings are not there."""
    count = len(readings)
    middle_s = sum(one.at_s for one in readings) / count
    middle = sum(one.memory_bytes for one in readings) / count
    spread = sum((one.at_s - middle_s) ** 2 for one in readings)
    rise = sum((one.at_s - middle_s) * (one.memory_bytes - middle) for one in readings)
    return rise / spread * 3600 / 1e6 if spread else 0.0


def _admin() -> dict[str, str]:
    key = os.environ.get("POINTSMAN_ADMIN_KEY")
    return {"x-admin-key": key} if key else {}


async def _read(reader: asyncio.StreamReader, *, slowly: bool) -> None:
    while await reader.read(256 if slowly else 65536):
        if slowly:
            await asyncio.sleep(0.05)


def main() -> int:
    """0 when it stayed flat."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8094")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--pid", type=int, required=True, help="of the router")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--faults", action="store_true", help="inject faults into most requests")
    parser.add_argument("--warm-s", type=float, default=600.0, help="what it grows by in that time is caches and pools")
    parser.add_argument("--every-s", type=float, default=60.0, help="between two readings")
    parser.add_argument("--slope", type=float, default=10.0, help="MB an hour that memory may rise by")
    parser.add_argument("--rest-s", type=float, default=30.0, help="quiet at the end, before it is looked at last")
    parser.add_argument("--files-more", type=int, default=50, help="open files that may have been added since")
    asked = parser.parse_args()
    plan = Plan(
        until_s=time.perf_counter() + asked.hours * 3600,
        warm_s=asked.warm_s,
        every_s=asked.every_s,
        slope=asked.slope,
        callers=asked.callers,
        faults=asked.faults,
        rest_s=asked.rest_s,
        files_more=asked.files_more,
    )
    return 0 if asyncio.run(Soak(asked.url, asked.model, asked.pid, plan).run()) else 1


if __name__ == "__main__":
    sys.exit(main())
