"""`pointsman drill`: requests with faults against a running router, and whether their callers saw what they should."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError
from urllib.request import Request

import msgspec
import typer
import yaml
from msgspec import Meta, Struct

from router.cli.console import Column, Listing, listing, printed
from router.cli.place import Place

_TERMINAL = frozenset({"message_stop", "response.completed", "response.incomplete"})
_CONTENT = frozenset({"content_block_delta", "response.output_text.delta"})
_ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Name three colours."}]},
    "/v1/responses": {"input": "Name three colours.", "store": False},
    "/v1/messages": {"messages": [{"role": "user", "content": "Name three colours."}], "max_tokens": 256},
}
"""What is asked where a drill does not say, by path."""


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be seen; what is left out may be anything.

    Args:
        status: of the answer.
        complete: whether it ended as complete answers of its protocol do.
        target: `provider:model` that answered, or began to.
        attempts: requests that left for providers, the answer's included; of an error, all that were tried.
        rescued: whether another attempt went on with a half-sent answer.
        reason: of the error, before or inside the stream.
        first_token_s: the longest that the first content may take.
        within_s: the longest that all of it may take.
    """

    status: int | None = None
    complete: bool | None = None
    target: str | None = None
    attempts: int | None = None
    rescued: bool | None = None
    reason: str | None = None
    first_token_s: float | None = None
    within_s: float | None = None


class DrillCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request.

    Args:
        request: the body; what it leaves out is a short question.
        fault: as `x-router-fault` takes it; left out, none.
        path: of the protocol to speak.
        times: how often it is sent; only the last is looked at.
    """

    name: str
    request: dict[str, Any]
    expect: Expected
    fault: str | None = None
    path: str = "/v1/chat/completions"
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


class DrillFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file holds, in the order it is done."""

    drills: tuple[DrillCase, ...]


class Seen(Struct, kw_only=True):
    """What the client of one request saw."""

    status: int = 0
    complete: bool = False
    target: str | None = None
    attempts: int | None = None
    rescued: bool = False
    reason: str | None = None
    first_token_s: float | None = None
    within_s: float = 0.0
    injected: str | None = None


def run(place: Place, file: Path, *, as_json: bool) -> int:
    """0 when all was as expected, 1 when not, 2 when the file cannot be used."""
    try:
        cases = load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        typer.echo(f"pointsman: {file}: {error}", err=True)
        return 2
    told = [(case, ask(place, case)) for case in cases]
    faults = [faults_of(case, seen) for case, seen in told]
    if as_json:
        rows = [
            {"name": case.name, **msgspec.to_builtins(seen), "faults": wrong}
            for (case, seen), wrong in zip(told, faults, strict=True)
        ]
        typer.echo(json.dumps(rows, indent=2))
    else:
        printed(_table(told, faults))
    return int(any(faults))


def load(file: Path) -> tuple[DrillCase, ...]:
    """The drills of a file. Raises `ValueError` naming what is wrong."""
    return msgspec.convert(yaml.safe_load(file.read_bytes()), DrillFile).drills


def ask(place: Place, case: DrillCase) -> Seen:
    """Send it as often as it says, and hear the last to its end, whatever that is."""
    for _ in range(case.times):
        seen = Seen()
        began = time.perf_counter()
        try:
            with place.open(_request(place, case), 600) as reply:
                _hear(reply, seen, began)
        except HTTPError as error:
            with error:
                _refused(error, seen)
        except (HTTPException, OSError) as error:
            seen.reason = f"no answer: {getattr(error, 'reason', error)}"
        seen.within_s = time.perf_counter() - began
    return seen


def faults_of(case: DrillCase, seen: Seen) -> list[str]:
    """In which ways it was not as expected."""
    wanted = msgspec.structs.asdict(case.expect)
    found = []
    for name, want in wanted.items():
        saw = getattr(seen, name)
        if want is None:
            continue
        if isinstance(want, float):
            if saw is None or saw > want:
                found.append(f"{name} {_shown(saw)}, not within {want:g}")
        elif saw != want:
            found.append(f"{name} {_shown(saw)}, not {_shown(want)}")
    if case.fault is not None and seen.injected is None:
        found.append("no fault was injected")
    return found


