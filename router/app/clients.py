"""The client keys of a configuration."""

from __future__ import annotations

from router.canon.caller import Caller
from router.policy.keyring import Held, Ring, digest_of
from router.settings import ClientKeys, Settings, moment_at


def ring_of(settings: Settings) -> Ring:
    """Every key by its digest, those included that were rotated out and still work."""
    held: dict[str, Held] = {}
    for name, client in settings.keys.items():
        caller, until_at = caller_of(name, client), _moment(client.expires)
        if client.previous_sha256 is not None:
            ends = (_moment(client.previous_until), until_at)
            held[client.previous_sha256] = Held(caller=caller, until_at=min(at for at in ends if at is not None))
        digest = digest_of(client.key.reveal()) if client.key else client.sha256
        assert digest is not None
        held[digest] = Held(caller=caller, until_at=until_at)
    server = settings.server
    return Ring(held=held, required=bool(server.keys_required), stale_s=server.keys_stale_s)


def caller_of(name: str, client: ClientKeys) -> Caller:
    """A key as it travels with its requests."""
    return Caller(
        id=name,
        owner=client.owner,
        group=client.group,
        models=client.models,
        endpoints=client.endpoints,
        cache=client.cache,
        keeps=client.keep,
    )


def _moment(said: str | None) -> float | None:
    return None if said is None else moment_at(said)
