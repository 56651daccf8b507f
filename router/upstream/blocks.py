"""The body of an answer as an iterator that owns nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from router.errors import Reason, WireFault


class Blocks:
    """Blocks until an empty one. Not an async generator: for one left early the loop would start a task to close it.

    Args:
        take: gives the next block, `b""` at the end and from then on.
    """

    __slots__ = ("_take",)

    def __init__(self, take: Callable[[], Awaitable[bytes]]) -> None:
        self._take = take

    def __aiter__(self) -> Blocks:
        """Itself: a body comes once."""
        return self

    async def __anext__(self) -> bytes:
        """The next block, never an empty one."""
        block = await self._take()
        if not block:
            raise StopAsyncIteration
        return block


async def read_whole(blocks: Blocks, limit_bytes: int, status: int) -> bytes:
    """All that is left of a body.

    Raises:
        WireFault: `MALFORMED` with `status` past `limit_bytes`, and what the blocks raise.
    """
    taken: list[bytes] = []
    size_bytes = 0
    async for block in blocks:
        taken.append(block)
        size_bytes += len(block)
        if size_bytes > limit_bytes:
            raise WireFault(Reason.MALFORMED, f"the answer is longer than {limit_bytes} bytes", status=status)
    return b"".join(taken)
