"""Tokens of Entra ID, against a token server on a socket: what is asked, and what a router does with the answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from router.errors import Reason, WireFault
from router.upstream.entra import EntraFetch, EntraRules
from router.upstream.http import HttpTransport
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, status
from tests.fakes.served import routed, served
from tests.fakes.turn import Script, Turn

SECRET = "entra-secret-do-not-show"
SCOPE = "https://ai.azure.com/.default"
EXPIRES = {"token_type": "Bearer", "expires_in": 3599, "access_token": "entra-token-1"}


def fetched(server: Script, rules: dict[str, str], environ: dict[str, str]) -> tuple[Any, Turn | None]:
    """What one fetch gives, or how it fails, and what the token server saw."""

    async def run() -> tuple[Any, Turn | None]:
        async with ScriptedProvider(server) as tokens:
            told = {name: value.replace("SERVER", tokens.base_url) for name, value in environ.items()}
            fetch = EntraFetch(EntraRules(scope=SCOPE, authority=tokens.base_url, **rules), HttpTransport(), told)
            await fetch.start()
            try:
                got: Any = await fetch.fetch()
            except WireFault as fault:
                got = fault
            await fetch.stop()
            return got, tokens.turns[0] if tokens.turns else None

    return asyncio.run(run())


def form(turn: Turn) -> dict[str, str]:
    """The fields of a posted form."""
    return {name: values[0] for name, values in parse_qs(turn.body.decode()).items()}


def test_an_application_shows_its_secret() -> None:
    """In a form, to its directory's address."""
    got, turn = fetched(
        status(200, body=EXPIRES), {"tenant_id": "t/1", "client_id": "c-1", "client_secret": SECRET}, {}
    )
    assert (got.value, got.lifetime_s) == ("entra-token-1", 3599.0)
    assert turn is not None and (turn.method, turn.path) == ("POST", "/v1/t%2F1/oauth2/v2.0/token")
    assert turn.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form(turn) == {
        "grant_type": "client_credentials",
        "client_id": "c-1",
        "scope": SCOPE,
        "client_secret": SECRET,
    }


def test_a_workload_shows_the_token_in_its_file(tmp_path: Path) -> None:
    """By the variables that a cluster sets, and read anew each time: the cluster rotates it."""
    file = tmp_path / "token"
    file.write_text("signed.by.cluster\n")
    environ = {"AZURE_TENANT_ID": "t-2", "AZURE_CLIENT_ID": "c-2", "AZURE_FEDERATED_TOKEN_FILE": str(file)}
    got, turn = fetched(status(200, body=EXPIRES), {}, environ)
    assert got.value == "entra-token-1"
    assert turn is not None and turn.path == "/v1/t-2/oauth2/v2.0/token"
    said = form(turn)
    assert said["client_assertion"] == "signed.by.cluster"
    assert said["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in said


def test_an_app_asks_where_it_was_told_to() -> None:
    """The machine's identity, with the word that proves who asks; its numbers come as digits."""
    environ = {"IDENTITY_ENDPOINT": "SERVER/msi/token", "IDENTITY_HEADER": "proof", "AZURE_CLIENT_ID": "c-3"}
    got, turn = fetched(status(200, body={"access_token": "m-1", "expires_in": "86400"}), {}, environ)
    assert (got.value, got.lifetime_s) == ("m-1", 86400.0)
    assert turn is not None and turn.method == "GET" and turn.headers["x-identity-header"] == "proof"
    asked = parse_qs(urlsplit(turn.path).query)
    assert asked == {"resource": ["https://ai.azure.com"], "client_id": ["c-3"], "api-version": ["2019-08-01"]}


_FAULTS: dict[str, tuple[Script, dict[str, str], str]] = {
    "refused": (
        status(401, body={"error": "invalid_client", "error_codes": [7000215], "error_description": f"bad {SECRET}"}),
        {"tenant_id": "t", "client_id": "c", "client_secret": SECRET},
        r"refused a token \(status 401, invalid_client, AADSTS7000215\)",
    ),
    "nobody": (status(200), {"client_secret": SECRET}, "tenant_id or entra.client_id is not set"),
    "no token": (
        status(200, body={"ok": True}),
        {"tenant_id": "t", "client_id": "c", "client_secret": SECRET},
        "holds no token",
    ),
    "no file": (
        status(200),
        {"tenant_id": "t", "client_id": "c", "token_file": "/nowhere/token"},
        "token_file cannot be read: FileNotFoundError",
    ),
}


@pytest.mark.parametrize(("server", "rules", "words"), _FAULTS.values(), ids=_FAULTS)
def test_no_token_is_a_fault_of_the_credential(server: Script, rules: dict[str, str], words: str) -> None:
    """In words that hold nothing of what was sent."""
    got, _turn = fetched(server, rules, {})
    assert isinstance(got, WireFault) and got.reason is Reason.CREDENTIAL
    with pytest.raises(WireFault, match=words):
        raise got
    assert SECRET not in got.message


def azure(provider: ScriptedProvider, tokens: ScriptedProvider) -> dict[str, Any]:
    """A provider of kind azure that gets its tokens from `tokens`."""
    return {
        "kind": "azure",
        "base_url": f"http://127.0.0.1:{provider.port}/openai/v1",
        "models": ["m"],
        "entra": {"tenant_id": "t", "client_id": "c", "client_secret": SECRET, "authority": tokens.base_url},
    }


def test_a_router_asks_azure_with_one_token_for_many_requests(tmp_path: Path) -> None:
    """No key goes along, and neither the secret nor the token is in a log line."""

    async def run() -> None:
        async with ScriptedProvider(status(200, body=EXPIRES)) as tokens, ScriptedProvider(answer("well")) as provider:
            async with served(routed(azure(provider, tokens)), tmp_path) as router:
                for _ in range(3):
                    async with router.chat() as response:
                        assert response.status == 200, await response.text()
            assert len(tokens.turns) == 1
            assert {turn.headers["authorization"] for turn in provider.turns} == {"Bearer entra-token-1"}
            assert all("api-key" not in turn.headers for turn in provider.turns)
            lines = json.dumps([str(line) for line in router.log.read])
            assert SECRET not in lines and "entra-token-1" not in lines

    asyncio.run(run())


def test_a_token_server_that_refuses_is_no_end_of_the_request(tmp_path: Path) -> None:
    """The next provider answers, and nothing was sent to the one without a token."""

    async def run() -> None:
        denied = status(400, body={"error": "unauthorized_client"})
        async with (
            ScriptedProvider(denied) as tokens,
            ScriptedProvider(answer("never")) as first,
            ScriptedProvider(answer("well")) as second,
        ):
            config = routed(azure(first, tokens), second)
            async with served(config, tmp_path) as router, router.chat() as response:
                assert (await response.json())["choices"][0]["message"]["content"] == "well"
                assert response.headers["x-router-provider"] == "two"
            assert first.turns == []

    asyncio.run(run())


def test_a_token_server_that_is_down_is_no_end_of_the_request(tmp_path: Path) -> None:
    """A refused connection to it is a fault of the credential too."""

    async def run() -> None:
        async with ScriptedProvider(answer("never")) as first, ScriptedProvider(answer("well")) as second:
            async with ScriptedProvider() as gone:
                config = routed(azure(first, gone), second)
            async with served(config, tmp_path) as router, router.chat() as response:
                assert (await response.json())["choices"][0]["message"]["content"] == "well"
            assert first.turns == []

    asyncio.run(run())
