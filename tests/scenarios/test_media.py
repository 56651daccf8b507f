"""Line 95: where a picture is, is the provider's to look; this gateway connects to nobody but its targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, status
from tests.fakes.served import remote, routed, served
from tests.scenarios.scene import ask, scenario

KINDS: dict[str, dict[str, Any]] = {
    "openai-compatible": {},
    "openai-responses": {"api_key": "sk-test"},
    "anthropic-compatible": {"api_key": "sk-test"},
    "gemini": {"api_key": "sk-test"},
    "cohere": {"api_key": "sk-test"},
    "ollama": {},
}
"""Those that take a URL are given it; Ollama takes bytes alone, and is not asked."""


@pytest.mark.parametrize("on_loss", ["refuse", "warn"])
@pytest.mark.parametrize("kind", KINDS)
@scenario
async def test_line_95_the_address_of_a_picture_is_never_looked_up_by_us(
    kind: str, on_loss: str, tmp_path: Path
) -> None:
    """Neither on this machine nor at a cloud's own address, nor where either would lead; whatever the target speaks."""
    async with ScriptedProvider(speak("secret")) as inside, ScriptedProvider(status(400)) as one:
        urls = [f"http://127.0.0.1:{inside.port}/a.png", f"http://localhost:{inside.port}/", "http://169.254.169.254/x"]
        content = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        config = routed(remote(one, kind=kind, **KINDS[kind]))
        async with served(config, tmp_path) as router:
            messages = [{"role": "user", "content": [{"type": "text", "text": "see"}, *content]}]
            heard = await ask(router, messages=messages, router={"on_loss": on_loss})
        assert inside.connections == 0
        told = [turn.body.count(b"169.254.169.254") for turn in one.turns]
    assert heard.status == 400
    if kind == "ollama":
        assert told == ([] if on_loss == "refuse" else [0])
    else:
        assert told == [1]
