"""How a target does right now: how many attempts are under way, and how soon its answers begin.

Two figures are kept of each kind of answer, because they answer two questions. `peak_s` says how risky the next request
is: it rises at once with a slow answer or a failure, sinks slowly, and fades while nobody asks. `typical_s` says how
fast the target usually is, and failures do not move it. A streamed answer is measured to its first content, one that is
not streamed to its end: the two are never compared, since the second mostly measures how long the answer is.

Source: `PeakEwma.scala` of twitter/finagle and linkerd2-proxy's `ewma`, which adds failures as latency; both read
2026-11.
"""

from __future__ import annotations

from math import ceil, exp

from msgspec import Struct
from msgspec.structs import replace

DECAY_S = 10.0
"""How fast a peak is forgotten: after so long a third of it is left."""

PENALTY_S = 5.0
"""What a failure counts for at least: without it a target that fails at once would look like the fastest one."""

UNKNOWN_S = 1.0
"""What is taken for a target that is being asked for the first time; an idle one that nobody measured counts 0, so that
somebody does."""

_NEWEST = 0.2  # weight of the newest answer in what is typical

SAMPLES = 100
"""First tokens that are remembered for a learned limit: the last ones, so that it follows the provider."""

LEAST_SAMPLES = 30
LEARNED_FACTOR = 2.0
LEARNED_FLOOR_S = 5.0
"""A learned limit is `LEARNED_FACTOR` times the 99th percentile of the remembered first tokens, at least
`LEARNED_FLOOR_S`, and none before there are `LEAST_SAMPLES`."""

LEAST_SHARE = 0.1
"""The share of a target in its first moment back: with none at all nobody would find out how it does."""


class Latency(Struct, frozen=True, kw_only=True):
    """Of one kind of answer. None of an answer that was never given; `at_s` is monotonic, of the last measurement."""

    peak_s: float | None = None
    typical_s: float | None = None
    at_s: float = 0.0


class Pulse(Struct, frozen=True, kw_only=True):
    """All that is measured of one target.

    Args:
        in_flight: attempts that have begun and not ended, those that wait for a slot included.
        streamed: from the request sent to the first content.
        whole: from the request sent to the whole answer.
        firsts: the last `SAMPLES` times to first content, oldest first; one that ran into a limit counts as that long.
        wholes: the same of answers that came whole.
    """

    in_flight: int = 0
    streamed: Latency = Latency()
    whole: Latency = Latency()
    firsts: tuple[float, ...] = ()
    wholes: tuple[float, ...] = ()


def next_started(pulse: Pulse) -> Pulse:
    """An attempt begins."""
    return replace(pulse, in_flight=pulse.in_flight + 1)


def next_ended(pulse: Pulse) -> Pulse:
    """An attempt is over, however."""
    return replace(pulse, in_flight=pulse.in_flight - 1)


def next_heard(pulse: Pulse, took_s: float, now: float, *, streamed: bool) -> Pulse:
    """An answer began (`streamed`), or came whole."""
    before = pulse.streamed if streamed else pulse.whole
    typical_s = took_s if before.typical_s is None else before.typical_s + _NEWEST * (took_s - before.typical_s)
    after = Latency(peak_s=_peak_s(before, took_s, now), typical_s=typical_s, at_s=now)
    if not streamed:
        return replace(pulse, whole=after, wholes=(*pulse.wholes[1 - SAMPLES :], took_s))
    return replace(pulse, streamed=after, firsts=(*pulse.firsts[1 - SAMPLES :], took_s))


def next_failed(pulse: Pulse, took_s: float, now: float) -> Pulse:
    """An attempt failed, and not by its caller's doing: a peak for every kind of answer."""
    cost_s = max(took_s, PENALTY_S)
    return replace(pulse, streamed=_failed(pulse.streamed, cost_s, now), whole=_failed(pulse.whole, cost_s, now))


def next_late(pulse: Pulse, waited_s: float, *, streamed: bool = True) -> Pulse:
    """No first token within a limit: it would have taken longer, and is remembered as that long at least.

    Otherwise a provider that became slower for good could never be given more time: the slow answers that would teach
    it are the ones that are cut off.
    """
    if not streamed:
        return replace(pulse, wholes=(*pulse.wholes[1 - SAMPLES :], waited_s))
    return replace(pulse, firsts=(*pulse.firsts[1 - SAMPLES :], waited_s))


def load_of(pulse: Pulse, now: float, *, streamed: bool) -> float:
    """What one more request would meet: expected seconds times the attempts it would be among. Lower is better.

    A peak fades only while the target is idle: of one that hangs, the attempts under way are all that is known.
    """
    peak_s = faded_s(pulse, now, streamed=streamed)
    if peak_s is None:
        return UNKNOWN_S * (pulse.in_flight + 1) if pulse.in_flight else 0.0
    return peak_s * (pulse.in_flight + 1)


def faded_s(pulse: Pulse, now: float, *, streamed: bool) -> float | None:
    """What is left of a peak at `now`; None of one that was never measured."""
    latency = pulse.streamed if streamed else pulse.whole
    if latency.peak_s is None or pulse.in_flight:
        return latency.peak_s
    return latency.peak_s * exp(-max(now - latency.at_s, 0.0) / DECAY_S)


def learned_limit_s(pulse: Pulse, configured_s: float) -> float:
    """The limit for a first token, from the target's own history; never above the configured one."""
    if len(pulse.firsts) < LEAST_SAMPLES:
        return configured_s
    return min(configured_s, max(LEARNED_FLOOR_S, LEARNED_FACTOR * percentile_s(pulse.firsts, 0.99)))


def percentile_s(samples: tuple[float, ...], share: float) -> float:
    """The least sample that so large a share of them does not exceed (nearest rank)."""
    return sorted(samples)[max(ceil(share * len(samples)), 1) - 1]


def share_of(since_s: float | None, now: float, window_s: float) -> float:
    """How much of its share a target has that came back, or came at all, at `since_s`: it grows with time to 1.

    Source: "Slow start mode" of Envoy's documentation, with aggression 1, read 2026-11.
    """
    if since_s is None or window_s <= 0 or now - since_s >= window_s:
        return 1.0
    return max((now - since_s) / window_s, LEAST_SHARE)


def later_of(*moments_s: float | None) -> float | None:
    """The latest of the moments at which a target came back; None when it never was away."""
    return max((moment_s for moment_s in moments_s if moment_s is not None), default=None)


def _peak_s(before: Latency, took_s: float, now: float) -> float:
    if before.peak_s is None or took_s > before.peak_s:
        return took_s
    kept = exp(-max(now - before.at_s, 0.0) / DECAY_S)
    return before.peak_s * kept + took_s * (1.0 - kept)


def _failed(before: Latency, cost_s: float, now: float) -> Latency:
    return replace(before, peak_s=max(before.peak_s or 0.0, cost_s), at_s=now)
