"""The Config actor: which configuration is in force."""

from __future__ import annotations

from typing import assert_never

from actors.messages import ConfigView, ReadConfig
from actors.runtime import Actor, Snapshot


class Config(Actor):
    """Holds the configuration as an immutable, versioned snapshot; exchanges keep the one they started on.

    Accepts `ReadConfig` -> `ConfigView`.

    A restart loses nothing: the view was validated whole before the tree began, and is given to each incarnation.
    """

    def __init__(self, *, view: ConfigView, published: Snapshot[ConfigView]) -> None:
        super().__init__()
        self._view = view
        self._published = published

    async def on_start(self) -> None:
        """Publish."""
        self._published.publish(self._view)

    def on_receive(self, message: ReadConfig) -> ConfigView:
        """What is in force."""
        match message:
            case ReadConfig():
                return self._view
            case _:
                assert_never(message)
