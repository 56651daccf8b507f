"""What a seed makes of a world: who provides, what is enabled to go wrong and how often.

Swarm testing: each world enables a random subset of the faults with random weights, so that some are met alone and
others in pairs that no fixed mixture would bring.
"""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tests.simulation.answers import SPOKEN, TONGUES
from tests.simulation.bounding import with_bounds
from tests.simulation.draining import draw_drains
from tests.simulation.echoing import with_echoes
from tests.simulation.faults import FAULTS
from tests.simulation.kinds import DISTURBANCES, ECHOES, LATER, OUR_DOING, STOP
from tests.simulation.saving import with_savings
from tests.simulation.scouting import with_scout
from tests.simulation.transcribing import with_transcripts

KINDS = tuple(FAULTS) + DISTURBANCES + LATER
"""Everything that can be switched off by name."""

INPUT_PER_MTOK, OUTPUT_PER_MTOK = 3, 15
"""What every model costs, USD per million tokens."""


class Outage(Struct, frozen=True):
    """One provider does nothing but `fault` from `since_s` to `until_s`."""

    provider: str
    fault: str
    since_s: float
    until_s: float


class Plan(Struct, frozen=True, kw_only=True):
    """One world.

    Args:
        exchanges: calls of the phase of faults.
        gap_s: mean time between two of them.
        settings: the configuration.
        dialects: what each provider speaks.
        weights: of the enabled faults of providers.
        rate: share of requests that meet one.
        outages: times of one fault and nothing else.
        disturbances: the enabled ones, and how strong each is, 0 to 1.
        shuffled: what is ready at one moment runs in random order.
        well: providers that never fail.
        wire_rate: share of answers whose bytes meet a fault of their own; on the wire only.
        repeats: whoever is asked for an exchange means the same.
        spares: providers that another configuration may add, as `dialects`.
    """

    seed: int
    exchanges: int
    gap_s: float
    settings: dict[str, Any]
    dialects: dict[str, str]
    weights: dict[str, int]
    rate: float
    outages: tuple[Outage, ...]
    disturbances: dict[str, float]
    shuffled: bool
    wire_rate: float = 0.0
    well: frozenset[str] = frozenset()
    repeats: bool = False
    spares: dict[str, str] = {}

    @property
    def faulty_s(self) -> float:
        """About how long the phase of faults lasts."""
        return self.exchanges * self.gap_s


def draw_plan(seed: int, *, most: int = 500) -> Plan:
    """The world of `seed`, of `most` exchanges at most."""
    chance = Random(f"plan {seed}")
    dialects = {f"p{n}": chance.choice(SPOKEN) for n in range(1, chance.randint(2, 5) + 1)}
    enabled = chance.sample(tuple(FAULTS), chance.randint(1, 10))
    weights = {name: chance.randint(1, 100) for name in enabled}
    exchanges = min(most, chance.randint(200, 500))
    gap_s = chance.choice((0.01, 0.05, 0.2, 0.5))
    outages = tuple(
        Outage(name, chance.choice(enabled), start := chance.random() * exchanges * gap_s, start + chance.random() * 60)
        for name in dialects
        if chance.random() < 0.4
    )
    stirred = {name: chance.random() for name in DISTURBANCES if chance.random() < 0.4}
    plan = Plan(
        seed=seed,
        exchanges=exchanges,
        gap_s=gap_s,
        settings=_settings(chance, dialects, Random(f"taste {seed}")),
        dialects=dialects,
        weights=weights,
        rate=chance.choice((0.02, 0.1, 0.3, 0.6, 0.95)),
        outages=outages,
        disturbances=stirred,
        shuffled=chance.random() < 0.7,
    )
    if STOP in stirred and Random(f"short stop {seed}").random() < 0.7:
        # Who waits for nobody has most to write down at the end.
        plan.settings["server"] |= {"drain_s": 0.0, "lame_duck_s": 0.0}
    # Lines that nobody reads take as long as the account: few worlds write them, but those write all.
    plan.settings["telemetry"] = {"log_level": Random(f"log {seed}").choice(("debug", *("error",) * 5))}
    settings, repeats = with_savings(plan.settings, seed)
    later = _later(seed, stirred)
    settings = with_transcripts(with_bounds(settings, seed), seed)
    settings["providers"] = {
        name: with_scout(keys, Random(f"scout {name} {seed}")) for name, keys in settings["providers"].items()
    }
    return replace(
        plan,
        settings=with_echoes(settings, seed) if ECHOES in later else settings,
        repeats=repeats,
        disturbances={**stirred, **later},
        spares={name: Random(f"spare {name} {seed}").choice(SPOKEN) for name in ("p8", "p9")},
    )


