"""Canaries, planted wherever a secret can stand, and looked for wherever something is said (scenario 98)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.collector import Collector, collecting
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import cut_after, error_event, raw, status
from tests.fakes.served import Served, remote, routed, served
from tests.fakes.turn import Script
from tests.scenarios.scene import scenario

KEY = "canary-of-the-provider-0123456789"
HEADER = "canary-of-a-header-0123456789"
ADMIN = "canary-of-the-admin-0123456789"
NEXT = "canary-of-the-next-key-0123456789"
CALLER = "sk-canary-of-the-caller-0123456789"
PROMPT = "canary of the prompt"

SECRETS = (KEY, HEADER, ADMIN, NEXT, CALLER)
_ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}, {HEADER}; you said {PROMPT!r}", "code": "invalid"}}

_FAILURES: dict[str, Script] = {
    "a key that is refused": status(401, body=_ECHO),
    "a server's error": status(500, body=_ECHO),
    "a request that is refused": status(400, body=_ECHO),
    "throttling": status(429, body=_ECHO),
    "an error in a stream": error_event(f"{KEY} {PROMPT}"),
    "a cut after it": cut_after((f"{PROMPT}",)),
    "what is no event": raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {" + KEY.encode()),
    "what is no HTTP": raw(KEY.encode() + PROMPT.encode()),
}


async def asked(router: Served, streamed: bool) -> str:
    """One call with a caller's key, and all that comes back."""
    body = {"model": "chat", "stream": streamed, "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": f"Bearer {CALLER}"}
    async with router.http.post(f"{router.url}/v1/chat/completions", json=body, headers=headers) as response:
        return f"{response.headers} {await response.text()}"


async def page(router: Served, path: str, method: str = "GET", body: object = None) -> str:
    """One of the operator's pages."""
    headers = {"x-admin-key": ADMIN}
    async with router.http.request(method, router.url + path, json=body, headers=headers) as response:
        return f"{response.headers} {await response.text()}"


@pytest.mark.parametrize("failure", _FAILURES)
@scenario
async def test_no_canary_is_ever_said(failure: str, tmp_path: Path) -> None:
    """Not by a log at debug, a span, a metric, an error, a crash report, the configuration or what a reload says; and
    no prompt but to the one who wrote it."""
    with collecting(Collector()) as collector:
        async with ScriptedProvider(_FAILURES[failure]) as one:
            keys = {"api_key": KEY, "headers": {"x-team": HEADER}}
            sections: dict[str, Any] = {
                "admin": {"key": ADMIN},
                "telemetry": {"log_level": "debug", "otlp_endpoint": collector.url},
                "failover": {"max_attempts": 2},
                "server": {"deadline_s": 2},
            }
            async with served(routed(remote(one, **keys), **sections), tmp_path) as router:
                answers = [await asked(router, streamed) for streamed in (False, True)]
                for path in ("providers/one/provider", "providers/one/breaker", "limits"):
                    router.ref(path).tell(Poison(f"{KEY} {PROMPT}"))
                answers.append(await asked(router, streamed=True))
                answers.append(await page(router, "/config/providers/one", "PATCH", {"api_key": NEXT}))
                answers.append(await page(router, "/config/providers/one", "PATCH", {"api_key": [NEXT]}))
                answers.append(await asked(router, streamed=False))
                pages = [
                    await page(router, path)
                    for path in ("/metrics", "/config", "/config?format=yaml", "/config/providers", "/health/detailed")
                ]
            log = json.dumps(router.log.read)
        spans = " ".join(map(str, collector.requests))
    assert len(router.log.read) > 10
    assert collector.requests != []
    said = {"log": log, "spans": spans, "answers": " ".join(answers), "pages": " ".join(pages)}
    assert [(where, canary) for where, text in said.items() for canary in SECRETS if canary in text] == []
    assert [where for where, text in said.items() if where != "answers" and PROMPT in text] == []


class Poison:
    """A message that no actor takes, with something in it that no report may quote."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """As a careless report would show it."""
        return self.text
