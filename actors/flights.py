"""Requests on their way that the cache has no answer for yet, and those that join them.

Whoever joins is told what the first is told, from its beginning, and is an exchange of its own: admitted, planned and
accounted by itself. What one of them does costs the others nothing: who leaves is missed by nobody, and the first goes
on as long as one of them reads.

Where the first fails by its provider's doing, all fail in the same way: they asked the same of the same targets, and
each trying anew would make of one failure as many requests as there are callers, to who has just failed. Where it ends
for a reason of its own (its deadline, a stop, its caller) before it has said anything, the next of them takes its place
and the others join that one. It does so too where the first is told by a target that may not answer it: what the
configuration had before is not what it asks for.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.messages import Answered, Committed, Piece, Source
from actors.recall import repeated
from actors.runtime import ChannelClosed, ChannelTimeout
from actors.shared import Shared
from actors.telling import Telling
from router.canon.target import Target
from router.errors import GatewayError, Reason, Unavailable, UpstreamFailed


class Flights:
    """Who is first with each request. One for all exchanges; each takes itself out when it ends."""

    def __init__(self) -> None:
        self._first: dict[str, Shared] = {}

    @property
    def count(self) -> int:
        """Requests that can be joined, or could."""
        return len(self._first)

    def join(self, key: str, own: Shared, left: Shared | None = None) -> Shared | None:
        """Whom to join; None where this is the first, which others may join from now on.

        Args:
            left: whom it had joined, for nothing.
        """
        first = self._first.get(key)
        if first is not None and first is not left and first.keeps and not first.ended:
            return first
        self._first[key] = own
        return None

    def land(self, key: str, own: Shared) -> None:
        """It has ended: what it said is in the cache now, or is to be asked anew."""
        if self._first.get(key) is own:
            del self._first[key]


class Follower:
    """One exchange that has joined another. `begun` and `ended` are how the answer did, as the first was told."""

    def __init__(self, telling: Telling, targets: tuple[Target, ...], left_s: Callable[[], float]) -> None:
        self._telling = telling
        self._targets = targets
        self._left_s = left_s
        self.begun: Committed | None = None
        self.ended: Answered | None = None
        self._why = Reason.INTERNAL

    async def follow(self, first: Shared) -> bool:
        """Tell all that it is told. False: it ended for a reason of its own, or is told by another's target, and
        nothing was told. Raises `GatewayError`."""
        source = first.read(None).outbox
        try:
            while self.ended is None:
                piece = await self._next(source)
                if piece is None:
                    return self._without()
                if isinstance(piece, Committed):
                    if piece.target not in self._targets:
                        return False
                    self.begun = piece
                await self._telling.pass_on(repeated(piece, 0.0, self._telling.standings))
                self.ended = piece if isinstance(piece, Answered) else None
        finally:
            source.leave()
        return True

    async def _next(self, source: Source) -> Piece | None:
        """The next piece; None where it ended for a reason of its own."""
        try:
            return await source.get(timeout_s=self._left_s())
        except ChannelTimeout:
            raise Unavailable("the request's deadline passed", reason=Reason.DEADLINE) from None
        except ChannelClosed:
            return None
        except GatewayError as error:
            if isinstance(error, UpstreamFailed) and error.reason is not Reason.DEADLINE:
                raise
            self._why = error.reason
            return None

    def _without(self) -> bool:
        if self.begun is not None:
            raise Unavailable("the request that this one had joined has ended", reason=self._why)
        return False
