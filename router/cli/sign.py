"""The sign that a serving router hangs out in its home, so that a command finds it wherever it listens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

SIGN = "serving.json"


class Sign(Struct, frozen=True, kw_only=True):
    """Where a router serves. No secret is in it.

    Args:
        url: where callers are heard.
        admin_url: where administration is; None where callers are.
        config: the file that it was started with, absolute; None where the environment was all.
        pid: whose sign it is.
    """

    url: str
    admin_url: str | None
    config: str | None
    pid: int


@contextmanager
def hung_out(home: Path, sign: Sign) -> Iterator[None]:
    """While the router serves. A home that cannot be written costs only commands their way: they go by the
    configuration then."""
    file = home / SIGN
    with suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = home / f"{SIGN}.{sign.pid}"
        beside.touch(mode=0o600)
        beside.write_bytes(msgspec.json.encode(sign))
        beside.replace(file)
    try:
        yield
    finally:
        if sign_in(home) == sign:
            with suppress(OSError):
                file.unlink()


def sign_in(home: Path) -> Sign | None:
    """The sign that hangs there; None where there is none, or that of a process that is no more."""
    try:
        sign = msgspec.json.decode((home / SIGN).read_bytes(), type=Sign)
        os.kill(sign.pid, 0)
    except PermissionError:
        return sign  # somebody else's process, and alive
    except (OSError, OverflowError, msgspec.DecodeError):
        return None
    return sign
