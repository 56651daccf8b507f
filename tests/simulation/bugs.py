"""Bugs in what several callers share, in what is done for those who left, and beside all calls: rows of the table in
`mutations.py`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from actors import caching as caching_module
from actors import transcript as transcript_module
from actors.attempt import Attempt
from actors.caching import Caching
from actors.draining import Drains
from actors.flights import Flights, Follower
from actors.messages import Answered, EntryClosed
from actors.runtime import Exit
from actors.scout import Scout
from actors.tally import Tally
from router.errors import GatewayError, Reason

Row = tuple[Any, str, Callable[[Any], Any], str]
"""Whose, under which name, what is made of it, and the invariant that must catch that."""


def _tenants_share(true: Callable[..., Any]) -> Callable[..., Any]:
    def cache_key(_tenant: str, *rest: Any, **said: Any) -> str:
        key: str = true("", *rest, **said)
        return key

    return cache_key


def _all_words_are_one(true: Callable[..., Any]) -> Callable[..., Any]:
    def cache_key(tenant: str, dialect: str, model: str, _fields: Any, **said: Any) -> str:
        key: str = true(tenant, dialect, model, {}, **said)
        return key

    return cache_key


def _repeats_unbooked(_true: Callable[..., Any]) -> Callable[..., Any]:
    def book(_self: Caching, *_: Any) -> None:
        return None

    return book


def _cut_answer_told_as_whole(true: Callable[..., Any]) -> Callable[..., Any]:
    async def following(self: Follower, source: Any) -> Any:
        try:
            return await true(self, source)
        except GatewayError:
            if self.begun is None:
                raise
            return Answered(usage=None, cost_usd=Decimal(0))

    return following


def _never_lands(_true: Callable[..., Any]) -> Callable[..., Any]:
    def land(_self: Flights, *_: Any) -> None:
        return None

    return land


def _everybody_is_read_on(_true: Callable[..., Any]) -> Callable[..., Any]:
    def take(self: Drains) -> bool:
        self.count += 1
        return True

    return take


def _nobody_is_read_on(_true: Callable[..., Any]) -> Callable[..., Any]:
    def orphaned(self: Attempt, _exit: Exit) -> None:
        assert self.job is not None
        self.job.stop()

    return orphaned


def _read_on_and_not_counted(true: Callable[..., Any]) -> Callable[..., Any]:
    def entry(self: Tally, reason: Reason | None) -> EntryClosed:
        closed: EntryClosed = true(self, reason)
        return replace(closed, usage=None) if self.gone else closed

    return entry


def _finds_nothing(_true: Callable[..., Any]) -> Callable[..., Any]:
    def take(_self: Scout, _found: Any) -> None:
        return None

    return take


def _everybodys_words(_true: Callable[..., Any]) -> Callable[..., Any]:
    def wants(*_: Any) -> bool:
        return True

    return wants


ROWS: tuple[Row, ...] = (
    (caching_module, "cache_key", _tenants_share, "answers_stay_with_their_question"),
    (Caching, "book", _repeats_unbooked, "repeated_answers_are_free"),
    (Follower, "_next", _cut_answer_told_as_whole, "nothing_completes_without_a_last_word"),
    (Flights, "land", _never_lands, "nothing_is_held"),
    (Drains, "take", _everybody_is_read_on, "drains_stay_within_bounds"),
    (Attempt, "orphaned", _nobody_is_read_on, "drains_stay_within_bounds"),
    (Scout, "_take", _finds_nothing, "scouts_find_what_is_there"),
    (transcript_module, "wants", _everybodys_words, "transcripts_are_what_was_heard"),
    (Tally, "entry", _read_on_and_not_counted, "drained_attempts_are_counted"),
)

ON_THE_WIRE: tuple[Row, ...] = ((caching_module, "cache_key", _all_words_are_one, "answers_stay_with_their_question"),)
