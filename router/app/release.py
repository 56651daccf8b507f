"""A release: an edition of the tree, and what of its configuration the rest of the router reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from actors.edition import Edition
from router.app.abilities import enabled
from router.app.seats import Seat, open_route_of, routes_of, seat_of
from router.app.units import UnitRules
from router.policy.catalog import Dispatch, RouteSpec
from router.providers.kind import Kind
from router.settings import Secret, Settings

Kinds = Mapping[str, Kind]


class Layout(Struct, frozen=True, kw_only=True):
    """What a configuration means here, before anything is made of it.

    Args:
        open_route: of every model that a provider lists and no configuration names.
    """

    settings: Settings
    seats: tuple[Seat, ...]
    routes: tuple[RouteSpec, ...]
    open_route: RouteSpec


class Release(Edition, frozen=True, kw_only=True):
    """An edition with what it was made of.

    Args:
        serial: of the draft it was; part of the names of what it changed.
        settings: the configuration, which every request reads something of.
        seats: its providers.
        rules: what its units were made with, beside their own section.
    """

    serial: int
    layout: Layout
    settings: Settings
    seats: tuple[Seat, ...]
    rules: UnitRules


def layout_of(settings: Settings, kinds: Kinds) -> Layout:
    """Look at each provider, the folders of local models included: this may block."""
    seats = tuple(
        seat_of(provider, kinds[provider.kind])
        for provider in settings.providers.values()
        if Dispatch(provider.dispatch) is not Dispatch.OFF
    )
    return Layout(
        settings=settings,
        seats=seats,
        routes=enabled(routes_of(settings, seats), seats),
        open_route=open_route_of(settings),
    )


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every value that no log line may hold."""
    return tuple(secret.reveal() for secret in _secrets_in(settings) if secret)


def _secrets_in(value: object) -> Iterator[Secret]:
    """Every secret anywhere in it: a new key of the schema that is one needs no word here."""
    match value:
        case Secret():
            yield value
        case Struct():
            for name in value.__struct_fields__:
                yield from _secrets_in(getattr(value, name))
        case Mapping():
            for item in value.values():
                yield from _secrets_in(item)
        case tuple():
            for item in value:
                yield from _secrets_in(item)


PENDING: tuple[tuple[str, Callable[[Settings], object]], ...] = (
    ("home", lambda settings: settings.home),
    ("ledger.path", lambda settings: settings.ledger.path),
    ("ledger.url", lambda settings: settings.ledger.url),
    ("ledger.journal", lambda settings: settings.ledger.journal),
    ("ledger.keep_days", lambda settings: settings.ledger.keep_days),
    ("audit.keep_days", lambda settings: settings.audit.keep_days),
    ("transcripts.keep_days", lambda settings: settings.transcripts.keep_days),
    ("cache.backend", lambda settings: settings.cache.backend),
    ("cache.path", lambda settings: settings.cache.path),
    ("server.host", lambda settings: settings.server.host),
    ("server.port", lambda settings: settings.server.port),
    ("server.max_connections", lambda settings: settings.server.max_connections),
    ("server.head_timeout_s", lambda settings: settings.server.head_timeout_s),
    ("server.unread_timeout_s", lambda settings: settings.server.unread_timeout_s),
    ("server.tls_cert", lambda settings: settings.server.tls_cert),
    ("server.tls_key", lambda settings: settings.server.tls_key),
    ("admin.host", lambda settings: settings.admin.host),
    ("admin.port", lambda settings: settings.admin.port),
    ("admin.key", lambda settings: settings.admin.key),
    ("server.lame_duck_s", lambda settings: settings.server.lame_duck_s),
    ("server.drain_s", lambda settings: settings.server.drain_s),
    ("server.flush_s", lambda settings: settings.server.flush_s),
    ("telemetry.otlp_endpoint", lambda settings: settings.telemetry.otlp_endpoint),
    ("telemetry.request_log_size", lambda settings: settings.telemetry.request_log_size),
)
"""The keys that a process reads once: a socket is bound, a file locked, a supervisor told how long to wait."""


def pending_keys(started: Settings, wanted: Settings) -> tuple[str, ...]:
    """The keys whose new value waits for a restart."""
    return tuple(key for key, read in PENDING if read(started) != read(wanted))
