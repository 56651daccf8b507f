"""`pointsman serve`: the router as a process of its own."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from actors.runtime import Shutdown, StartFailed
from router.app import Assembly, Parts, kind_rules
from router.app.servers import server_of
from router.cli.configuration import or_exit
from router.cli.place import url_of
from router.cli.sign import Sign, hung_out
from router.front.server import HttpServer
from router.settings import Origin, Settings
from router.telemetry.libraries import LibraryLog
from router.telemetry.logs import Level, Line
from router.telemetry.writer import Writer

LOG_STOP_S = 1.0

_REMEDIES = {
    errno.EADDRINUSE: "stop what listens there, or name another port by server.port or --port; 0 takes a free one",
    errno.EADDRNOTAVAIL: "server.host must be an address of this machine",
    errno.EACCES: "a port below 1024 needs a privilege; name another by server.port or --port",
}
"""What an operator can do about what the system refuses to a listener."""


def run(file: Path | None, port: int | None) -> int:
    """The exit status: 0 after an orderly stop, 1 when the router could not start or gave up, 2 for its
    configuration."""
    origin = Origin(file, os.environ, kind_rules(), adjust=partial(_at_port, port), changes=True)
    settings = or_exit(file, origin.read)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, origin))


def _at_port(port: int | None, settings: Settings) -> Settings:
    return settings if port is None else replace(settings, server=replace(settings.server, port=port))


async def _serve(settings: Settings, origin: Origin) -> int:
    writer = Writer()
    server = server_of(
        settings,
        make_contexts=lambda desk: assembly.contexts(desk),
        on_bug=lambda request_id, error: assembly.on_bug(request_id, error),
    )
    assembly = Assembly(settings, server=server, source=origin.words, origin=origin, parts=Parts(sink=writer))
    logging.getLogger().addHandler(LibraryLog(assembly.logs))
    # Before the start: whoever reads that we listen may ask for the end at once, and must not get the default's.
    due = asyncio.Event()
    _on_signals(lambda _: due.set())
    _on_hangup(lambda: assembly.reload("SIGHUP"))
    try:
        await assembly.start()
    except StartFailed as failed:
        print(f"pointsman: cannot start: {_cause(failed)}", file=sys.stderr)
        return 1
    else:
        host, bound = server.address
        sign = _sign_of(settings, server, origin)
        with hung_out(settings.home, sign):
            assembly.logs.write(Level.INFO, Line.SERVER_LISTENING, host=host, port=bound)
            print(_announced(sign, settings), flush=True)
            _settle_memory()
            return await _until_ended(assembly, due)
    finally:
        await writer.stop(LOG_STOP_S)


def _sign_of(settings: Settings, server: HttpServer, origin: Origin) -> Sign:
    scheme = "https" if settings.server.tls_cert else "http"
    url, *admin = (url_of(scheme, host, port) for host, port in server.addresses)
    file = None if origin.file is None else str(origin.file.absolute())
    return Sign(url=url, admin_url=admin[0] if admin else None, config=file, pid=os.getpid())


def _announced(sign: Sign, settings: Settings) -> str:
    admin = "" if sign.admin_url is None else f", is administered on {sign.admin_url}"
    return f"Pointsman listens on {sign.url}{admin} (configuration {settings.version})"


async def _until_ended(assembly: Assembly, due: asyncio.Event) -> int:
    """Run until a signal asks for the end or the tree gives up, whichever is first."""
    assembly.system.watch_end(lambda _: due.set())
    await due.wait()
    gave_up = assembly.system.ended
    if gave_up is not None:
        why = gave_up.detail if isinstance(gave_up, Shutdown) else type(gave_up).__name__
        assembly.logs.write(Level.ERROR, Line.SHUTDOWN_STEP, step="gave up", why=why)
        return 1
    # Before it is said: whoever reads the line may look.
    assembly.turn_away()
    assembly.logs.write(Level.INFO, Line.SHUTDOWN_STEP, step="draining")
    # Whoever asks twice does not want to wait; the journal is made for that.
    _on_signals(lambda number: os._exit(128 + number))
    await assembly.stop()
    assembly.logs.write(Level.INFO, Line.SHUTDOWN_STEP, step="stopped")
    return 0


def _on_signals(call: Callable[[int], None]) -> None:
    """Have the signals that ask for the end call this with their number."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, call, number)


def _on_hangup(call: Callable[[], None]) -> None:
    """Have SIGHUP call this, where there is one: it asks for the configuration to be read again."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, call)


def _cause(failed: StartFailed) -> str:
    """Why a start failed, in the words of whoever could not start: what lies below them names no file and no use."""
    cause: BaseException = failed
    while isinstance(cause, StartFailed) and cause.__cause__ is not None:
        cause = cause.__cause__
    said = str(cause) or type(cause).__name__
    remedy = _REMEDIES.get(cause.errno or 0) if isinstance(cause, OSError) else None
    return f"{said}; {remedy}" if remedy else said


def _settle_memory() -> None:
    """What exists now lives as long as the process: collections need not look at it."""
    gc.collect()
    gc.freeze()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: twice the throughput."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
