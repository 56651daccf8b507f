"""Attempts that are read on for nobody: their callers left, and only their providers know what they used."""

from __future__ import annotations


class Drains:
    """Those of one provider. Each is taken by an attempt and given back by its exit.

    Args:
        most: at once; 0 ends every attempt whose caller leaves.
        seconds: the longest one is read on.
    """

    def __init__(self, *, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self.count = 0

    def take(self) -> bool:
        """One more, where there may be one."""
        if self.count >= self.most:
            return False
        self.count += 1
        return True

    def give(self) -> None:
        """One less."""
        self.count -= 1
