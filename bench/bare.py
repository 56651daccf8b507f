"""The thing to be measured against, a reverse proxy that does nothing else: `python -m bench.bare PORT
UPSTREAM_URL`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web


async def _serve(port: int, upstream: str) -> None:
    session = ClientSession(
        connector=TCPConnector(limit=0),
        timeout=ClientTimeout(total=None),
        auto_decompress=False,
        cookie_jar=DummyCookieJar(),
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        headers = {"content-type": "application/json"}
        async with session.post(upstream + request.path, data=body, headers=headers) as reply:
            kind = reply.headers["content-type"]
            if not kind.startswith("text/event-stream"):
                return web.Response(status=reply.status, body=await reply.read(), headers={"content-type": kind})
            response = web.StreamResponse(status=reply.status, headers={"content-type": kind})
            await response.prepare(request)
            async for block in reply.content.iter_any():
                await response.write(block)
            await response.write_eof()
            return response

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
