"""Reading a request's body within its bound."""

from __future__ import annotations

from aiohttp import web

from router.errors import Reason, Refused


async def read_body(request: web.Request, limit_bytes: int) -> bytes:
    """The whole body. Raises `Refused` past `limit_bytes`, from the declared length already where there is one, and for
    a body that is not framed or compressed as its head says."""
    if (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    blocks: list[bytes] = []
    size_bytes = 0
    try:
        async for block in request.content.iter_any():
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                raise _too_large(limit_bytes)
            blocks.append(block)
    except web.RequestPayloadError as error:
        raise Refused("the request body is not framed or compressed as its headers say") from error
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def _too_large(limit_bytes: int) -> Refused:
    return Refused(
        f"the request body is larger than {limit_bytes} bytes; server.max_body_bytes sets the bound",
        reason=Reason.TOO_LARGE,
    )
