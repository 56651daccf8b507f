"""Whose requests a gateway without client keys hears."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import ASKED, GROUP, routed, served

_HEARD: dict[str, dict[str, str]] = {
    "a name": {"host": "localhost:8094"},
    "a name in capitals": {"host": "LOCALHOST"},
    "another address of this machine": {"host": "127.8.0.1:1"},
    "an address of IPv6": {"host": "[::1]:8094"},
    "a page of this machine": {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
    "the address bar": {"sec-fetch-site": "none"},
}
_FOREIGN: dict[str, dict[str, str]] = {
    "a name that leads here": {"host": "rebind.example:8094"},
    "a name that begins like ours": {"host": "localhost.example"},
    "an address elsewhere": {"host": "10.0.0.1"},
    "what is no host": {"host": "[::1"},
    "a page elsewhere": {"origin": "https://evil.example"},
    "a page of nowhere": {"origin": "null"},
    "a request without an origin": {"sec-fetch-site": "cross-site"},
}


@pytest.mark.parametrize(
    ("headers", "status"),
    [*((headers, 200) for headers in _HEARD.values()), *((headers, 403) for headers in _FOREIGN.values())],
    ids=[*_HEARD, *_FOREIGN],
)
@on_real_loops
async def test_no_page_from_elsewhere_spends_the_keys(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    """It is refused in the envelope, on every path, and no provider hears of it."""
    body = {"model": GROUP, "messages": list(ASKED)}
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        async with router.http.post(f"{router.url}/v1/chat/completions", json=body, headers=headers) as response:
            assert response.status == status
            assert ("error" in await response.json()) is (status == 403)
        async with router.http.get(f"{router.url}/health", headers=headers) as response:
            assert response.status == status
        assert len(one.turns) == (status == 200)
