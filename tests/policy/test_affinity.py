"""What ties requests together, and how evenly names are spread over targets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from msgspec import Raw

from router.policy.affinity import Affinity, affinity_of, place_of

TARGETS = ("a:m", "b:m", "c:m", "d:m")
NAMES = [f"session {number}".encode() for number in range(1000)]


def fields(**body: Any) -> dict[str, Raw]:
    """The top-level members of a body."""
    return {name: Raw(json.dumps(value).encode()) for name, value in body.items()}


def first(name: bytes, targets: tuple[str, ...] = TARGETS, weights: dict[str, float] | None = None) -> str:
    """Who has the lowest place for a name."""
    return min(targets, key=lambda target: place_of(name, target, (weights or {}).get(target, 1.0)))


def test_line_86_names_spread_evenly_over_targets() -> None:
    """A thousand of them over four targets: each has its quarter, a fifth more or less."""
    counted = Counter(map(first, NAMES))
    assert all(200 <= counted[target] <= 300 for target in TARGETS), counted


@pytest.mark.parametrize("dead", TARGETS)
def test_line_86_when_a_target_dies_only_its_names_move(dead: str) -> None:
    """And they spread over all that are left."""
    left = tuple(target for target in TARGETS if target != dead)
    moved = [name for name in NAMES if first(name) != first(name, left)]
    assert moved == [name for name in NAMES if first(name) == dead]
    assert set(map(lambda name: first(name, left), moved)) == set(left)


def test_weights_draw_names_in_their_ratio_and_only_to_who_grew() -> None:
    """Twice the weight is twice the names; none of them moves between the others."""
    heavier = {"a:m": 2.0}
    counted = Counter(first(name, weights=heavier) for name in NAMES)
    assert counted["a:m"] / 1000 == pytest.approx(0.4, abs=0.05)
    moved = {first(name, weights=heavier) for name in NAMES if first(name) != first(name, weights=heavier)}
    assert moved == {"a:m"}


def test_a_place_is_the_same_in_every_process() -> None:
    """Python's own `hash()` is not."""
    program = "from router.policy.affinity import *; print(place_of(affinity_of('k', {}, Affinity.ASKED), 'a:m', 1.0))"
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    name = affinity_of("k", {}, Affinity.ASKED)
    assert name is not None
    assert said == {str(place_of(name, "a:m", 1.0))}


BODY = fields(
    messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
    user="u",
    prompt_cache_key="p",
    metadata={"user_id": "m", "more": [1]},
)


def without(*members: str) -> dict[str, Raw]:
    """The body without these."""
    return {name: raw for name, raw in BODY.items() if name not in members}


def test_the_closest_name_counts() -> None:
    """The caller's own key, then the cache key, the session, the end user, and at last how it begins."""
    asked = affinity_of("mine", BODY, Affinity.AUTO)
    steps = [
        affinity_of(None, BODY, Affinity.AUTO),
        affinity_of(None, without("prompt_cache_key"), Affinity.AUTO),
        affinity_of(None, without("prompt_cache_key", "metadata"), Affinity.AUTO),
        affinity_of(None, without("prompt_cache_key", "metadata", "user"), Affinity.AUTO),
    ]
    assert asked == affinity_of("mine", {}, Affinity.ASKED)
    assert len({asked, *steps}) == 5
    assert steps[0] == affinity_of(None, fields(prompt_cache_key="p"), Affinity.NAMED)
    assert steps[1] == affinity_of(None, fields(metadata={"user_id": "m"}), Affinity.NAMED)
    assert steps[2] == affinity_of(None, fields(user="u"), Affinity.NAMED)


def test_a_group_says_how_far_it_is_tied() -> None:
    """Off by nothing, asked by the caller's key alone, named never by how it begins."""
    assert affinity_of("mine", BODY, Affinity.OFF) is None
    assert affinity_of(None, BODY, Affinity.ASKED) is None
    assert affinity_of(None, without("user", "prompt_cache_key", "metadata"), Affinity.NAMED) is None


USER = {"role": "user", "content": "hello"}
LATER = [{"role": "assistant", "content": "hi"}, {"role": "user", "content": "and now?"}]
CACHED = [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}]


@pytest.mark.parametrize(
    ("turn", "next_turn"),
    [
        ({"messages": [USER]}, {"messages": [USER, *LATER]}),
        ({"system": "s", "messages": [USER]}, {"system": "s", "messages": [USER, *LATER]}),
        ({"messages": [{"role": "user", "content": CACHED}]}, {"messages": [USER, *LATER]}),
        ({"instructions": "s", "input": [USER]}, {"instructions": "s", "input": [USER, *LATER]}),
        ({"input": "hello"}, {"input": "hello"}),
    ],
    ids=["chat", "messages", "a_cache_marker_that_moved", "responses", "text_alone"],
)
def test_the_next_turn_begins_as_the_last_one(turn: dict[str, Any], next_turn: dict[str, Any]) -> None:
    """What was added behind the first word of the user does not count."""
    name = affinity_of(None, fields(**turn), Affinity.AUTO)
    assert name is not None
    assert name == affinity_of(None, fields(**next_turn), Affinity.AUTO)


@pytest.mark.parametrize(
    "other",
    [
        {"system": "t", "messages": [USER]},
        {"messages": [{"role": "user", "content": "hello!"}]},
        {"messages": [{"role": "system", "content": "hello"}, USER]},
    ],
    ids=["instructions", "first_word", "one_more_message"],
)
def test_another_beginning_is_another_conversation(other: dict[str, Any]) -> None:
    """Instructions and the first word of the user both count."""
    base = affinity_of(None, fields(system="s", messages=[USER]), Affinity.AUTO)
    assert base != affinity_of(None, fields(**other), Affinity.AUTO)


@pytest.mark.parametrize(
    "body",
    [
        {"user": 7, "messages": [USER]},
        {"metadata": "text", "messages": [USER]},
        {"messages": [{"role": "user", "content": 7}]},
        {"messages": [7]},
        {"messages": 7},
        {"system": 7, "messages": [USER]},
        {"user": "\ud800", "messages": [USER]},
    ],
    ids=["user", "metadata", "content", "message", "messages", "system", "half_a_character"],
)
def test_what_cannot_be_read_ties_by_its_bytes_and_breaks_nothing(body: dict[str, Any]) -> None:
    """Whether such a request is one at all is for its target to say."""
    assert affinity_of(None, fields(**body), Affinity.AUTO) == affinity_of(None, fields(**body), Affinity.AUTO)


def test_nothing_to_go_by_ties_nothing() -> None:
    """A body of another operation has no turns."""
    assert affinity_of(None, fields(texts=["a"]), Affinity.AUTO) is None
