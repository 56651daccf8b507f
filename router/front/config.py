"""The configuration over HTTP: what is in force, reading it again, and changing providers and failover groups.

    GET    /config                    what is in force; `?format=yaml` the document, to be kept as a file
    POST   /config/reload             read the source again
    GET    /config/providers          the entries as they are written; likewise /config/groups
    POST   /config/providers          add one: its keys, and its `name`
    GET    /config/providers/{name}   one
    PUT    /config/providers/{name}   all of one; adds it where it is not there
    PATCH  /config/providers/{name}   some keys of one; null takes a key away
    DELETE /config/providers/{name}   away with it, also where the file has it
    POST   /config/providers/{name}/revert    back to what the file has, be that none

Every answer names the configuration in its `ETag`; with `If-Match` a change is made to that one or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from actors.messages import (
    ChangeConfig,
    ConfigAnswer,
    ConfigDocument,
    ConfigFault,
    ConfigMoved,
    ConfigRefused,
    ConfigTaken,
    ConfigView,
    EntryChange,
    EntryExists,
    EntryMissing,
    ExportConfig,
    Moves,
    ReadConfig,
    ReloadConfig,
)
from router.errors import Refused
from router.front.bodies import Fault, Said
from router.front.body import read_body
from router.front.context import Context
from router.front.guard import who
from router.front.said import queried

PROVIDERS, GROUPS, KEYS = "providers", "failover_groups", "keys"
_HOWS = {"POST": "create", "PUT": "put", "PATCH": "patch", "DELETE": "remove"}
_KEYLESS = ("remove", "revert")
_BODY_BYTES = 1_048_576
_TYPE = "invalid_request_error"
_ENTRIES = msgspec.json.Decoder(dict[str, Raw])


class InForce(Struct, frozen=True, kw_only=True):
    """Which configuration is in force. `restart_for` are keys whose new value waits for a restart of the process;
    `changes` is what was made at run time, with the keys of the file's entries that do not count for it."""

    version: str
    number: int
    source: str
    restart_for: tuple[str, ...]
    changes: tuple[EntryChange, ...]


class ConfigShown(InForce, frozen=True, kw_only=True):
    """The configuration in force, every secret as ***."""

    config: Raw


class ConfigChanged(InForce, frozen=True, kw_only=True):
    """What is in force now, and the names that moved. `changed` is false where nothing was different."""

    changed: bool
    providers: Moves
    groups: Moves


class KeyMade(ConfigChanged, frozen=True, kw_only=True):
    """The same, with a client key: this once."""

    name: str
    key: str


class FormQuery(Struct, frozen=True, kw_only=True):
    """`yaml` gives the document as a file."""

    format: Literal["json", "yaml"] = "json"


class Invalid(Struct, frozen=True, kw_only=True):
    """Everything that is wrong, by its path."""

    message: str
    type: str = _TYPE
    param: str | None = None
    code: str = "invalid_configuration"
    faults: tuple[ConfigFault, ...]


class ConfigInvalid(Struct, frozen=True, kw_only=True):
    """Nothing has changed."""

    error: Invalid


async def show(request: web.Request, context: Context) -> web.Response:
    """`GET /config`."""
    form = queried(request, FormQuery).format
    if form == "json":
        view = await context.desk.configure(ReadConfig())
        assert isinstance(view, ConfigView)
        return _json(ConfigShown(**_about(view), config=view.public), tag=view.tag)
    answer = await context.desk.configure(ExportConfig())
    if not isinstance(answer, ConfigDocument):
        return answered(answer)
    headers = {"etag": f'"{answer.tag}"', "content-type": "application/yaml"}
    return web.Response(body=answer.yaml.encode(), headers=headers)


async def reload(request: web.Request, context: Context) -> web.Response:
    """`POST /config/reload`: 200 with what moved, or 422 with every fault."""
    return answered(await context.desk.configure(ReloadConfig(by=who(request))))


