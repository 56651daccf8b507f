"""`pointsman compare` and `pointsman bench`: the same request to several targets, and many to one router."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any

from msgspec import Struct, to_builtins

from router.cli.console import Column, Listing, listing, printed
from router.cli.place import Place
from router.cli.remote import Unreachable, asked

MOST_AT_ONCE = 16
"""Callers of one bench: it measures a router that serves, and is not there to bring it down."""


class Try(Struct, frozen=True, kw_only=True):
    """One request as its caller saw it. `answer` is None where `error` says why there is none."""

    model: str
    seconds: float
    served_by: str | None = None
    answer: str | None = None
    tokens: int | None = None
    cost_usd: str | None = None
    error: str | None = None


def compare(place: Place, models: tuple[str, ...], message: str, *, as_json: bool) -> int:
    """Ask all at the same time; 1 where one of them did not answer."""
    with ThreadPoolExecutor(max_workers=min(len(models), MOST_AT_ONCE)) as pool:
        tries = list(pool.map(lambda model: _try(place, model, message), models))
    printed(json.dumps(to_builtins(tries), indent=2) if as_json else _compared(tries))
    return 1 if any(each.error for each in tries) else 0


def bench(place: Place, model: str, requests: int, at_once: int, message: str, *, as_json: bool) -> int:
    """Ask `requests` times, `at_once` at a time; 1 where one was not answered."""
    began = _now()
    with ThreadPoolExecutor(max_workers=min(at_once, MOST_AT_ONCE)) as pool:
        tries = list(pool.map(lambda _: _try(place, model, message), range(requests)))
    measured = _measured(tries, _now() - began)
    if as_json:
        printed(json.dumps(measured, indent=2))
    else:
        rows = ((name, str(value)) for name, value in measured.items())
        printed(listing((Column(title="what"), Column(title="how", breaks=True)), rows))
    return 1 if any(each.error for each in tries) else 0


def _try(place: Place, model: str, message: str) -> Try:
    body = {"model": model, "messages": [{"role": "user", "content": message}]}
    began = _now()
    try:
        with asked(place, "/v1/chat/completions", body) as reply:
            answer: dict[str, Any] = json.load(reply)
            headers = reply.headers
            said = answer["choices"][0]["message"]["content"] or ""
            tokens = (answer.get("usage") or {}).get("completion_tokens")
    except Unreachable as error:
        return Try(model=model, seconds=_since(began), error=str(error))
    served_by = f"{headers.get('x-router-provider')}:{headers.get('x-router-model')}"
    return Try(
        model=model,
        seconds=_since(began),
        served_by=served_by,
        answer=said,
        tokens=tokens,
        cost_usd=headers.get("x-router-cost-usd"),
    )


def _now() -> float:
    return time.perf_counter()


def _since(began: float) -> float:
    return round(_now() - began, 4)


def _measured(tries: Iterable[Try], took_s: float) -> dict[str, object]:
    tries = list(tries)
    good = [each.seconds for each in tries if each.error is None]
    cuts = quantiles(good, n=100, method="inclusive") if len(good) > 1 else good * 99
    times = {f"p{part}_ms": round(cuts[part - 1] * 1000, 1) for part in (50, 90, 99)} if good else {}
    errors = sorted({each.error for each in tries if each.error is not None})
    return {
        "requests": len(tries),
        "answered": len(good),
        "seconds": round(took_s, 3),
        "answers_per_s": round(len(good) / took_s, 1),
        **times,
        **({"errors": errors} if errors else {}),
    }


_COMPARED = (
    Column(title="model"),
    Column(title="served by", rank=3),
    Column(title="seconds", rank=1, number=True),
    Column(title="tokens", rank=2, number=True),
    Column(title="cost USD", rank=2, number=True),
    Column(title="answer", breaks=True),
)


def _compared(tries: Iterable[Try]) -> Listing:
    return listing(_COMPARED, map(_row, tries), lines=True)


def _row(each: Try) -> tuple[str, ...]:
    return (
        each.model,
        each.served_by or "",
        f"{each.seconds:.2f}",
        "" if each.tokens is None else str(each.tokens),
        each.cost_usd or ("" if each.error else "unknown"),
        (each.answer or "") if each.error is None else f"none: {each.error}",
    )
