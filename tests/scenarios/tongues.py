"""The three protocols that callers speak, as a scenario needs them: how to ask, and an answer held to its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Struct

from tests.fakes.served import GROUP, Caller
from tests.replay.fronts import CHAT, FRONTS, MESSAGES, RESPONSES, Front
from tests.replay.hearing import hear
from tests.replay.said import Said

__all__ = ["CHAT", "MESSAGES", "RESPONSES", "Front", "Told", "every_front", "tell"]

every_front = pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
"""For scenarios that hold in every protocol that is heard."""


class Told(Struct, frozen=True, kw_only=True):
    """An answer with its head, read by `tests.replay`: what breaks a rule of its protocol has raised already."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    said: Said

    def is_whole(self, text: str) -> bool:
        """One complete answer with that text."""
        return self.said.fault is None and self.said.first.text == text and self.said.first.finish == "stop"

    def is_broken_off(self, text: str, why: str) -> bool:
        """So much of one, then an honest error for that reason."""
        return self.said.fault == why and self.said.first.text == text and not self.said.first.finish


async def tell(
    router: Caller, front: Front, streamed: bool = True, /, *, headers: Mapping[str, str] | None = None, **fields: Any
) -> Told:
    """One call to the group of all providers, heard to its end."""
    body = {**front.body(GROUP, streamed), **fields}
    async with router.http.post(f"{router.url}{front.path}", json=body, headers=headers) as response:
        heard = await response.read()
        whole = response.content_type != "text/event-stream"
        said = hear(front, response.status, heard, streamed=not whole, passed=whole)
        return Told(status=response.status, headers=response.headers, body=heard, said=said)
