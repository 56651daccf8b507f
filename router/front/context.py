"""What every handler needs, in one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from actors.messages import Desk, Memory
from router.wire.dialect import Codec


class Context(Struct, frozen=True, kw_only=True):
    """The desk where requests are handed in, and how this front speaks.

    Args:
        desk: opens exchanges, reads snapshots.
        codecs: what can be heard, by name.
        max_body_bytes: the largest request body.
        body_s: how long a body may take, beside what its size takes at `body_bytes_per_s`.
        body_bytes_per_s: the slowest that one may arrive at.
        deadline_s: the longest that one may take however large it is.
        first_ping_after_s: silence before the first keepalive of a stream; it commits the status, not the answer.
        ping_every_s: silence between keepalives after that.
        look_every_s: how often to look whether the caller is still there; None where the server cancels handlers whose
            caller left.
        callers_keyed: whether nobody is heard without a client key.
        operators_keyed: whether operators need the admin key.
        injects: whether a request with these headers may ask for faults to be injected into it.
        memory: conversations that go on by the id of an answer; None where none are kept.
    """

    desk: Desk
    codecs: Mapping[str, Codec]
    max_body_bytes: int
    body_s: float
    body_bytes_per_s: int
    deadline_s: float
    first_ping_after_s: float
    ping_every_s: float
    callers_keyed: bool = False
    operators_keyed: bool = False
    look_every_s: float | None = None
    injects: Callable[[Mapping[str, str]], bool] = lambda _headers: False
    memory: Memory | None = None
