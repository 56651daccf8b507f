"""What worlds with rescues, hedges and edges are made of: the routes that have them, and providers that go on."""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec.json import decode
from msgspec.structs import replace

from tests.simulation.answers import Meaning

_WAYS: tuple[list[str], ...] = (
    [],
    ["splice"],
    ["continue"],
    ["continue", "splice"],
    ["splice", "continue", "hold"],
    ["hold"],
)
_EDGES = (
    None,
    None,
    ["default", "content_policy", "rejected"],
    ["cut_stream", "idle_timeout", "connect", "server_error"],
)


def with_savings(settings: dict[str, Any], seed: int) -> tuple[dict[str, Any], bool]:
    """The configuration with a route that saves what it can; and whether providers of this world repeat each other.

    In some worlds everybody's own route does too. All else of the world stays as it was.
    """
    chance = Random(f"saving {seed}")
    for provider in settings["providers"].values():
        for model in provider["models"]:
            model |= {"prefix": chance.choice((None, None, "turn", "marked", "final"))}
    groups = settings["failover_groups"]
    groups["saved"] = {
        "targets": groups["chat"]["targets"],
        "max_attempts": chance.randint(2, 6),
        **draw_course(chance),
    }
    if chance.random() < 0.7:
        groups["chat"] |= draw_course(chance)
    return settings, chance.random() < 0.5


def draw_course(chance: Random) -> dict[str, Any]:
    """What a route does for an answer that breaks off, and for one that is late."""
    hedge = {
        "share": chance.choice((0.02, 0.5, 1.0)),
        "min_after_ms": chance.choice((1, 100)),
        "max_after_ms": chance.choice((100, 5000)),
        "min_sample": chance.choice((1, 5, 20)),
        "max_usd_per_hour": chance.choice((None, 0.001, 10)),
    }
    return {
        "resume": chance.choice(_WAYS),
        "hold_tokens": chance.choice((1, 20, 1000)),
        "hold_ms": chance.choice((1, 100, 3000)),
        "hedge": chance.choice((None, hedge)),
        "fallbacks_on": chance.choice(_EDGES),
    }


def beginning_of(body: bytes) -> str:
    """The beginning of its own answer that a request gives its provider; "" for none."""
    asked = decode(body)
    last = (asked.get("messages") or asked.get("contents") or [{}])[-1]
    if last.get("role") not in ("assistant", "model"):
        return ""
    said = last.get("content", last.get("parts"))
    return said if isinstance(said, str) else "".join(part["text"] for part in said)


def gone_on(meaning: Meaning, begun: str) -> Meaning:
    """What a provider says that is given the beginning of an answer: what follows where that is its own, else anything
    that fits behind it."""
    rest = meaning.text[len(begun) :] if meaning.text.startswith(begun) else "and on"
    return replace(meaning, words=(rest,) if rest else (), thoughts=(), calls=meaning.calls if rest else ())
