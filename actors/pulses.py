"""What one provider's attempts tell about its targets, published as it happens: read by whoever chooses among them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.runtime import Ports, Snapshot
from router.errors import BLAME, Blame, Reason
from router.policy.pulse import (
    Pulse,
    learned_limit_s,
    next_ended,
    next_failed,
    next_heard,
    next_late,
    next_started,
)

_SILENT = frozenset({Reason.SHUTTING_DOWN, *(reason for reason, blame in BLAME.items() if blame is Blame.CALLER)})
"""Ends that say nothing of who was asked. A wrong key does: nobody gets an answer there, and it fails at once, which
must not look fast."""


class PulseView(Struct, frozen=True, kw_only=True):
    """What a unit publishes. `since_s`: monotonic, when its Provider last started; a model nobody asked is missing."""

    since_s: float | None = None
    models: Mapping[str, Pulse] = {}


NO_PULSES = PulseView()
"""Of a provider that is gone, or was never there."""


class Pulses:
    """Kept by a Provider and its attempts, in its unit; outlives the actor, whose attempts may end after it.

    Nothing here waits or asks: an attempt tells when it begins, when its answer begins, and how it ends.
    """

    def __init__(self, published: Snapshot[PulseView], ports: Ports) -> None:
        self._published = published
        self._ports = ports

    def began(self) -> None:
        """The Provider started: its connections are cold."""
        view = self._published.value
        self._published.publish(PulseView(since_s=self._ports.clock.now(), models=view.models))

    def started(self, model: str) -> None:
        """An attempt begins; `ended` must follow once."""
        self._put(model, next_started(self._of(model)))

    def ended(self, model: str) -> None:
        """An attempt is over, however."""
        self._put(model, next_ended(self._of(model)))

    def heard(self, model: str, took_s: float, *, streamed: bool) -> None:
        """An answer began, or came whole, `took_s` after its request was sent."""
        self._put(model, next_heard(self._of(model), took_s, self._ports.clock.now(), streamed=streamed))

    def failed(self, model: str, took_s: float, reason: Reason) -> None:
        """A request that was sent failed, `took_s` after it with nothing said; 0 when its answer had begun."""
        if reason in _SILENT:
            return
        pulse = self._of(model)
        if reason is Reason.FIRST_TOKEN_TIMEOUT:
            pulse = next_late(pulse, took_s)
        self._put(model, next_failed(pulse, took_s, self._ports.clock.now()))

    def learned_s(self, model: str, configured_s: float) -> float:
        """The limit for a first token."""
        return learned_limit_s(self._of(model), configured_s)

    def _of(self, model: str) -> Pulse:
        return self._published.value.models.get(model, _NONE)

    def _put(self, model: str, pulse: Pulse) -> None:
        view = self._published.value
        self._published.publish(PulseView(since_s=view.since_s, models={**view.models, model: pulse}))


_NONE = Pulse()
