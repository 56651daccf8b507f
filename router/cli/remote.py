"""Commands that ask a running router."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

import typer

from router.cli.console import Column, Listing, listing, printed
from router.cli.place import Place

TIMEOUT_S = 600.0


class Unreachable(Exception):
    """There is no answer, or one that says no; the message is for a person."""


def providers(place: Place, *, as_json: bool) -> int:
    """A line for each provider."""
    return shown(place, "/health/providers", as_json, _provider_table)


def models(place: Place, *, as_json: bool) -> int:
    """A line for each name."""
    return shown(place, "/v1/models", as_json, _model_table)


def chat(place: Place, model: str, message: str) -> int:
    """The answer as it comes; 1 when it does not come whole."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": message}]}
    try:
        with asked(place, "/v1/chat/completions", body) as reply:
            for text in _texts(reply):
                sys.stdout.write(text)
                sys.stdout.flush()
    except Unreachable as error:
        typer.echo(f"\npointsman: {error}", err=True)
        return 1
    typer.echo()
    return 0


def shown(
    place: Place,
    path: str,
    as_json: bool,
    table: Callable[[dict[str, Any]], Listing | str],
    body: object | None = None,
    *,
    method: str | None = None,
) -> int:
    """Print what the router says there, as a table or as it came; 1 where it says no.

    Args:
        body: what is sent, as JSON; None sends nothing.
        method: None sends what there is to send, and reads otherwise.
    """
    try:
        with asked(place, path, body, method) as reply:
            answer = json.load(reply)
            said = json.dumps(answer, indent=2) if as_json else table(answer)
    except Unreachable as error:
        typer.echo(f"pointsman: {error}", err=True)
        return 1
    printed(said)
    return 0


@contextmanager
def asked(
    place: Place, path: str, body: object | None = None, method: str | None = None
) -> Iterator[HTTPResponse | HTTPError]:
    """An answer to read. Raises `Unreachable` for whatever goes wrong, also while it is read."""
    data = None if body is None else json.dumps(body).encode()
    base = place.base_of(path)
    try:
        request = Request(base + path, data=data, headers=place.headers_for(path), method=method)
        with place.open(request, TIMEOUT_S) as reply:
            yield reply
    except HTTPError as error:
        if error.code != 503 or not path.startswith("/health"):
            raise Unreachable(_words(error, place)) from error
        # A health report of a router that is not well is an answer.
        with error:
            yield error
    except (HTTPException, OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise Unreachable(f"no router answers at {base} ({place.found}): {why}") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise Unreachable(f"what answers at {base} is no router ({place.found})") from error


def _words(error: HTTPError, place: Place) -> str:
    try:
        body = json.load(error)["error"]
        faults = (f"\n  {fault['path']}: {fault['message']}" for fault in body.get("faults", ()))
        said = "".join((str(body["message"]), *faults))
    except (ValueError, KeyError, TypeError, AttributeError):
        said = f"status {error.code}"
    if error.code != 401:
        return said
    return f"{said}; {place.keys_said(urlsplit(error.url).path)}"


def _texts(reply: Iterable[bytes]) -> Iterator[str]:
    """The text of a chat stream. Raises `Unreachable` for an error inside it and for an end without `[DONE]`."""
    for line in _lines(reply):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        chunk = json.loads(data)
        if "error" in chunk:
            raise Unreachable(chunk["error"]["message"])
        for choice in chunk["choices"]:
            yield choice["delta"].get("content") or ""
    raise Unreachable("the answer was cut")


def _lines(reply: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that came, whether or not the connection died then."""
    try:
        yield from reply
    except (HTTPException, OSError):
        return


_PROVIDERS = (
    Column(title="provider"),
    Column(title="healthy"),
    Column(title="circuit", rank=1),
    Column(title="score", rank=4, number=True),
    Column(title="success", number=True),
    Column(title="requests", rank=2, number=True),
    Column(title="last error", breaks=True),
    Column(title="models", rank=3, breaks=True),
)


def _provider_table(answer: dict[str, Any]) -> Listing:
    return listing(
        _PROVIDERS,
        (
            (
                name,
                "yes" if report["healthy"] else "no",
                report["circuit_state"],
                f"{report['health_score']:.2f}",
                "" if report["success_rate"] is None else f"{report['success_rate']:.0%}",
                str(report["requests"]),
                report["last_error"] or "",
                ", ".join(report["models"]),
            )
            for name, report in answer["providers"].items()
        ),
    )


_MODELS = (
    Column(title="model"),
    Column(title="context", rank=1, number=True),
    Column(title="targets", rank=2, breaks=True),
)


def _model_table(answer: dict[str, Any]) -> Listing:
    return listing(
        _MODELS,
        (
            (model["id"], str(model.get("context_window") or ""), ", ".join(model["targets"]))
            for model in answer["data"]
        ),
    )
