"""A whole request through Pointsman against a bare aiohttp proxy, in turn, in one run: `python -m bench.proxy`.

Others' work on the machine takes answers a second from both, and processor time from neither: judge a change by the
processor time of one request, in microseconds, all threads of the process together.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct

from bench.load import Result, measure

ROUNDS = 5
SECONDS = 2.0

CASES = (
    ("JSON chat, 32 connections", False, 32),
    ("streamed chat of 53 chunks, 32 connections", True, 32),
    ("JSON chat, 1 connection", False, 1),
)


class Proxy(Struct, frozen=True):
    """What is measured."""

    pid: int
    port: int


class Round(Struct, frozen=True):
    """One measurement of one proxy.

    Args:
        cpu_us: processor time of its process for each answer, in microseconds.
    """

    seen: Result
    cpu_us: float


def main() -> None:
    """Start the three processes, measure, print one line a case."""
    with ExitStack() as stack:
        ports = [_free_port() for _ in range(3)]
        upstream, bare, ours = ports
        stack.enter_context(_process(1, "bench.upstream", str(upstream)))
        bare_process = stack.enter_context(_process(0, "bench.bare", str(bare), f"http://127.0.0.1:{upstream}"))
        home = stack.enter_context(tempfile.TemporaryDirectory())
        config = Path(home) / "bench.yaml"
        config.write_text(
            f"server: {{port: {ours}}}\n"
            f"home: {home}\n"
            "telemetry: {log_level: warning}\n"
            f"providers:\n  up: {{kind: openai-compatible, base_url: 'http://127.0.0.1:{upstream}/v1', models: [m]}}\n",
            encoding="utf-8",
        )
        process = stack.enter_context(_process(0, "router", "serve", "--config", str(config)))
        for port in ports:
            _wait_for(port)
        _pin(0, 1)
        for name, stream, connections in CASES:
            proxies = Proxy(bare_process.pid, bare), Proxy(process.pid, ours)
            uvloop.run(_compare(name, stream, connections, proxies))
        print(f"peak memory of the router: {_peak_mb(process.pid):.0f} MB")


async def _compare(name: str, stream: bool, connections: int, proxies: tuple[Proxy, Proxy]) -> None:
    """Rounds in turn, B O B O ..., so that both see the same machine; the median of the pairwise ratios counts."""
    pairs: list[tuple[Round, Round]] = []
    for round_ in range(ROUNDS + 1):
        bare, ours = [await _round(proxy, stream=stream, connections=connections) for proxy in proxies]
        if round_:
            pairs.append((bare, ours))
    ratio = statistics.median(o.seen.per_s / b.seen.per_s for b, o in pairs)
    added = statistics.median(o.seen.p50_ms - b.seen.p50_ms for b, o in pairs)
    b_per_s = statistics.median(b.seen.per_s for b, _ in pairs)
    o_per_s = statistics.median(o.seen.per_s for _, o in pairs)
    b_us = statistics.median(b.cpu_us for b, _ in pairs)
    o_us = statistics.median(o.cpu_us for _, o in pairs)
    failed = sum(o.seen.failed for _, o in pairs)
    print(
        f"{name}: bare {b_per_s:.0f}/s, router {o_per_s:.0f}/s, ratio {ratio:.2f}, "
        f"p50 added {added:.2f} ms, failed {failed}"
    )
    print(f"  CPU a request: bare {b_us:.0f} us, router {o_us:.0f} us, {o_us / b_us:.1f} times", flush=True)


async def _round(proxy: Proxy, *, stream: bool, connections: int) -> Round:
    before_s = _cpu_s(proxy.pid)
    seen = await measure(proxy.port, stream=stream, connections=connections, seconds=SECONDS)
    answers = seen.per_s * SECONDS + seen.failed
    return Round(seen=seen, cpu_us=(_cpu_s(proxy.pid) - before_s) / answers * 1e6 if answers else float("nan"))


@contextmanager
def _process(cpu: int, module: str, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _pin(process.pid, cpu)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _pin(pid: int, cpu: int) -> None:
    """What is measured has a core of its own, where there are two."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {cpu})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.perf_counter() + 60
    while time.perf_counter() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        asyncio.run(asyncio.sleep(0.05))
    raise TimeoutError(f"nothing listens on port {port}")


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, in user and kernel mode. Source: man 5 proc_pid_stat, fields 14 and 15."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    after_name = stat.read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
