"""`GET /openapi.json`: the API's document, made of the table of operations and the Structs of requests and answers.

Source: https://spec.openapis.org/oas/v3.1.1.html, read 2026-11.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from router.front.context import Context
from router.front.manual import JSON, MANUAL, YAML, Entry
from router.front.paths import is_keyed, is_operational

_REF = "#/components/schemas/{name}"
_NAME = re.compile(r"\{(\w+)[^}]*\}")
Node = dict[str, Any]

_KEYS: Node = {
    "clientKey": {"type": "http", "scheme": "bearer", "description": "A client key, as OpenAI's clients send one."},
    "clientKeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same, as Anthropic's clients send one.",
    },
    "adminKey": {"type": "http", "scheme": "bearer", "description": "The admin key."},
    "adminKeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "x-admin-key",
        "description": "The same, in a header of its own.",
    },
}
"""How keys are shown."""

_OTHERS: Node = {YAML: {"type": "object"}}
"""Content type -> what it is where it is read; all others are text."""


async def document(_request: web.Request, context: Context) -> web.Response:
    """The document, as the configuration in force has it."""
    found = openapi(callers_keyed=context.callers_keyed, operators_keyed=context.operators_keyed)
    return web.Response(body=msgspec.json.encode(found), content_type=JSON)


def plain(path: str) -> str:
    """A route's path as the document writes it: without the pattern of a parameter."""
    return _NAME.sub(r"{\1}", path)


@cache
def openapi(*, callers_keyed: bool = False, operators_keyed: bool = False) -> Node:
    """The whole document. Callers must not change it.

    Args:
        callers_keyed: whether nobody may call without a client key; else one may be shown.
        operators_keyed: the same for operators and the admin key.
    """
    schemas = _Schemas(MANUAL.values())
    paths: dict[str, Node] = {}
    for (method, path), entry in MANUAL.items():
        keyed = operators_keyed if is_operational(path) else callers_keyed
        operation = {**_operation(path, entry, schemas), "security": _security(path, keyed=keyed)}
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pointsman",
            "version": "1",
            "description": "An LLM router. Bodies for models go to the provider as they came, but for `router`; their"
            " vendors' own references say what may be in them.",
        },
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _KEYS},
    }


def _security(path: str, *, keyed: bool) -> list[Node]:
    """By which keys an operation is asked, one of them; an empty one is asking without."""
    if is_operational(path):
        names = ("adminKey", "adminKeyHeader")
    elif is_keyed(path):
        names = ("clientKey", "clientKeyHeader")
    else:
        return []
    return [{name: []} for name in names] + ([] if keyed else [{}])


class _Schemas:
    """The schema of every type that an entry names."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        types: list[Any] = []
        for entry in entries:
            for each in (entry.body, entry.query, entry.refusal, *entry.answers):
                if each is not None and each not in types:
                    types.append(each)
        schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
        self._types = types
        self._schemas = [_mended(schema) for schema in schemas]
        self.components: Node = {name: _mended(schema) for name, schema in components.items()}

    def of(self, what: Any) -> Node:
        """Its schema, by reference where it is a Struct."""
        schema: Node = self._schemas[self._types.index(what)]
        return schema

    def fields(self, query: type[Struct]) -> Mapping[str, Node]:
        """Those of a Struct by name."""
        name: str = self.of(query)["$ref"].rpartition("/")[2]
        fields: Mapping[str, Node] = self.components[name]["properties"]
        return fields


def _mended(schema: Any) -> Any:
    """A schema as we mean it: money is a number in our JSON, and a docstring's first sentences describe enough."""
    match schema:
        case {"type": "string", "format": "decimal"}:
            return {"type": "number"}
        case dict():
            mended = {name: _mended(value) for name, value in schema.items() if name != "title"}
            if isinstance(mended.get("description"), str):
                mended["description"] = inspect.cleandoc(mended["description"]).partition("\n\nArgs:")[0]
            return mended
        case list():
            return [_mended(each) for each in schema]
    return schema


def _operation(path: str, entry: Entry, schemas: _Schemas) -> Node:
    said: Node = {"summary": entry.summary, "tags": [entry.tag], "responses": _responses(entry, schemas)}
    parameters: list[Node] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAME.findall(path)
    ]
    if entry.query is not None:
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": _given(field)}
            for name, field in schemas.fields(entry.query).items()
        ]
    if parameters:
        said["parameters"] = parameters
    if entry.body is not None:
        said["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.of(entry.body)}}}
    return said


def _given(field: Node) -> Node:
    """A parameter's schema: one that is not given is not null, it is not there."""
    options: list[Node] = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return options[0]
    return {name: value for name, value in field.items() if name != "default" or value is not None}


def _responses(entry: Entry, schemas: _Schemas) -> Node:
    shapes = [schemas.of(answer) for answer in entry.answers]
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    content = {entry.content: {"schema": schema}} | {
        other: {"schema": _OTHERS.get(other, {"type": "string"})} for other in entry.others
    }
    good = {str(status): {"description": entry.summary, "content": content} for status in (entry.status, *entry.also)}
    refusal: Node = {"type": "object"} if entry.refusal is None else schemas.of(entry.refusal)
    return {**good, "default": {"description": "It says why not.", "content": {JSON: {"schema": refusal}}}}
