"""Where clients are heard, and for how long they are served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from router.settings.schema.keys import Count, Keys, Name, PositiveS, SizeBytes, SomeS
from router.settings.secret import Secret


class AdminKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where those who run the router ask and change it. Beyond loopback it needs a key.

    Args:
        host: address to listen on.
        port: port of a listener of its own, 0 for any free one; left out, administration shares `server.port`.
        key: what it asks for, as `Authorization: Bearer` or `x-admin-key`; left out, it asks for none.
    """

    host: Name = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    key: Secret | None = None


class Server(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where clients are heard, and for how long they are served.

    Args:
        host: address to listen on; beyond this machine, callers need keys and administration a listener of its own.
        port: port to listen on; 0 takes any free one.
        keys_required: whether nobody is heard without a client key; left out, where there are `keys` or callers of
            other machines.
        keys_stale_s: how long known keys are good while the configuration that they are in cannot be read; left out,
            however long.
        max_body_bytes: the largest request body; a larger one is answered 413.
        head_timeout_s: how long the head of a request may take to arrive, and a new connection to begin one; then it is
            closed.
        body_timeout_s: how long a body may take, beside what its size takes at `body_bytes_per_s`, never longer than
            `deadline_s`; then it is answered 408.
        body_bytes_per_s: bytes of a body that must arrive, at the least.
        unread_timeout_s: how long a caller may take no byte of an answer that waits for it; then its connection is
            closed.
        max_connections: connections open at once; one more is closed.
        max_exchanges: requests in flight at once; one more is answered 429.
        first_ping_after_s: silence before the first keepalive of a stream, which commits the status 200.
        ping_every_s: silence between keepalives after that.
        deadline_s: the longest a request may take over all its attempts.
        lame_duck_s: how long a stop still takes new requests, for load balancers to see that readiness is gone.
        drain_s: how long a stop then waits for requests in flight.
        flush_s: how long a stop waits at the end for ledger and telemetry to write what they hold.
        faults: whether every caller may have faults injected into its own requests by `x-router-fault`; for tests. Left
            out, only a caller with the admin key may.
        tls_cert: PEM file of the certificate to show, with its chain; read again with the configuration. Left out,
            connections are in the clear.
        tls_key: PEM file of its private key, without a passphrase.
    """

    host: Name = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8094
    keys_required: bool | None = None
    keys_stale_s: PositiveS | None = None
    max_body_bytes: SizeBytes = 33_554_432
    head_timeout_s: PositiveS = 15.0
    body_timeout_s: PositiveS = 20.0
    body_bytes_per_s: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000
    unread_timeout_s: PositiveS = 60.0
    max_connections: Count = 10_000
    max_exchanges: Count = 1000
    first_ping_after_s: PositiveS = 10.0
    ping_every_s: PositiveS = 10.0
    deadline_s: PositiveS = 600.0
    lame_duck_s: SomeS = 0.0
    drain_s: SomeS = 30.0
    flush_s: SomeS = 10.0
    faults: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
