"""What the front's handlers need, for each edition once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.messages import Desk, Memory
from actors.runtime import Snapshot
from router.app.release import Release
from router.front.context import Context
from router.front.origin import has_key
from router.settings import Settings
from router.wire.dialect import Codec


class Contexts:
    """Called for each request: the context of the edition in force."""

    def __init__(
        self,
        edition: Snapshot[Release],
        *,
        desk: Desk,
        codecs: Mapping[str, Codec],
        look_every_s: float | None,
        memory: Memory,
    ) -> None:
        self._edition = edition
        self._desk = desk
        self._codecs = codecs
        self._look_every_s = look_every_s
        self._memory = memory
        self._made_for = edition.value
        self._made = self._make(edition.value)

    def __call__(self) -> Context:
        """The context."""
        release = self._edition.value
        if release is not self._made_for:
            self._made_for, self._made = release, self._make(release)
        return self._made

    def _make(self, release: Release) -> Context:
        server = release.settings.server
        return Context(
            desk=self._desk,
            codecs=self._codecs,
            max_body_bytes=server.max_body_bytes,
            body_s=server.body_timeout_s,
            body_bytes_per_s=server.body_bytes_per_s,
            deadline_s=server.deadline_s,
            first_ping_after_s=server.first_ping_after_s,
            ping_every_s=server.ping_every_s,
            callers_keyed=bool(server.keys_required),
            operators_keyed=release.settings.admin.key is not None,
            look_every_s=self._look_every_s,
            injects=injects(release.settings),
            memory=self._memory if release.settings.conversations.enabled else None,
        )


def injects(settings: Settings) -> Callable[[Mapping[str, str]], bool]:
    """Who may have faults injected: everybody where the configuration says so, else whoever has the admin key."""
    if settings.server.faults:
        return lambda _headers: True
    key = settings.admin.key
    if key is None:
        return lambda _headers: False
    revealed = key.reveal()
    return lambda headers: has_key(headers, revealed)
