"""The end of an attempt's feed that the attempt writes to, and the time its reader takes."""

from __future__ import annotations

from actors.clocks import Clocks
from actors.messages import Part
from actors.runtime import Channel, ChannelClosed
from actors.tally import Tally


class Outlet:
    """Puts parts on the feed; where the caller has left an attempt that is read on, nowhere."""

    def __init__(self, feed: Channel[Part], tally: Tally, clocks: Clocks) -> None:
        self._feed = feed
        self._tally = tally
        self.clocks = clocks

    async def put(self, part: Part) -> None:
        """Hand a part over; meanwhile the clocks know whose time passes. Raises `ChannelClosed`: nobody reads."""
        if self._tally.gone:
            return
        self.clocks.reader_waits()
        try:
            await self._feed.put(part)
        except ChannelClosed:
            if not self._tally.gone:
                raise
        self.clocks.reader_took()

    async def give(self, *parts: Part) -> None:
        """Hand over several."""
        for part in parts:
            await self.put(part)

    def close(self) -> None:
        """Nothing follows."""
        self._feed.close()
