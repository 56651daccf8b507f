"""What all attempts at one model of one provider share: where they send, in which words, and whom they tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from actors.draft import Way
from actors.draining import Drains
from actors.messages import PaceView
from actors.pulses import Pulses
from actors.runtime import Ports, Ref
from router.canon.drill import Drill
from router.canon.operation import Operation
from router.canon.target import Timeouts
from router.policy.gauge import Gauge
from router.providers.limits import LimitHeaders
from router.upstream.transport import Transport
from router.wire.dialect import Codec, Dialect, Splitter

Inject = Callable[[Drill, Callable[[], Splitter] | None, Callable[[], None]], Transport]
"""The fault, how its answer is cut into events (None: it is not streamed), and what to call when it has happened -> the
transport of one attempt that has it."""


class Line(Struct, frozen=True, kw_only=True):
    """What all attempts at one provider share.

    Args:
        provider: its configured name.
        dialect: what it speaks; `codecs` has what callers speak by name.
        ways: how each operation is asked for that it has.
        headers: key name -> all that its requests say by themselves: credentials, static headers, what the body is;
            lower-case names.
        withheld: headers of callers that do not go on to it, lower-case names.
        inject: the transport with a fault in it.
        drains: who of them may be read on when its caller has left.
        weighs: whether anything limits tokens, so that they are worth an estimate.
        keys: what is published of the keys.
        limits: the rate-limit headers of its answers.
        gauges: public target name -> how many bytes its tokens have, as far as that was learned.
        upstream: public model name -> the provider's own name for it.
        clean: takes the secrets this router knows out of a provider's words.
        max_event_bytes: the largest stream event to accept.
        max_reply_bytes: the largest whole answer to accept.
    """

    provider: str
    dialect: Dialect
    codecs: Mapping[str, Codec]
    transport: Transport
    ways: Mapping[Operation, Way]
    headers: Mapping[str, tuple[tuple[str, str], ...]]
    timeouts: Timeouts
    upstream: Mapping[str, str]
    pace: Ref
    breaker: Ref
    retry: Ref
    ledger: Ref
    limits_ref: Ref
    telemetry: Ref
    ports: Ports
    pulses: Pulses
    inject: Inject
    drains: Drains
    withheld: frozenset[str] = frozenset()
    clean: Callable[[str], str] = str
    weighs: bool = False
    keys: Callable[[], PaceView] = PaceView
    limits: LimitHeaders = ()
    gauges: Callable[[], Mapping[str, Gauge]] = dict
    max_event_bytes: int = 16 * 1024 * 1024
    max_reply_bytes: int = 64 * 1024 * 1024
