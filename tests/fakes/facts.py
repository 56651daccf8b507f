"""Facts as requests emit them, with one field changed at a time."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from actors.messages import AttemptEnded, ExchangeEnded
from router.canon.outcome import End, UsageSource
from router.canon.usage import Usage

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER_SPAN = "b7ad6b7169203331"

_ATTEMPT = AttemptEnded(
    exchange="req-1",
    attempt="at-1",
    trace_id=TRACE,
    number=1,
    provider="main",
    model="small",
    end=End.COMPLETED,
    reason=None,
    status=200,
    message=None,
    usage=Usage(input=10, output=5),
    usage_source=UsageSource.FINAL,
    started_at=1_700_000_000.0,
    first_byte_s=0.1,
    first_token_s=0.2,
    duration_s=0.5,
)
_EXCHANGE = ExchangeEnded(
    exchange="req-1",
    trace_id=TRACE,
    parent_span_id=None,
    dialect="openai-chat",
    model="auto",
    target="main:small",
    streamed=True,
    end=End.COMPLETED,
    reason=None,
    attempts=(),
    usage=Usage(input=10, output=5),
    cost_usd=Decimal("0.0003"),
    started_at=1_700_000_000.0,
    first_token_s=0.25,
    duration_s=0.6,
)


def attempt_ended(**changes: object) -> AttemptEnded:
    """An attempt on main:small that answered in half a second, but for `changes`."""
    return replace(_ATTEMPT, **changes)


def exchange_ended(**changes: object) -> ExchangeEnded:
    """An exchange that main:small answered in 0.6 s for 0.03 cents, but for `changes`."""
    return replace(_EXCHANGE, **changes)
