"""The end of an attempt that gives its parts, and the time its reader takes."""

from __future__ import annotations

from actors.clocks import Clocks
from actors.messages import Ear, Part
from actors.runtime import ChannelClosed
from actors.tally import Tally


class Outlet:
    """Gives parts to who listens; where the caller has left an attempt that is read on, to nobody."""

    def __init__(self, ear: Ear, tally: Tally, clocks: Clocks) -> None:
        self._ear = ear
        self._tally = tally
        self.clocks = clocks

    async def put(self, part: Part) -> None:
        """Hand a part over; where that must wait, the clocks know whose time passes. Raises `ChannelClosed`: nobody
        listens."""
        try:
            if self._ear.is_full:
                self.clocks.reader_waits()
                await self._ear.room()
                self.clocks.reader_took()
            self._ear.push(part)
        except ChannelClosed:
            if not self._tally.gone:
                raise

    def end(self, *parts: Part) -> None:
        """Hand over what ends an answer, which waits for nobody. Raises as `put`."""
        try:
            self._ear.push(*parts)
        except ChannelClosed:
            if not self._tally.gone:
                raise
