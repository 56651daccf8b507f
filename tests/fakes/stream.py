"""A chat stream as its caller reads it, event by event."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import ClientResponse


class ChatStream:
    """What was heard so far. `ended` is set by `[DONE]`, `finish` by a finish reason, `error` by an error event.

    Reading goes on past each of them to the end of the body: what follows an end is heard too, as `late`.
    """

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.text = ""
        self.finish: str | None = None
        self.usage: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.ended = False
        self.comments = 0
        self.late = 0

    @property
    def complete(self) -> bool:
        """Everything that says an answer is whole, and nothing that says it is not."""
        return self.ended and self.finish is not None and self.error is None and self.late == 0

    @property
    def broken_off(self) -> bool:
        """An error event was the last that was heard, and nothing before it said that the answer is whole."""
        return self.error is not None and self.finish is None and not self.ended and self.late == 0

    async def begin(self) -> ChatStream:
        """Read up to the first text."""
        while not self.text:
            assert await self.read_line(), "the stream ended before its first text"
        return self

    async def rest(self) -> ChatStream:
        """Read to the end of the body."""
        while await self.read_line():
            continue
        return self

    async def read_line(self) -> bool:
        """Read one line; False at the end of the body."""
        line = await self.response.content.readline()
        if line.startswith(b":"):
            self.comments += 1
        elif line.startswith(b"data:"):
            self._take(line[5:].strip())
        return line != b""

    def _take(self, data: bytes) -> None:
        self.late += self.ended or self.error is not None
        if data == b"[DONE]":
            self.ended = True
            return
        chunk = json.loads(data)
        self.error = chunk.get("error") or self.error
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices", ()):
            self.text += choice["delta"].get("content") or ""
            self.finish = choice["finish_reason"] or self.finish
