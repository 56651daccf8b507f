"""The API's document: whole, and what the handlers do."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from router.front.manual import MANUAL
from router.front.openapi import openapi, plain
from router.front.paths import is_operational
from router.front.routes import OPERATIONS, ROUTES
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, routed, served
from tests.front.apidoc import PAGE, page

_SHAPE = (status_code_conformance, content_type_conformance, response_schema_conformance)
_STRICT = (*_SHAPE, not_a_server_error, negative_data_rejection)
"""Of operations that ask no provider, whose every parameter and answer is ours."""

_EXAMPLES = 6


def test_every_route_is_documented_and_every_entry_is_a_route() -> None:
    """No route is forgotten, and none is promised that is not there."""
    assert {(method, plain(path)) for method, path, *_ in ROUTES + OPERATIONS} == set(MANUAL)


@on_uvloop
async def test_the_document_is_served_and_every_reference_in_it_leads_somewhere(tmp_path: Path) -> None:
    """As any tool reads it."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        code, body = await router.get("/openapi.json")
    assert code == 200 and body == json.loads(json.dumps(openapi()))
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(body)))
    assert named and named <= set(body["components"]["schemas"])


def _cases(mode: GenerationMode, wanted: Callable[[str], bool], *, keyed: bool) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(openapi(callers_keyed=keyed, operators_keyed=keyed))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if wanted(operation.path):
            yield operation.as_strategy(generation_mode=mode)


def _hold(
    router: Served,
    mode: GenerationMode,
    wanted: Callable[[str], bool],
    checks: tuple[Any, ...],
    headers: Mapping[str, str] | None = None,
) -> int:
    """Ask each operation some generated requests; each answer must be one that the document allows."""
    held = 0
    for cases in _cases(mode, wanted, keyed=headers is not None):

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def ask(case: Any) -> None:
            response = case.call(base_url=router.url, timeout=20, headers=headers)
            case.validate_response(response, checks=list(checks), headers=headers)

        ask()
        held += 1
    return held


def _is_ours(path: str) -> bool:
    return is_operational(path) or path.startswith(("/v1/models", "/health", "/livez", "/readyz", "/openapi"))


@pytest.mark.parametrize(
    ("ours", "least"), [pytest.param(True, 20, id="operations"), pytest.param(False, 10, id="models")]
)
@pytest.mark.timeout(120)
@on_uvloop
async def test_handlers_answer_as_the_document_says(ours: bool, least: int, tmp_path: Path) -> None:
    """Statuses, content types and bodies, for requests that schemathesis makes up."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        checks = _STRICT if ours else _SHAPE
        held = await asyncio.to_thread(
            _hold, router, GenerationMode.POSITIVE, lambda path: _is_ours(path) is ours, checks
        )
    assert held >= least


@pytest.mark.timeout(60)
@on_uvloop
async def test_what_the_document_forbids_is_refused(tmp_path: Path) -> None:
    """Reports take no parameter that they do not know, and no value that is none."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        held = await asyncio.to_thread(
            _hold, router, GenerationMode.NEGATIVE, lambda path: path in ("/providers/logs", "/audit"), _STRICT
        )
    assert held == 2


_KEYS = {"callers": "client-key-of-the-tests", "operators": "admin-key-of-the-tests"}
_KEYED = {"keys": {"ann": {"key": _KEYS["callers"]}}, "admin": {"key": _KEYS["operators"]}}


@pytest.mark.parametrize("who", _KEYS)
@pytest.mark.timeout(60)
@on_uvloop
async def test_keys_are_asked_for_where_the_document_says(who: str, tmp_path: Path) -> None:
    """With the right one operations answer, without one and with another they do not, in either header."""
    key = _KEYS[who]
    headers = {"authorization": f"Bearer {key}", "x-admin-key" if who == "operators" else "x-api-key": key}
    async with ScriptedProvider(speak()) as one, served(routed(one, **_KEYED), tmp_path) as router:
        _, document = await router.get("/openapi.json")
        assert document == json.loads(json.dumps(openapi(callers_keyed=True, operators_keyed=True)))
        wanted = {"/v1/models", "/v1/embeddings"} if who == "callers" else {"/config", "/audit", "/providers/logs"}
        held = await asyncio.to_thread(
            _hold, router, GenerationMode.POSITIVE, wanted.__contains__, (ignored_auth,), headers
        )
        assert held == len(wanted)


@on_uvloop
async def test_an_operation_without_a_key_is_refused_exactly_where_the_document_says(tmp_path: Path) -> None:
    """Every one of them, by its own entry."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **_KEYED), tmp_path) as router:
        for path, operations in openapi(callers_keyed=True, operators_keyed=True)["paths"].items():
            for method, operation in operations.items():
                async with router.http.request(method, router.url + re.sub(r"{\w+}", "one", path)) as response:
                    assert (response.status == 401) is bool(operation["security"]), f"{method} {path}"


def test_keys_are_free_to_show_where_none_is_asked_for() -> None:
    """A document of a router without keys lets a tool ask without, and show one."""
    operation = openapi()["paths"]["/v1/models"]["get"]
    assert operation["security"] == [{"clientKey": []}, {"clientKeyHeader": []}, {}]
    assert openapi()["paths"]["/livez"]["get"]["security"] == []


def test_the_page_is_what_the_table_says() -> None:
    """`make docs` writes it."""
    assert PAGE.read_text() == page(), "docs/api.md is stale: run `make docs`"


_READS = [path for method, path in MANUAL if method == "GET" and "{" not in path]


@pytest.mark.parametrize("path", _READS)
@on_uvloop
async def test_every_example_that_reads_is_answered(path: str, tmp_path: Path) -> None:
    """By a router that nobody has asked yet."""
    async with (
        ScriptedProvider(speak()) as one,
        served(routed(one), tmp_path) as router,
        router.http.get(f"{router.url}{path}{MANUAL['GET', path].example}") as response,
    ):
        assert response.status == 200, await response.text()
