"""Where log lines go inside somebody else's program: to the standard library's logger `pointsman`, whose handlers and
level are the host's. Nothing is configured here."""

from __future__ import annotations

import logging

import msgspec
from msgspec import Struct

_LOG = logging.getLogger("pointsman")


class _Leveled(Struct):
    level: str = "info"


_DECODER = msgspec.json.Decoder(_Leveled)
_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class HostLog:
    """A `LineSink` that hands each JSON line to the host, at the line's own level."""

    def __init__(self) -> None:
        self.dropped = 0

    def put(self, line: bytes) -> None:
        """Hand on one line."""
        level = _NUMBERS.get(_DECODER.decode(line).level, logging.INFO)
        if _LOG.isEnabledFor(level):
            _LOG.log(level, "%s", line.decode().rstrip())
