"""Reading a request's body within its bounds: of size, and of time, by which one that drips in holds nobody up."""

from __future__ import annotations

import asyncio

from aiohttp import web

from router.errors import Reason, Refused
from router.front.context import Context


async def read_body(request: web.Request, context: Context, limit_bytes: int | None = None) -> bytes:
    """The whole body.

    Args:
        limit_bytes: the largest; None: as large as the configuration lets one be.

    Raises:
        Refused: it is larger, by the declared length already where there is one, or it is not framed or compressed as
            its head says.
        HTTPRequestTimeout: it comes too slowly.
    """
    limit_bytes = limit_bytes or context.max_body_bytes
    content = request.content
    # Most bodies came with their head: for those no clock is set.
    is_whole = content.is_eof()
    if not is_whole and (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        body = content.read_nowait() if is_whole else await _read(request, context, limit_bytes)
    except web.RequestPayloadError as error:
        raise Refused("the request body is not framed or compressed as its headers say") from error
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(reason="the request body came too slowly") from error
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


async def _read(request: web.Request, context: Context, limit_bytes: int) -> bytes:
    """Block by block, each of which earns time for the next. Raises `Refused` and `TimeoutError`."""
    content, began_s = request.content, asyncio.get_running_loop().time()
    blocks: list[bytes] = []
    size_bytes = 0
    async with asyncio.timeout_at(began_s + context.body_s) as bound:
        async for block in content.iter_any():
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                raise _too_large(limit_bytes)
            blocks.append(block)
            if not content.is_eof():
                bound.reschedule(began_s + _allowed_s(context, size_bytes))
    return b"".join(blocks)


def _allowed_s(context: Context, size_bytes: int) -> float:
    """How long a body may have taken by now."""
    return min(context.body_s + size_bytes / context.body_bytes_per_s, context.deadline_s)


def _too_large(limit_bytes: int) -> Refused:
    return Refused(
        f"the request body is larger than {limit_bytes} bytes; server.max_body_bytes sets the bound",
        reason=Reason.TOO_LARGE,
    )
