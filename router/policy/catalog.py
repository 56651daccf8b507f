"""Which names a caller may use, and which targets stand behind each.

    provider:model      that one
    a group's name      its targets, by its strategy
    a bare model        every provider that serves it
    auto                every provider's first model, then the others

How far a provider takes part in the last two is its dispatch mode.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from router.canon.operation import Operation
from router.canon.target import Target
from router.policy.choose import ChoiceRules
from router.policy.course import Course

AUTO = "auto"


class Dispatch(StrEnum):
    """When a provider is chosen: never, only by its own name, with the others, or after the others."""

    OFF = "off"
    EXCLUSIVE = "exclusive"
    POOLED = "pooled"
    FALLBACK = "fallback"


_TURN: dict[Dispatch, int] = {Dispatch.POOLED: 0, Dispatch.FALLBACK: 1}
"""The modes that take part where no provider is named, in the order they are asked."""


class Listing(Struct, frozen=True, kw_only=True):
    """A provider and its models, in configured order; "" is the first of those it will list itself."""

    provider: str
    models: tuple[str, ...]
    dispatch: Dispatch = Dispatch.POOLED


class RouteSpec(Struct, frozen=True, kw_only=True):
    """A public name, its targets in configured order, and how they are tried.

    Args:
        weights: of those that are not 1.
        able: those of the targets, in that order, that may be asked for an operation; all for one that is not in it.
    """

    name: str
    targets: tuple[Target, ...]
    rules: ChoiceRules
    max_attempts: int
    course: Course = Course()
    weights: Mapping[Target, float] = {}
    able: Mapping[Operation, tuple[Target, ...]] = {}


class Manner(Struct, frozen=True, kw_only=True):
    """How the names that no group configures are tried."""

    rules: ChoiceRules
    max_attempts: int
    course: Course = Course()


def build_routes(listings: tuple[Listing, ...], groups: tuple[RouteSpec, ...], manner: Manner) -> tuple[RouteSpec, ...]:
    """Every name there is. A configured group wins over a bare model of the same name.

    Args:
        manner: of the names that no group configures.
    """
    serving = tuple(listing for listing in listings if listing.dispatch is not Dispatch.OFF)
    named = {str(target): (target,) for listing in serving for target in _targets(listing) if target.model}
    pooled = sorted(
        (listing for listing in serving if listing.dispatch in _TURN), key=lambda listing: _TURN[listing.dispatch]
    )
    bare: dict[str, tuple[Target, ...]] = {}
    for listing in pooled:
        for target in (target for target in _targets(listing) if target.model):
            bare[target.model] = (*bare.get(target.model, ()), target)
    automatic = {AUTO: _in_turn(pooled)} if pooled else {}
    implicit = {
        name: RouteSpec(
            name=name,
            targets=targets,
            rules=manner.rules,
            max_attempts=manner.max_attempts,
            course=manner.course,
        )
        for name, targets in {**bare, **named, **automatic}.items()
    }
    return tuple({**implicit, **{group.name: group for group in groups}}.values())


def _targets(listing: Listing) -> tuple[Target, ...]:
    return tuple(Target(provider=listing.provider, model=model) for model in listing.models)


def _in_turn(listings: list[Listing]) -> tuple[Target, ...]:
    """First models of all, then second ones, ...: within a turn of dispatch a provider's spare models come last."""
    ranked = [
        (_TURN[listing.dispatch], rank, place, target)
        for place, listing in enumerate(listings)
        for rank, target in enumerate(_targets(listing))
    ]
    return tuple(target for *_key, target in sorted(ranked, key=lambda row: row[:3]))


def found_targets(name: str, found: Mapping[str, Collection[str]], pooled: Collection[str]) -> tuple[Target, ...]:
    """What stands behind a name that no configuration has, where providers listed such a model themselves.

    Args:
        found: provider -> the models that it listed, those that chat first.
        pooled: the providers that take part where none is named.
    """
    provider, colon, model = name.partition(":")
    if colon and provider in found:
        if not model:
            return tuple(Target(provider=provider, model=first) for first in islice(found[provider], 1))
        if model in found[provider]:
            return (Target(provider=provider, model=model),)
    return tuple(Target(provider=each, model=name) for each, names in found.items() if each in pooled and name in names)
