"""Tokens of Google, fetched by google-auth from a token server on a socket, and what of Vertex AI they open."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from router.errors import Reason, WireFault
from router.upstream.google import GoogleFetch
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, status
from tests.fakes.served import routed, served
from tests.fakes.turn import Turn

pytest.importorskip("google.auth", reason="the extra `google` is not installed")
pytest.importorskip("requests", reason="the extra `google` is not installed")

GIVEN = {"access_token": "google-token-1", "expires_in": 3599, "token_type": "Bearer"}
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "well"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "well"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
}


def account(folder: Path, tokens: ScriptedProvider) -> Path:
    """The key file of a service account whose tokens come from `tokens`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    said = {
        "type": "service_account",
        "client_email": "router@p.iam.gserviceaccount.com",
        "private_key_id": "k-1",
        "private_key": pem,
        "token_uri": f"{tokens.base_url}/token",
        "project_id": "p",
    }
    file = folder / "account.json"
    file.write_text(json.dumps(said))
    return file


def vertex(provider: ScriptedProvider, credentials: Path, upstream: str, **google: str) -> dict[str, Any]:
    """A provider of kind vertex with one model, `m`."""
    return {
        "kind": "vertex",
        "base_url": f"http://127.0.0.1:{provider.port}/v1/projects/p/locations/eu",
        "models": [{"name": "m", "upstream": upstream}],
        "google": {"credentials_file": str(credentials), **google},
    }


def asked(upstream: str, reply: object, home: Path, **fields: Any) -> Turn:
    """What Vertex saw of one chat request through a router, answered with `reply`."""

    async def run() -> Turn:
        said = answer("well") if reply is None else status(200, body=reply)
        async with ScriptedProvider(status(200, body=GIVEN)) as tokens, ScriptedProvider(said) as provider:
            config = routed(vertex(provider, account(home, tokens), upstream, quota_project="q"))
            async with served(config, home) as router, router.chat(**fields) as response:
                body = await response.json()
                assert response.status == 200, body
                assert body["choices"][0]["message"]["content"] == "well"
            grant = {name: values[0] for name, values in parse_qs(tokens.turns[0].body.decode()).items()}
            assert grant["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return provider.turns[0]

    return asyncio.run(run())


def test_gemini_is_asked_with_a_token_of_the_service_account(tmp_path: Path) -> None:
    """Below project and location, for the quota of the project that pays."""
    turn = asked("gemini-3.7-flash", GEMINI, tmp_path)
    assert turn.path == "/v1/projects/p/locations/eu/publishers/google/models/gemini-3.7-flash:generateContent"
    assert turn.headers["authorization"] == "Bearer google-token-1"
    assert turn.headers["x-goog-user-project"] == "q"
    assert "x-goog-api-key" not in turn.headers


def test_claude_is_asked_in_its_own_protocol(tmp_path: Path) -> None:
    """Its model in the URL, dated with `@`, its version in the body."""
    turn = asked("claude-haiku-4-5-20251001", CLAUDE, tmp_path)
    place = "/v1/projects/p/locations/eu/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict"
    assert turn.path == place
    body = turn.asked()
    assert body["anthropic_version"] == "vertex-2023-10-16" and "model" not in body
    assert "anthropic-version" not in turn.headers


def test_an_open_model_is_asked_in_openais_protocol(tmp_path: Path) -> None:
    """All of them at one address, which its name in the body tells apart."""
    turn = asked("meta/llama-4-maas", None, tmp_path)
    assert turn.path == "/v1/projects/p/locations/eu/endpoints/openapi/chat/completions"
    assert turn.asked()["model"] == "meta/llama-4-maas"


def test_a_client_of_anthropic_reaches_claude_without_its_version_header(tmp_path: Path) -> None:
    """Vertex answers 400 to the header; betas go on, and so does every other byte."""

    async def run() -> Turn:
        async with (
            ScriptedProvider(status(200, body=GIVEN)) as tokens,
            ScriptedProvider(status(200, body=CLAUDE)) as provider,
        ):
            config = routed(vertex(provider, account(tmp_path, tokens), "claude-sonnet-5"))
            async with served(config, tmp_path) as router:
                body = {"model": "chat", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "x": 1.50}
                headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "some-2026"}
                async with router.http.post(f"{router.url}/v1/messages", json=body, headers=headers) as response:
                    assert (await response.json())["content"][0]["text"] == "well"
            return provider.turns[0]

    turn = asyncio.run(run())
    assert turn.headers["anthropic-beta"] == "some-2026" and "anthropic-version" not in turn.headers
    assert turn.body.endswith(b'"x":1.5,"anthropic_version":"vertex-2023-10-16"}')


def test_claude_counts_a_prompt_at_vertex(tmp_path: Path) -> None:
    """At one place for all models, so that the body names the one that is meant."""

    async def run() -> Turn:
        async with (
            ScriptedProvider(status(200, body=GIVEN)) as tokens,
            ScriptedProvider(status(200, body={"input_tokens": 12})) as provider,
        ):
            config = routed(vertex(provider, account(tmp_path, tokens), "claude-haiku-4-5-20251001"))
            async with served(config, tmp_path) as router:
                body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
                async with router.http.post(f"{router.url}/v1/messages/count_tokens", json=body) as response:
                    assert await response.json() == {"input_tokens": 12}
            return provider.turns[0]

    turn = asyncio.run(run())
    assert turn.path == "/v1/projects/p/locations/eu/publishers/anthropic/models/count-tokens:rawPredict"
    assert turn.asked()["model"] == "claude-haiku-4-5@20251001"
    assert turn.asked()["anthropic_version"] == "vertex-2023-10-16"


_FAULTS = {
    "refused": (status(400, body={"error": "invalid_grant"}), "RefreshError"),
    "no file": (None, "FileNotFoundError|DefaultCredentialsError"),
}


def test_a_file_of_another_type_is_named_as_such(tmp_path: Path) -> None:
    """With the way that is open to it."""
    file = tmp_path / "other.json"
    file.write_text('{"type": "gdch_service_account"}')
    with pytest.raises(WireFault, match="GOOGLE_APPLICATION_CREDENTIALS") as refused:
        asyncio.run(GoogleFetch(str(file), lambda: 0.0).fetch())
    assert refused.value.reason is Reason.CREDENTIAL


@pytest.mark.parametrize(("server", "words"), _FAULTS.values(), ids=_FAULTS)
def test_no_token_is_a_fault_of_the_credential(server: Any, words: str, tmp_path: Path) -> None:
    """By the name of what went wrong: google-auth's words quote what was sent."""

    async def run() -> None:
        async with ScriptedProvider(server or status(200)) as tokens:
            file = account(tmp_path, tokens) if server else tmp_path / "gone.json"
            with pytest.raises(WireFault, match=words) as refused:
                await GoogleFetch(str(file), lambda: 0.0).fetch()
            assert refused.value.reason is Reason.CREDENTIAL

    asyncio.run(run())


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to guess what to install."""
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(WireFault, match=r"pip install pointsman\[google\]") as refused:
        asyncio.run(GoogleFetch(None, lambda: 0.0).fetch())
    assert refused.value.reason is Reason.INTERNAL
