"""What one provider's attempts tell about its targets, published as it happens: read by whoever chooses among them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.runtime import Ports, Snapshot
from router.canon.target import Timeouts
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

_SILENT = frozenset(
    {Reason.SHUTTING_DOWN, Reason.DIVERGED, *(reason for reason, blame in BLAME.items() if blame is Blame.CALLER)}
)
"""Ends that say nothing of who was asked. A wrong key does: nobody gets an answer there, and it fails at once, which
must not look fast."""


class PulseView(Struct, frozen=True, kw_only=True):
    """What a unit publishes. `since_s`: monotonic, when its Provider last started; a model nobody asked is missing.

    A pulse never changes, but which one stands for a model does, in place: several times a request, for few to read.
    """

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
        self._models: dict[str, Pulse] = dict(published.value.models)
        self.now = ports.clock.now
        """The clock of all measurements."""
        published.publish(PulseView(since_s=published.value.since_s, models=self._models))

    def began(self) -> None:
        """The Provider started: its connections are cold."""
        self._published.publish(PulseView(since_s=self.now(), models=self._models))

    def started(self, model: str) -> None:
        """An attempt begins; `ended` must follow once."""
        self._models[model] = next_started(self._models.get(model, _NONE))

    def ended(self, model: str) -> None:
        """An attempt is over, however."""
        self._models[model] = next_ended(self._models.get(model, _NONE))

    def heard(self, model: str, took_s: float, *, streamed: bool) -> None:
        """An answer began, or came whole, `took_s` after its request was sent."""
        self._models[model] = next_heard(self._models.get(model, _NONE), took_s, self.now(), streamed=streamed)

    def late(self, model: str, waited_s: float, *, streamed: bool = True) -> None:
        """Nothing of an answer came in the time it had."""
        self._models[model] = next_late(self._models.get(model, _NONE), waited_s, streamed=streamed)

    def failed(self, model: str, took_s: float) -> None:
        """A request that was sent failed, `took_s` after it with nothing said; 0 when its answer had begun."""
        self._models[model] = next_failed(self._models.get(model, _NONE), took_s, self.now())

    def learned_s(self, model: str, configured_s: float) -> float:
        """The limit for a first token."""
        return learned_limit_s(self._models.get(model, _NONE), configured_s)


class Beat:
    """What one attempt tells of its target, each thing once."""

    __slots__ = ("_model", "_pulses", "_sent_s", "_spoke", "_streamed")

    def __init__(self, pulses: Pulses, model: str, *, streamed: bool) -> None:
        self._pulses = pulses
        self._model = model
        self._streamed = streamed
        self._sent_s = 0.0
        self._spoke = False

    def sent(self, timeouts: Timeouts) -> float:
        """Its request goes out. Returns the limit for its first token: the configured one, or a lower one that the
        target's own history teaches."""
        self._sent_s = self._pulses.now()
        limit_s = timeouts.first_token_s
        return self._pulses.learned_s(self._model, limit_s) if timeouts.learn else limit_s

    def heard(self) -> None:
        """Content came, or the whole answer; only the first time counts."""
        if not self._spoke:
            self._spoke = True
            self._pulses.heard(self._model, self._pulses.now() - self._sent_s, streamed=self._streamed)

    def failed(self, reason: Reason) -> None:
        """It was sent, and did not complete."""
        if reason in _SILENT:
            return
        waited_s = 0.0 if self._spoke else self._pulses.now() - self._sent_s
        if reason is Reason.SUPERSEDED:
            # No failure, but a wait that would have been longer still.
            if not self._spoke:
                self._pulses.late(self._model, waited_s, streamed=self._streamed)
            return
        if reason is Reason.FIRST_TOKEN_TIMEOUT and self._streamed:
            self._pulses.late(self._model, waited_s)
        self._pulses.failed(self._model, waited_s)


_NONE = Pulse()
