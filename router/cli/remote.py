"""Commands that ask a running router."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import typer
from rich.console import Console
from rich.table import Table

TIMEOUT_S = 600.0


class Unreachable(Exception):
    """There is no answer, or one that says no; the message is for a person."""


def providers(url: str, *, as_json: bool) -> int:
    """A line for each provider."""
    return _shown(url, "/health/providers", as_json, _provider_table)


def models(url: str, *, as_json: bool) -> int:
    """A line for each name."""
    return _shown(url, "/v1/models", as_json, _model_table)


def chat(url: str, model: str, message: str) -> int:
    """The answer as it comes; 1 when it does not come whole."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": message}]}
    try:
        with _asked(url, "/v1/chat/completions", body) as reply:
            for text in _texts(reply):
                sys.stdout.write(text)
                sys.stdout.flush()
    except Unreachable as error:
        typer.echo(f"\npointsman: {error}", err=True)
        return 1
    typer.echo()
    return 0


def _shown(url: str, path: str, as_json: bool, table: Callable[[dict[str, Any]], Table]) -> int:
    try:
        with _asked(url, path) as reply:
            answer = json.load(reply)
            said = json.dumps(answer, indent=2) if as_json else table(answer)
    except Unreachable as error:
        typer.echo(f"pointsman: {error}", err=True)
        return 1
    if isinstance(said, str):
        typer.echo(said)
    else:
        Console().print(said)
    return 0


@contextmanager
def _asked(url: str, path: str, body: object | None = None) -> Iterator[HTTPResponse | HTTPError]:
    """An answer to read. Raises `Unreachable` for whatever goes wrong, also while it is read."""
    data = None if body is None else json.dumps(body).encode()
    try:
        request = Request(url.rstrip("/") + path, data=data, headers={"content-type": "application/json"})
        with urlopen(request, timeout=TIMEOUT_S) as reply:
            yield reply
    except HTTPError as error:
        if error.code != 503 or not path.startswith("/health"):
            raise Unreachable(_words(error)) from error
        # A health report of a router that is not well is an answer.
        with error:
            yield error
    except (HTTPException, OSError, ValueError) as error:
        raise Unreachable(f"no router answers at {url}: {getattr(error, 'reason', error)}") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise Unreachable(f"what answers at {url} is no router") from error


def _words(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


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


def _provider_table(answer: dict[str, Any]) -> Table:
    table = Table("provider", "healthy", "circuit", "score", "success", "requests", "last error", "models")
    for name, report in answer["providers"].items():
        table.add_row(
            name,
            "yes" if report["healthy"] else "no",
            report["circuit_state"],
            f"{report['health_score']:.2f}",
            "" if report["success_rate"] is None else f"{report['success_rate']:.0%}",
            str(report["requests"]),
            report["last_error"] or "",
            ", ".join(report["models"]),
        )
    return table


def _model_table(answer: dict[str, Any]) -> Table:
    table = Table("model", "context", "targets")
    for model in answer["data"]:
        table.add_row(model["id"], str(model.get("context_window") or ""), ", ".join(model["targets"]))
    return table
