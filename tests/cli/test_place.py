"""Finding the router that runs: by its address, its configuration, or the home that it serves from."""

from __future__ import annotations

import json
import os
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from router.cli.place import ADMIN_KEY, Place, place_of
from router.cli.sign import SIGN, Sign, hung_out, sign_in
from tests.fakes.command import run, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import process, routed
from tests.sources import ROOT

PEM = ROOT / "tests" / "upstream" / "localhost.pem"
KEY = "an-admin-key-of-24-letters"


def _file(home: Path, **sections: Any) -> Path:
    file = home / "router.json"
    one = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"], "api_key": "${UNSET_KEY}"}
    file.write_text(json.dumps({"home": str(home), "providers": {"one": one}, **sections}))
    return file


_LISTENERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "defaults": ({}, "http://127.0.0.1:8094", "http://127.0.0.1:8094"),
    "every address": ({"server": {"host": "0.0.0.0", "port": 9}}, "http://127.0.0.1:9", "http://127.0.0.1:9"),
    "of version six": ({"server": {"host": "::", "port": 9}}, "http://[::1]:9", "http://[::1]:9"),
    "administration apart": ({"admin": {"port": 7, "key": KEY}}, "http://127.0.0.1:8094", "http://127.0.0.1:7"),
    "encrypted": (
        {"server": {"tls_cert": "own.pem", "tls_key": "own.pem"}},
        "https://127.0.0.1:8094",
        "https://127.0.0.1:8094",
    ),
}


@pytest.mark.parametrize(("sections", "url", "admin_url"), _LISTENERS.values(), ids=_LISTENERS)
def test_a_configuration_says_where_its_router_is(
    sections: dict[str, Any], url: str, admin_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a variable that only the router needs is not set here."""
    monkeypatch.delenv(ADMIN_KEY, raising=False)
    place = place_of(None, _file(tmp_path, **sections))
    assert (place.url, place.admin_url) == (url, admin_url)
    assert place.base_of("/providers/status") == place.base_of("/health/detailed") == admin_url
    assert place.base_of("/v1/models") == place.base_of("/health") == url
    assert place.admin_key == sections.get("admin", {}).get("key")
    assert place.certificate == (tmp_path / "own.pem" if url.startswith("https") else None)


def test_the_key_of_a_configuration_goes_nowhere_else_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address alone may be anybody's; the environment's key is the first wherever it is set."""
    monkeypatch.delenv(ADMIN_KEY, raising=False)
    file = _file(tmp_path, admin={"key": KEY})
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
    assert place_of("http://192.0.2.1:1/", None).admin_key is None
    assert place_of("http://192.0.2.1:1/", file).admin_key == KEY
    monkeypatch.setenv(ADMIN_KEY, "another")
    assert place_of(None, file).admin_key == place_of("http://192.0.2.1:1", file).admin_key == "another"


def test_no_proxy_lies_before_this_machine() -> None:
    """Whatever the environment names for the world outside."""
    said = {
        url: place_of(url, None).here for url in ("http://localhost:1", "https://[::1]:1/", "http://192.0.2.1:1", "x")
    }
    assert list(said.values()) == [True, True, False, False]


def test_a_sign_is_of_a_process_that_lives(tmp_path: Path) -> None:
    """What a killed router left behind misleads nobody, and nobody takes another's sign away."""
    sign = Sign(url="http://127.0.0.1:1", admin_url=None, config=None, pid=1)
    with hung_out(tmp_path, sign):
        assert sign_in(tmp_path) == sign
        assert (tmp_path / SIGN).stat().st_mode & 0o077 == 0
        other = Sign(url="http://127.0.0.1:2", admin_url=None, config=None, pid=2**22 + 1)
        (tmp_path / SIGN).write_text(
            json.dumps({"url": other.url, "admin_url": None, "config": None, "pid": other.pid})
        )
        assert sign_in(tmp_path) is None
    assert (tmp_path / SIGN).exists()
    (tmp_path / SIGN).write_text("[]")
    assert sign_in(tmp_path) is None


def test_a_file_that_is_being_edited_hides_no_router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by its sign; only the key that the file would give is missing."""
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
    monkeypatch.delenv(ADMIN_KEY, raising=False)
    file = _file(tmp_path, admin={"key": KEY})
    with hung_out(tmp_path, Sign(url="http://127.0.0.1:1", admin_url=None, config=str(file), pid=os.getpid())):
        assert place_of(None, None).admin_key == KEY
        file.write_text("{")
        place = place_of(None, None)
        assert (place.url, place.admin_key) == ("http://127.0.0.1:1", None)
    told = run("health", "--config", file)
    assert told.exit_code == 2 and str(file) in told.stderr


def test_who_finds_no_router_is_told_what_was_tried(tmp_path: Path) -> None:
    """The address, and why it was that one."""
    file = _file(tmp_path, server={"port": 1})
    told = run("providers", "--config", file)
    assert told.exit_code == 1 and told.stdout == ""
    for words in ("no router answers at http://127.0.0.1:1", f"as {file} says", str(tmp_path), "refused"):
        assert words in told.stderr, told.stderr
    told = run("providers", env={"POINTSMAN_URL": "http://127.0.0.1:1"})
    assert told.exit_code == 1 and "http://127.0.0.1:1 (as --url" in told.stderr
    told = run("providers", "--config", tmp_path / "none.yaml")
    assert told.exit_code == 2 and "none.yaml" in told.stderr


def _another_certificate() -> str:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
    made = made.not_valid_before(began).not_valid_after(began + timedelta(days=3650))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.process
@on_uvloop
async def test_a_router_is_found_by_its_home(tmp_path: Path) -> None:
    """Whatever ports it took, over TLS, administration apart and with its key; and nothing is left when it is gone."""
    shutil.copy(PEM, tmp_path / "own.pem")
    pem = str(tmp_path / "own.pem")
    sections = {
        "server": {"port": 0, "tls_cert": pem, "tls_key": pem},
        "admin": {"port": 0, "key": KEY},
    }
    async with ScriptedProvider(speak("red")) as one, process({**routed(one), **sections}, tmp_path) as router:
        at_home = {
            "POINTSMAN_HOME": str(tmp_path),
            "http_proxy": "http://127.0.0.1:1",
            "https_proxy": "http://127.0.0.1:1",
        }
        told = await run_beside("providers", env=at_home)
        assert told.exit_code == 0 and "one" in told.stdout, told.output
        told = await run_beside("chat", "Hello", "--config", tmp_path / "process.json", env={})
        assert (told.exit_code, told.stdout) == (0, "red\n"), told.output
        told = await run_beside("costs", env={**at_home, ADMIN_KEY: "wrong"})
        assert told.exit_code == 1 and f"the admin key in {ADMIN_KEY} is not this router's" in told.stderr
        (tmp_path / "own.pem").write_text(_another_certificate())
        told = await run_beside("providers", env=at_home)
        assert told.exit_code == 1 and "certificate" in told.stderr.lower()
        router.signal(signal.SIGTERM)
        assert await router.exited() == 0
        assert sign_in(tmp_path) is None and not (tmp_path / SIGN).exists()


def test_a_place_is_no_secret() -> None:
    """Its headers have the key of whom a path is for, and no other."""
    place = Place(url="http://a", admin_url="http://b", found="", admin_key=KEY)
    assert "x-admin-key" not in place.headers_for("/v1/models")
    assert place.headers_for("/audit")["x-admin-key"] == KEY
