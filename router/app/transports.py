"""How bytes reach a provider, and whose credential goes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, structs

from actors.provider import Spawn
from actors.runtime import Ports
from router.app.seats import Seat
from router.providers.kind import Kind
from router.settings import Secret
from router.settings.settings import ApiKey
from router.upstream.aws import AwsRules, SigningTransport, SigV4
from router.upstream.entra import EntraFetch, EntraRules
from router.upstream.google import GoogleFetch
from router.upstream.http import HttpTransport
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from router.upstream.tokens import TokenSource, TokenTransport
from router.upstream.transport import Transport


def transport_of(seat: Seat, ports: Ports, spawn: Spawn) -> Transport:
    """A worker process for what runs here, HTTP for all else; without a key, what stands in for one goes along."""
    if seat.settings.local is not None:
        local = structs.asdict(seat.settings.local)
        options = LlamaOptions(**{**local, "models_dir": str(seat.settings.local.models_dir)})
        return LlamaTransport(options, ports, spawn=spawn)
    granted = _GRANTED.get(seat.kind.grant)
    if granted is None or seat.settings.keys[0].key:
        return HttpTransport()
    return granted(seat, ports, spawn)


def headers_of(seat: Seat, kind: Kind, key: ApiKey) -> tuple[tuple[str, str], ...]:
    """One of its keys and its static headers, lower-case names; a configured one takes the place of the kind's."""
    extra = {name.lower(): value.reveal() for name, value in seat.settings.headers.items()}
    return tuple({**dict(kind.headers), **dict(kind.auth(key.key.reveal() if key.key else "")), **extra}.items())


def _by_signature(seat: Seat, ports: Ports, _spawn: Spawn) -> Transport:
    service = seat.kind.spoken(seat.base_url, "").aws_service
    assert service is not None
    return SigningTransport(HttpTransport(), SigV4(service, ports.wall.now, AwsRules(**_revealed(seat.settings.aws))))


def _by_entra(seat: Seat, ports: Ports, spawn: Spawn) -> Transport:
    fetch = EntraFetch(EntraRules(**_revealed(seat.settings.entra)), HttpTransport())
    return TokenTransport(HttpTransport(), fetch, TokenSource(fetch, ports.clock.now, spawn))


def _by_google(seat: Seat, ports: Ports, spawn: Spawn) -> Transport:
    google = seat.settings.google
    assert google is not None
    fetch = GoogleFetch(str(google.credentials_file) if google.credentials_file else None, ports.wall.now)
    extra = (("x-goog-user-project", google.quota_project),) if google.quota_project else ()
    return TokenTransport(HttpTransport(), fetch, TokenSource(fetch, ports.clock.now, spawn), extra)


_GRANTED: Mapping[str, Callable[[Seat, Ports, Spawn], Transport]] = {
    "aws": _by_signature,
    "entra": _by_entra,
    "google": _by_google,
}
"""The section of a provider's configuration -> how what it says goes along."""


def _revealed(section: Struct | None) -> dict[str, Any]:
    """A section's values as text; this is the place they are for."""
    said = {} if section is None else structs.asdict(section)
    return {name: value.reveal() if isinstance(value, Secret) else value and str(value) for name, value in said.items()}
