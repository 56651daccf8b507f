"""TLS of our own listeners: from files, and read again with the configuration."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest

from actors.runtime import StartFailed
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import ASKED, GROUP, routed, served
from tests.sources import ROOT

PEM = ROOT / "tests" / "upstream" / "localhost.pem"


def trusting() -> ssl.SSLContext:
    """A caller who trusts that certificate and no other."""
    tls = ssl.create_default_context(cafile=str(PEM))
    tls.check_hostname = False
    return tls


@on_real_loops
async def test_callers_are_heard_over_tls(tmp_path: Path) -> None:
    """And not in the clear. A certificate that cannot be read leaves the one before in use, and says so."""
    pem = tmp_path / "own.pem"
    shutil.copy(PEM, pem)
    config = {"server": {"tls_cert": str(pem), "tls_key": str(pem)}}
    async with ScriptedProvider(speak()) as one, served(routed(one, **config), tmp_path) as router:
        url = router.url.replace("http:", "https:")
        body = {"model": GROUP, "messages": list(ASKED)}
        async with router.http.post(f"{url}/v1/chat/completions", json=body, ssl=trusting()) as response:
            assert response.status == 200, await response.text()
        with pytest.raises(aiohttp.ClientError):
            await router.http.get(f"{router.url}/livez")
        pem.write_text("no certificate")
        change = {"max_queue": 3}
        async with router.http.patch(f"{url}/config/providers/one", json=change, ssl=trusting()) as response:
            assert response.status == 200
        async with router.http.get(f"{url}/livez", ssl=trusting()) as response:
            assert response.status == 200
        assert [line["event"] for line in router.log.read if line["level"] == "error"] == ["certificate kept"]
    (tmp_path / "changes.json").unlink()  # the next loop has another provider


@on_real_loops
async def test_a_certificate_that_cannot_be_used_is_named_at_the_start(tmp_path: Path) -> None:
    """The router does not begin in the clear instead."""
    missing = str(tmp_path / "missing.pem")
    config = {"server": {"tls_cert": missing, "tls_key": missing}}
    async with ScriptedProvider(speak()) as one:
        with pytest.raises(StartFailed) as failed:
            async with served(routed(one, **config), tmp_path):
                pass
    cause = failed.value.__cause__
    while cause is not None and cause.__cause__ is not None and isinstance(cause, StartFailed):
        cause = cause.__cause__
    assert missing in str(cause)