def _request(place: Place, case: DrillCase) -> Request:
    body = {**_ASKED.get(case.path, {}), **case.request}
    headers = place.headers_for(case.path)
    if case.fault is not None:
        headers["x-router-fault"] = case.fault
    if place.admin_key:
        headers["x-admin-key"] = place.admin_key
    return Request(place.base_of(case.path) + case.path, data=json.dumps(body).encode(), headers=headers)


def _head(headers: Any, seen: Seen) -> None:
    provider, attempts = headers.get("x-router-provider"), headers.get("x-router-attempts")
    seen.target = f"{provider}:{headers.get('x-router-model')}" if provider else None
    seen.attempts = int(attempts) if attempts else None
    seen.rescued = "x-router-rescued" in headers
    seen.injected = headers.get("x-router-fault")


def _refused(error: HTTPError, seen: Seen) -> None:
    seen.status = error.code
    _head(error.headers, seen)
    try:
        _failed(json.load(error), seen)
    except ValueError:
        seen.reason = "an error that is no JSON"


def _hear(reply: HTTPResponse, seen: Seen, began: float) -> None:
    """A whole answer or a stream."""
    seen.status = reply.status
    _head(reply.headers, seen)
    if reply.headers.get_content_type() != "text/event-stream":
        json.load(reply)
        seen.complete = True
        return
    for line in _lines(reply):
        if line.startswith(b": x-router-rescued"):
            seen.rescued = True
        elif line.startswith(b"data:"):
            _event(line[5:].strip(), seen, began)


def _lines(reply: HTTPResponse) -> Iterator[bytes]:
    """The lines that came, whether or not the connection died then."""
    try:
        yield from reply
    except (HTTPException, OSError):
        return


def _event(data: bytes, seen: Seen, began: float) -> None:
    if data == b"[DONE]":
        seen.complete = True
        return
    said = json.loads(data)
    kind = said.get("type")
    seen.complete = seen.complete or kind in _TERMINAL
    speaks = kind in _CONTENT or any((one.get("delta") or {}).get("content") for one in said.get("choices") or ())
    if speaks and seen.first_token_s is None:
        seen.first_token_s = time.perf_counter() - began
    if said.get("error") or kind == "error":
        _failed(said, seen)


def _failed(said: dict[str, Any], seen: Seen) -> None:
    error = said.get("error") or said
    metadata = error.get("metadata") or {}
    seen.reason = str(metadata.get("reason") or error.get("code") or error.get("type"))
    if "attempts" in metadata:
        seen.attempts = len(metadata["attempts"])


_DRILLS = (
    Column(title="drill", breaks=True),
    Column(title="status", number=True),
    Column(title="first token", rank=5, number=True),
    Column(title="complete", rank=1),
    Column(title="target", rank=3),
    Column(title="attempts", rank=6, number=True),
    Column(title="rescued", rank=7),
    Column(title="reason", rank=4),
    Column(title="as expected", breaks=True),
)


def _table(told: list[tuple[DrillCase, Seen]], faults: list[list[str]]) -> Listing:
    return listing(_DRILLS, (_row(case, seen, wrong) for (case, seen), wrong in zip(told, faults, strict=True)))


def _row(case: DrillCase, seen: Seen, wrong: list[str]) -> tuple[str, ...]:
    return (
        case.name,
        str(seen.status or ""),
        "" if seen.first_token_s is None else f"{seen.first_token_s:.2f} s",
        "yes" if seen.complete else "no",
        seen.target or "",
        "" if seen.attempts is None else str(seen.attempts),
        "yes" if seen.rescued else "no",
        seen.reason or "",
        "; ".join(wrong) or "yes",
    )


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.2f}"
        case None:
            return "none"
    return str(value)
