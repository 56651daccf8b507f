"""Signatures of requests to AWS, against published ones, and against a reading of the specification."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import Struct

from router.errors import Reason, WireFault
from router.upstream.aws import SigV4, region_of, signed
from router.upstream.transport import UpstreamRequest
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import raw
from tests.fakes.served import served
from tests.fakes.turn import Turn

pytest.importorskip("botocore", reason="the extra `aws` is not installed")

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SUITE_S = 1440938160.0
"""2015-08-30T12:36:00Z, when all requests of AWS's published suite are signed."""
BEDROCK_S = 1767323045.0
"""2026-01-02T03:04:05Z."""

_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx"
    "7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+x"
    "o0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
_BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1{}0/converse"
_JSON = (("content-type", "application/json"),)


class Vector(Struct, frozen=True, kw_only=True):
    """A request and the signature it has to get."""

    signature: str
    url: str = "https://example.amazonaws.com/"
    method: str = "GET"
    service: str = "service"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    token: str | None = None
    at: float = SUITE_S


VECTORS: dict[str, Vector] = {
    "get-vanilla": Vector(signature="5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": Vector(method="POST", signature="5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-sts-header-before": Vector(
        method="POST",
        token=_TOKEN,
        signature="85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": Vector(
        method="POST",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"Param1=value1",
        signature="ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "bedrock, its model encoded": Vector(
        method="POST",
        url=_BEDROCK.format("%3A"),
        service="bedrock",
        headers=_JSON,
        body=b'{"messages":[]}',
        at=BEDROCK_S,
        signature="a9506f9f4c5b6091fed745ac3db69638b5c228dc40589517d6c84d782d79e00c",
    ),
    "bedrock, its model as it is": Vector(
        method="POST",
        url=_BEDROCK.format(":"),
        service="bedrock",
        headers=_JSON,
        body=b'{"messages":[]}',
        at=BEDROCK_S,
        signature="b5e7fc8024eca7eb0abbfe16422f1b9bccf4ae9cada7e95a33f98a3cb6b61434",
    ),
}
"""Of AWS's own suite those that this router could send, and two that botocore made."""


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_request_gets_the_published_signature(vector: Vector) -> None:
    """To the last digit; other headers of the request are left out of it."""
    request = UpstreamRequest(
        method=vector.method,
        url=vector.url,
        headers=(*vector.headers, ("x-of-ours", "1")),
        body=vector.body,
        connect_s=1.0,
    )
    credentials = SimpleNamespace(access_key="AKIDEXAMPLE", secret_key=SECRET, token=vector.token)
    made = signed(request, credentials, region="us-east-1", service=vector.service, at=vector.at)
    headers = dict(made.headers)
    assert headers["Authorization"].endswith(f"Signature={vector.signature}"), headers["Authorization"]
    assert headers["x-of-ours"] == "1" and headers.get("X-Amz-Security-Token") == vector.token
    assert (made.url, made.body) == (request.url, request.body)


_HOSTS = {
    "https://bedrock-runtime.us-east-1.amazonaws.com/model": "us-east-1",
    "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com": "us-gov-west-1",
    "https://vpce-0a1-b2.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com": "ap-southeast-2",
    "https://gateway.example/us-east-1.": None,
    "http://127.0.0.1:8080": None,
}


@pytest.mark.parametrize("url", _HOSTS)
def test_the_region_is_read_from_the_host(url: str) -> None:
    """A signature for another region is refused."""
    assert region_of(url) == _HOSTS[url]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine that holds no credentials of AWS, wherever botocore looks."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "no AWS credentials"),
        ({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_REGION"),
        ({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, "cannot be had"),
        ({"AWS_PROFILE": "nobody"}, "cannot be had"),
    ],
    ids=["none", "no region", "half", "a profile that is not there"],
)
def test_what_is_missing_is_the_operators_fault(
    environ: dict[str, str], words: str, machine: pytest.MonkeyPatch
) -> None:
    """And neither the caller's nor the provider's, which a breaker would count."""
    for name, value in environ.items():
        machine.setenv(name, value)
    request = UpstreamRequest(method="POST", url="https://h.example/", headers=(), body=b"{}", connect_s=1.0)
    with pytest.raises(WireFault, match=words) as refused:
        SigV4("bedrock", lambda: BEDROCK_S)(request)
    assert refused.value.reason is Reason.CREDENTIAL


def test_bedrock_without_a_key_gets_signed_requests(tmp_path: Path, machine: pytest.MonkeyPatch) -> None:
    """What arrives carries the signature that its own bytes, host and date have."""
    machine.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    machine.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    machine.setenv("AWS_SESSION_TOKEN", "token-1")
    machine.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    turn = asyncio.run(_asked(tmp_path))
    assert turn.path == "/v1/model/eu.amazon.nova-lite-v1%3A0/converse"
    assert turn.headers["x-amz-security-token"] == "token-1"
    assert turn.headers["authorization"] == _signature(turn, region="eu-west-1")


def test_bedrock_is_signed_for_with_what_the_configuration_says(tmp_path: Path, machine: pytest.MonkeyPatch) -> None:
    """Before anything that the machine holds."""
    machine.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEMACHINE")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "other")
    own = {
        "region": "eu-west-1",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": SECRET,
        "session_token": "token-2",
    }
    turn = asyncio.run(_asked(tmp_path, aws=own))
    assert turn.headers["x-amz-security-token"] == "token-2"
    assert turn.headers["authorization"] == _signature(turn, region="eu-west-1")


def test_bedrock_is_signed_for_with_a_profile(tmp_path: Path, machine: pytest.MonkeyPatch) -> None:
    """Of the shared files, its region too."""
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\naws_session_token = token-3\n"
    )
    (tmp_path / "config").write_text("[profile work]\nregion = ap-southeast-2\n")
    turn = asyncio.run(_asked(tmp_path, aws={"profile": "work"}))
    assert turn.headers["x-amz-security-token"] == "token-3"
    assert turn.headers["authorization"] == _signature(turn, region="ap-southeast-2")


async def _asked(home: Path, **keys: Any) -> Turn:
    said = (
        b'{"output":{"message":{"role":"assistant","content":[{"text":"well"}]}},"stopReason":"end_turn",'
        b'"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}'
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(said)}\r\n\r\n"
    async with ScriptedProvider(raw(head.encode() + said, then="keep")) as provider:
        config: dict[str, Any] = {
            "kind": "bedrock",
            "base_url": provider.base_url,
            "models": [{"name": "m", "upstream": "eu.amazon.nova-lite-v1:0"}],
            **keys,
        }
        async with served({"providers": {"main": config}}, home) as router, router.chat(model="main:m") as response:
            assert (await response.json())["choices"][0]["message"]["content"] == "well"
        return provider.turns[0]


def _signature(turn: Turn, *, region: str) -> str:
    """The header that AWS would expect of this request, by its specification."""
    names = ["content-type", "host", "x-amz-date", "x-amz-security-token"]
    date = turn.headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/bedrock/aws4_request"
    lines = [turn.method, quote(turn.path, safe="/-_.~"), "", *(f"{name}:{turn.headers[name]}" for name in names)]
    canonical = "\n".join([*lines, "", ";".join(names), hashlib.sha256(turn.body).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for step in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{_digest(canonical)}"):
        last = hmac.new(key, step.encode(), hashlib.sha256)
        key = last.digest()
    signed_names = ";".join(names)
    return f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed_names}, Signature={key.hex()}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
