"""A log sink that keeps what it is given."""

from __future__ import annotations

from typing import Any

import msgspec


class Lines:
    """A `LineSink` in memory. `capacity` lines are kept; later ones are dropped and counted."""

    def __init__(self, capacity: int = 100_000) -> None:
        self.kept: list[bytes] = []
        self.dropped = 0
        self._capacity = capacity

    def put(self, line: bytes) -> None:
        """Keep one line."""
        if len(self.kept) >= self._capacity:
            self.dropped += 1
            return
        self.kept.append(line)

    @property
    def read(self) -> list[dict[str, Any]]:
        """Every line as the JSON object it is."""
        return [msgspec.json.decode(line) for line in self.kept]
