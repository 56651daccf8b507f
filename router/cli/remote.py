"""Commands that ask a running router."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
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
        with _open(url, "/v1/chat/completions", body) as reply:
            for text in _texts(reply):
                sys.stdout.write(text)
                sys.stdout.flush()
    except Unreachable as error:
        typer.echo(f"\npointsman: {error}", err=True)
        return 1
    typer.echo()
    return 0


def _shown(url: str, path: str, as_json: bool, table: Any) -> int:
    try:
        with _open(url, path) as reply:
            answer = json.load(reply)
    except Unreachable as error:
        typer.echo(f"pointsman: {error}", err=True)
        return 1
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    else:
        Console().print(table(answer))
    return 0


def _open(url: str, path: str, body: object | None = None) -> HTTPResponse:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url.rstrip("/") + path, data=data, headers={"content-type": "application/json"})
    try:
        return urlopen(request, timeout=TIMEOUT_S)  # type: ignore[no-any-return]
    except HTTPError as error:
        if error.code == 503 and path.startswith("/health"):
            return error  # type: ignore[return-value]  # a health report of a router that is not well is an answer
        raise Unreachable(_words(error)) from error
    except (URLError, TimeoutError, ValueError) as error:
        raise Unreachable(f"no router answers at {url}: {getattr(error, 'reason', error)}") from error


def _words(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"


def _texts(reply: HTTPResponse) -> Iterator[str]:
    """The text of a chat stream. Raises `Unreachable` for an error inside it and for an end without `[DONE]`."""
    for line in reply:
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


def _provider_table(answer: dict[str, Any]) -> Table:
    table = Table("provider", "healthy", "circuit", "score", "success", "requests", "last error", "models")
    for name, report in answer["providers"].items():
        table.add_row(
            name,
            "yes" if report["healthy"] else "no",
            report["circuit_state"],
            f"{report['health_score']:.2f}",
            f"{report['success_rate']:.0%}",
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