def _later(seed: int, stirred: dict[str, float]) -> dict[str, float]:
    """Mostly where nothing of our own crashes or stops, which would excuse what they break."""
    share = 0.3 if stirred.keys() & OUR_DOING else 0.8
    chances = {name: Random(f"{name} {seed}") for name in LATER}
    return {name: chance.random() for name, chance in chances.items() if chance.random() < share}


def _settings(chance: Random, dialects: dict[str, str], taste: Random) -> dict[str, Any]:
    """`taste` draws what came later, so that the worlds of older seeds stay what they were otherwise."""
    providers = {name: _provider(chance, dialect) for name, dialect in dialects.items()}
    for keys in providers.values():
        _taste(keys, taste)
    firsts = [f"{name}:m" for name in providers]
    groups = {
        "chat": {"targets": firsts, "max_attempts": chance.randint(1, 6)},
        "turns": {"targets": firsts[::-1], "strategy": "round_robin"},
        "lone": {"targets": firsts[:1], "max_attempts": 4},
        "shared": {
            "targets": firsts,
            "strategy": taste.choice(("load_balanced", "fastest_first", "weighted")),
            "affinity": taste.choice(("off", "asked", "named", "auto")),
        },
        "cheap": {"targets": firsts[::-1], "strategy": "cheapest"},
    }
    return {
        "providers": providers,
        "failover": {"slow_start_s": taste.choice((0.0, 10.0, 60.0))},
        "failover_groups": groups,
        "server": {
            "deadline_s": chance.choice((5.0, 40.0, 300.0)),
            "max_exchanges": chance.choice((20, 1000)),
            "drain_s": chance.choice((0.0, 5.0, 30.0)),
            "lame_duck_s": chance.choice((0.0, 2.0)),
        },
        "breaker": {
            "recovery_timeout_s": chance.choice((2.0, 30.0)),
            "max_open_s": 60.0,
            "failure_threshold": 5,
            "refused_key_s": 60.0,  # health must come back without a new configuration
        },
        "retry": {
            "base_delay_ms": chance.choice((1, 500)),
            "max_attempts": chance.randint(1, 4),
            "jitter": chance.random() < 0.8,
            "budget_ratio": chance.choice((0.05, 0.2, 1.0)),
            "budget_min_per_s": chance.choice((0.0, 1.0, 1000.0)),
        },
        "cache": {"enabled": chance.random() < 0.3},
    }


def draw_provider(chance: Random, dialect: str) -> dict[str, Any]:
    """The configuration of a provider that speaks `dialect`."""
    keys = _provider(chance, dialect)
    _taste(keys, chance)
    return with_scout(keys, chance)


def _taste(keys: dict[str, Any], chance: Random) -> None:
    floor = {"min_tokens_per_s": chance.choice((None, 1.0)), "slow_window_s": 4.0}
    keys["timeouts"] |= {"learn": chance.random() < 0.5, **floor}


def _provider(chance: Random, dialect: str) -> dict[str, Any]:
    price = {"input_per_mtok": INPUT_PER_MTOK, "output_per_mtok": OUTPUT_PER_MTOK}
    keys: dict[str, Any] = {
        "kind": TONGUES[dialect].kind,
        "base_url": "http://provider.test/v1",
        "api_key": "sim",
        "models": [{"name": name, "price": price} for name in ("m", "n")[: chance.randint(1, 2)]],
        "max_queue": chance.choice((0, 5, 100)),
        "timeouts": {
            "connect_s": 2.0,
            "first_byte_s": chance.choice((3.0, 30.0)),
            "first_token_s": chance.choice((5.0, 60.0)),
            "idle_s": chance.choice((2.0, 10.0)),
            "total_s": chance.choice((20.0, 600.0)),
        },
    }
    parallel = chance.choice((None, None, 1, 3, 10))
    if parallel is not None:
        keys["max_parallel"] = parallel
    return {**keys, **_credentials(Random(f"keys {chance.random()}"))}


def _credentials(chance: Random) -> dict[str, Any]:
    """One key or several, what may be sent by each of them, and how its bound is learned."""
    several = [{"key": f"sim-{n}", "weight": chance.choice((1, 3))} for n in range(chance.choice((0, 0, 2, 3)))]
    limits = {"requests_per_min": chance.choice((60, 600)), "tokens_per_min": chance.choice((100_000, 1_000_000))}
    return {
        **({"api_key": None, "keys": several} if several else {}),
        **({"limits": limits} if chance.random() < 0.2 else {}),
        "adaptive": chance.choice(("aimd", "aimd", "gradient", "off")),
        **draw_drains(chance),
    }
