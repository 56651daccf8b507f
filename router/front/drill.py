"""`x-router-fault`: a fault that a caller who may wants to see happen to its own request.

    connect:refuse   connect:hang   connect:delay=S
    head:STATUS      head:hang      head:cut      head:delay=S
    first_token:hang                first_token:delay=S
    frame:N:cut      frame:N:stall  frame:N:malformed   frame:N:delay=S      N from 1, or `end` for the last

Each may be followed by conditions, after semicolons: `retry_after=S` of a status, `target=PROVIDER:MODEL` or
`target=PROVIDER`, `attempts=N` or `attempts=all` (1 unless said), `counts=no`. Commas stand between several faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from router.canon.drill import Drill, Mishap, Place
from router.errors import Refused

HEADER = "x-router-fault"
MOST = 16
"""Faults in one header."""

_LATE = r"(?:=(?P<delay_s>[0-9.]+))?"
_FORMS: tuple[tuple[re.Pattern[str], Place], ...] = (
    (re.compile(r"connect:(?P<mishap>refuse|hang|delay)" + _LATE), Place.CONNECT),
    (re.compile(r"head:(?P<status>[45][0-9][0-9])"), Place.HEAD),
    (re.compile(r"head:(?P<mishap>hang|cut|delay)" + _LATE), Place.HEAD),
    (re.compile(r"first_token:(?P<mishap>hang|delay)" + _LATE), Place.FRAME),
    (re.compile(r"frame:(?P<frame>[1-9][0-9]{0,5}|end):(?P<mishap>cut|stall|malformed|delay)" + _LATE), Place.FRAME),
)
_MISHAPS = {"stall": Mishap.HANG}
_CONDITIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "retry_after": ("retry_after_s", lambda said: _seconds(said)),
    "target": ("target", str),
    "attempts": ("attempts", lambda said: None if said == "all" else _count(said)),
    "counts": ("counts", lambda said: {"yes": True, "no": False}[said]),
}


def drills_of(headers: Mapping[str, str], admit: Callable[[Mapping[str, str]], bool]) -> tuple[Drill, ...]:
    """The faults that a request asks for. Raises `HTTPForbidden` for one that may not, `Refused` for what cannot be
    read."""
    said = headers.get(HEADER)
    if said is None:
        return ()
    if not admit(headers):
        raise web.HTTPForbidden(
            reason=f"{HEADER} takes the admin key in x-admin-key, or a configuration with server.faults: true"
        )
    texts = said.split(",")
    if len(texts) > MOST:
        raise Refused(f"{HEADER} holds more than {MOST} faults", param=HEADER)
    return tuple(_read(text.strip()) for text in texts)


def _read(text: str) -> Drill:
    form, *conditions = (part.strip() for part in text.split(";"))
    try:
        return Drill(text=form, **_form(form), **dict(_condition(one) for one in conditions))
    except (ValueError, KeyError) as error:
        words = f"{HEADER} cannot be read at {text!r}; docs/failures.md has its forms"
        raise Refused(words, param=HEADER) from error


def _form(form: str) -> dict[str, Any]:
    """Place and mishap of a form. Raises `ValueError` for one that is none, and for a delay without seconds."""
    for pattern, place in _FORMS:
        found = pattern.fullmatch(form)
        if found is not None:
            named = {name: value for name, value in found.groupdict().items() if value is not None}
            return {"place": place, **_filled(named)}
    raise ValueError(form)


def _filled(named: dict[str, str]) -> dict[str, Any]:
    if "status" in named:
        return {"mishap": Mishap.STATUS, "status": int(named["status"])}
    mishap = _MISHAPS.get(named["mishap"]) or Mishap(named["mishap"])
    if (mishap is Mishap.DELAY) != ("delay_s" in named):
        raise ValueError("a delay has seconds, and nothing else has")
    frame = named.get("frame", "1")
    return {
        "mishap": mishap,
        "frame": 0 if frame == "end" else int(frame),
        "delay_s": _seconds(named.get("delay_s", "0")),
    }


def _condition(said: str) -> tuple[str, Any]:
    name, equals, value = said.partition("=")
    if not equals or not value.strip():
        raise ValueError(said)
    field, read = _CONDITIONS[name.strip()]
    return field, read(value.strip())


def _seconds(said: str) -> float:
    value = float(said)
    if not 0 <= value <= 86_400:
        raise ValueError(said)
    return value


def _count(said: str) -> int:
    value = int(said)
    if value < 1:
        raise ValueError(said)
    return value
