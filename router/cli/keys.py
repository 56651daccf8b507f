"""`pointsman keys`: client keys of a running router."""

from __future__ import annotations

import json
import os
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import typer
import yaml
from rich.console import Console
from rich.table import Table

ADMIN_KEY = "POINTSMAN_ADMIN_KEY"
"""Where the admin key is looked for: as an argument others could see it."""

TIMEOUT_S = 60.0


def given(owner: str, group: str, settings: list[str]) -> dict[str, Any]:
    """The entry of a key, of options; the value of a setting is YAML."""
    said: dict[str, Any] = {"owner": owner, "group": group}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"{setting!r} is not KEY=VALUE")
        said[name] = yaml.load(value, Loader=yaml.BaseLoader) if name == "expires" else yaml.safe_load(value)
    return said


def create(url: str, name: str, entry: dict[str, Any], *, as_json: bool) -> int:
    """Make a key and print it: this once."""
    said = {key: value for key, value in entry.items() if value not in (None, "", ())}
    return _made(_asked(url, "POST", "/keys", {"name": name, **said}), as_json=as_json)


def rotate(url: str, name: str, overlap_s: float, *, as_json: bool) -> int:
    """Make another key for the same name and print it."""
    return _made(_asked(url, "POST", f"/keys/{quote(name)}/rotate", {"overlap_s": overlap_s}), as_json=as_json)


def revoke(url: str, name: str) -> int:
    """From now on the key is none."""
    _asked(url, "DELETE", f"/keys/{quote(name)}")
    typer.echo(f"{name} is revoked")
    return 0


def names(url: str, *, as_json: bool) -> int:
    """A line for each key; none of them can be shown again."""
    answer = _asked(url, "GET", "/keys")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return 0
    table = Table("name", "owner", "group", "expires", "models", "endpoints")
    for name, key in answer.items():
        words = (key.get("owner") or "", key.get("group") or "", key.get("expires") or "never")
        table.add_row(name, *words, *(", ".join(key.get(list_) or ["all"]) for list_ in ("models", "endpoints")))
    Console().print(table)
    return 0


def _made(answer: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps({"name": answer["name"], "key": answer["key"]}))
    else:
        typer.echo(answer["key"])
        typer.echo(f"the key of {answer['name']}; it is not shown again", err=True)
    return 0


def _asked(url: str, method: str, path: str, body: object | None = None) -> dict[str, Any]:
    """The answer; exits with status 1 and a line of why where there is none, or it says no."""
    headers = {"content-type": "application/json"}
    if os.environ.get(ADMIN_KEY):
        headers["x-admin-key"] = os.environ[ADMIN_KEY]
    data = None if body is None else json.dumps(body).encode()
    try:
        request = Request(url.rstrip("/") + path, data=data, headers=headers, method=method)
        with urlopen(request, timeout=TIMEOUT_S) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except HTTPError as error:
        with error:
            why = _words(error)
    except (HTTPException, OSError, ValueError) as error:
        why = f"no router answers at {url}: {getattr(error, 'reason', error)}"
    typer.echo(f"pointsman: {why}", err=True)
    raise typer.Exit(1)


def _words(error: HTTPError) -> str:
    try:
        said = json.load(error)["error"]
        faults = [f"{fault['path']}: {fault['message']}" for fault in said.get("faults", ())]
        return "; ".join((str(said["message"]), *faults))
    except (ValueError, KeyError, TypeError):
        return f"status {error.code}"
