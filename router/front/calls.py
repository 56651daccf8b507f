"""Calls of every operation: parse just enough, open an exchange, deliver it."""

from __future__ import annotations

from aiohttp import web

from actors.messages import DENIED, Call, Once
from router.errors import Refused
from router.front.body import read_body
from router.front.context import Context
from router.front.delivery import Delivery, MakeKeeper
from router.front.drill import drills_of
from router.front.forward import forwarding
from router.front.guard import CALLER, PATH_MAX, REQUEST_ID, who
from router.front.models import no_such_model
from router.front.presence import Watch
from router.front.trace import decode_traceparent
from router.front.wishes import with_headers
from router.wire.dialect import Ask

KEY_HEADER = "Idempotency-Key"
KEY_MAX = 255
"""Characters of a key; Stripe's bound, which clients know."""


async def take(request: web.Request, context: Context, spoken: str) -> web.StreamResponse:
    """One call, heard by the codec of that name."""
    ask = await hear(request, context, spoken)
    return await answer(request, context, spoken, ask, once=once_of(request, ask))


async def hear(request: web.Request, context: Context, spoken: str) -> Ask:
    """What is asked, with the wishes of its headers. Raises `Refused`."""
    half = context.codecs[spoken].front
    assert half is not None
    headers = request.headers
    ask = with_headers(half.peek(await read_body(request, context)), headers)
    if not request[CALLER].may_ask_for(ask.model):
        context.desk.accessed(who(request), f"model {ask.model[:PATH_MAX]}", DENIED)
        raise no_such_model(ask.model)
    return forwarding(ask, headers, half.forwarded)


def once_of(request: web.Request, ask: Ask) -> Once | None:
    """The request's own name for itself, with what is asked under it. Raises `Refused` for one that is none."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= KEY_MAX:
        raise Refused(f"an {KEY_HEADER} has 1 to {KEY_MAX} characters", param=KEY_HEADER)
    return Once(key=key, said=ask)


async def answer(
    request: web.Request,
    context: Context,
    spoken: str,
    ask: Ask,
    *,
    once: Once | None = None,
    keeper: MakeKeeper | None = None,
) -> web.StreamResponse:
    """Open an exchange and deliver it. Leaving for any cause, a closed connection too, ends the exchange and its
    upstream call, unless another request with the same key is read from it."""
    codec = context.codecs[spoken]
    half = codec.front
    assert half is not None
    headers = request.headers
    trace = decode_traceparent(headers.get("traceparent"))
    opened = context.desk.open(
        Call(
            ask=ask,
            dialect=spoken,
            operation=codec.operation,
            request_id=request[REQUEST_ID],
            trace_id=trace[0] if trace else context.desk.trace_id(),
            parent_span_id=trace[1] if trace else None,
            caller=request[CALLER],
            drills=drills_of(headers, context.injects),
            once=once,
        )
    )
    try:
        delivery = Delivery(request, context, half, opened, keeper=keeper and keeper(opened.ask))
        deliver = delivery.stream if ask.stream else delivery.whole
        if context.look_every_s is None:
            return await deliver(opened.outbox)
        with Watch(request, context.look_every_s, opened.abandon):
            return await deliver(opened.outbox)
    finally:
        opened.leave()
