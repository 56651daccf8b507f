"""Who is believed about a context window, and where a request that is too long may go."""

from __future__ import annotations

import pytest

from router.canon.ability import Ability, Traits, merged
from router.canon.target import Target
from router.policy.capability import (
    UNKNOWN,
    FactSource,
    ModelFacts,
    able_targets,
    choose_facts,
    known_windows,
    larger_window,
)

SMALL, LARGE, EQUAL, STRANGE = (Target(provider="p", model=model) for model in ("small", "large", "equal", "strange"))
FACTS = {
    SMALL: ModelFacts(context_window=8192, source=FactSource.LEARNED),
    LARGE: ModelFacts(context_window=200_000, source=FactSource.LISTED),
    EQUAL: ModelFacts(context_window=8192, source=FactSource.CONFIGURED),
    STRANGE: UNKNOWN,
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"configured": 1, "learned": 2, "listed": 3}, (1, "configured")),
        ({"configured": None, "learned": 2, "listed": 3}, (2, "learned")),
        ({"learned": 0, "listed": 3}, (3, "listed")),
        ({"learned": -5, "listed": None}, (None, None)),
        ({}, (None, None)),
    ],
    ids=["operator first", "then the target", "zero is no statement", "nor a negative one", "nobody said"],
)
def test_the_most_believed_statement_wins(said: dict[str, int | None], expected: tuple[int | None, str | None]) -> None:
    """The operator, the target itself, the list; unknown stays unknown."""
    facts = choose_facts({FactSource(source): Traits(context_window=window) for source, window in said.items()})
    assert (facts.context_window, facts.source) == expected


def test_only_known_larger_windows_take_a_request_that_was_too_long() -> None:
    """Equal is not larger, unknown is not larger, and the order stays."""
    assert larger_window(FACTS, SMALL, (EQUAL, STRANGE, LARGE, SMALL)) == (LARGE,)
    assert larger_window(FACTS, LARGE, FACTS) == ()


def test_nothing_is_larger_than_an_unknown_window() -> None:
    """A guess would send the request where it may fail again."""
    assert larger_window(FACTS, STRANGE, FACTS) == ()


def test_unknown_windows_are_left_out_for_the_retry_policy() -> None:
    """By public name, numbers only."""
    assert known_windows(FACTS) == {"p:small": 8192, "p:large": 200_000, "p:equal": 8192}


def test_of_each_thing_the_first_word_counts() -> None:
    """An operator who says that a model cannot is right against its own list, and only in that."""
    operator = Traits(cannot=(Ability.TOOLS,), max_output=10)
    listing = Traits(can=(Ability.TOOLS, Ability.VISION), max_output=20, input_per_mtok="1")
    both = Traits(can=(Ability.VISION,), cannot=(Ability.TOOLS,), max_output=10, input_per_mtok="1")
    assert merged((operator, listing)) == both
    assert merged(()) == Traits()


_SEES = ModelFacts(traits=Traits(can=(Ability.VISION, Ability.TOOLS)))
_BLIND = ModelFacts(traits=Traits(can=(Ability.TOOLS,), cannot=(Ability.VISION,)))
_ABLE = {SMALL: _BLIND, LARGE: _SEES, EQUAL: _BLIND}
_VISION = (Ability.VISION,)


@pytest.mark.parametrize(
    ("targets", "needs", "requires", "expected"),
    [
        ((SMALL, STRANGE, LARGE), (), (), (SMALL, STRANGE, LARGE)),
        ((SMALL, STRANGE, LARGE), _VISION, (), (STRANGE, LARGE)),
        ((SMALL, EQUAL), _VISION, (), (SMALL, EQUAL)),
        ((SMALL, STRANGE, LARGE), (), _VISION, (LARGE, STRANGE)),
        ((SMALL, EQUAL), (), _VISION, ()),
        ((SMALL, STRANGE), (Ability.TOOLS,), (), (SMALL, STRANGE)),
        ((SMALL, LARGE, STRANGE), (Ability.AUDIO, *_VISION), (Ability.TOOLS,), (LARGE, STRANGE)),
        ((SMALL, EQUAL), _VISION, (Ability.TOOLS,), (SMALL, EQUAL)),
    ],
    ids=[
        "nothing is needed",
        "the unable one is passed over",
        "where all are unable the provider may say so",
        "required: the able one first",
        "required: none is left",
        "the able one is not put first",
        "both",
        "required by some, needed by none",
    ],
)
def test_a_request_goes_to_targets_that_can(
    targets: tuple[Target, ...],
    needs: tuple[Ability, ...],
    requires: tuple[Ability, ...],
    expected: tuple[Target, ...],
) -> None:
    """A need shown by the request keeps the operator's order; a requirement of the caller is a condition."""
    assert able_targets(targets, _ABLE, needs, requires) == expected