async def entries(_request: web.Request, context: Context, section: str) -> web.Response:
    """All entries of a section, by name."""
    answer = await context.desk.configure(ExportConfig())
    if not isinstance(answer, ConfigDocument):
        return answered(answer)
    return _json(entries_of(answer, section), tag=answer.tag)


async def entry(request: web.Request, context: Context, section: str) -> web.Response:
    """One entry."""
    answer = await context.desk.configure(ExportConfig())
    if not isinstance(answer, ConfigDocument):
        return answered(answer)
    found = entries_of(answer, section).get(request.match_info["name"])
    return answered(EntryMissing()) if found is None else _json(found, tag=answer.tag)


async def change(request: web.Request, context: Context, section: str, how: str = "") -> web.Response:
    """Add, put, patch, remove or revert one entry; `how` where the method does not say it."""
    how = how or _HOWS[request.method]
    keys = None if how in _KEYLESS else await read_keys(request, context)
    name = request.match_info.get("name")
    if name is None:
        named = None if keys is None else keys.pop("name", None)
        if not isinstance(named, str) or not named:
            raise Refused("give the entry's name as `name`", param="name")
        name = named
    message = ChangeConfig(
        section=section,
        name=name,
        how=how,
        keys=None if keys is None else Raw(msgspec.json.encode(keys)),
        expected=expected(request.headers),
        by=who(request),
    )
    return answered(await context.desk.configure(message), created=how == "create")


async def read_keys(request: web.Request, context: Context) -> dict[str, Any]:
    """The keys of an entry, as they were sent. Raises `Refused`."""
    try:
        keys = msgspec.json.decode(await read_body(request, context, _BODY_BYTES))
    except msgspec.DecodeError as error:
        raise Refused("the body is no JSON") from error
    if not isinstance(keys, dict):
        raise Refused("the body must be a JSON object with the entry's keys")
    return keys


def expected(headers: Mapping[str, str]) -> str | None:
    """The tag of `If-Match`; None for none, and for `*`, which any configuration is."""
    given = headers.get("if-match", "*").strip()
    return None if given == "*" else given.removeprefix("W/").strip('"')


def entries_of(document: ConfigDocument, section: str) -> dict[str, Raw]:
    """A section as it is written, by name."""
    tree = _ENTRIES.decode(document.json)
    return _ENTRIES.decode(tree[section]) if section in tree and bytes(tree[section]) != b"null" else {}


def _about(view: ConfigView) -> dict[str, Any]:
    return {
        "version": view.version,
        "number": view.number,
        "source": view.source,
        "restart_for": view.pending,
        "changes": view.changes,
    }


def answered(
    answer: ConfigAnswer, *, created: bool = False, made: Callable[..., ConfigChanged] | None = None
) -> web.Response:
    """What came of it; `made` makes the body where it was done."""
    match answer:
        case ConfigTaken():
            body = (made or ConfigChanged)(
                **_about(answer.view), changed=answer.changed, providers=answer.providers, groups=answer.groups
            )
            return _json(body, tag=answer.view.tag, status=201 if created else 200)
        case ConfigRefused():
            said = Invalid(message="the configuration is invalid; nothing has changed", faults=answer.faults)
            return _json(ConfigInvalid(error=said), status=422)
        case ConfigMoved():
            return _error(412, "another configuration is in force than the one this change was made for", answer.tag)
        case EntryMissing():
            return _error(404, "there is no entry of that name")
        case EntryExists():
            return _error(409, "there is an entry of that name already; PUT or PATCH changes it")
    raise TypeError(f"no answer to a change: {type(answer).__name__}")


def _error(status: int, message: str, tag: str | None = None) -> web.Response:
    said = Said(message=message, type=_TYPE, code="invalid_request")
    return _json(Fault(error=said), tag=tag, status=status)


def _json(body: object, *, tag: str | None = None, status: int = 200) -> web.Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if tag is not None:
        headers["etag"] = f'"{tag}"'
    return web.Response(body=msgspec.json.encode(body), headers=headers, status=status)
