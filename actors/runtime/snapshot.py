"""What one actor publishes and anyone may read without asking."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Snapshot(Generic[T]):
    """An immutable value behind one reference; it outlives its actor's restarts, so readers never find it empty."""

    __slots__ = ("value",)

    def __init__(self, initial: T) -> None:
        self.value = initial

    def publish(self, value: T) -> None:
        """Replace the value whole. Only the actor that owns it does."""
        self.value = value
