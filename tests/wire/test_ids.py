"""Ids made up or made clean: the same for the same, different for different."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from router.wire.ids import MOST_USER, clean_id, made_up_id, short_user


@given(st.text(max_size=20))
def test_a_clean_id_holds_only_what_every_provider_takes(given_id: str) -> None:
    """And is clean for good: cleaning it again changes nothing."""
    cleaned = clean_id(given_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cleaned)
    assert clean_id(cleaned) == cleaned


@given(st.text(alphabet="a_:.", max_size=6), st.text(alphabet="a_:.", max_size=6))
def test_different_ids_stay_different(one: str, other: str) -> None:
    """Or a result would answer the wrong call."""
    assert (clean_id(one) == clean_id(other)) is (one == other)


def test_a_made_up_id_is_the_same_for_the_same_seed() -> None:
    """A second reading of an answer must not make another call of it."""
    assert made_up_id("x_", "a") == made_up_id("x_", "a")
    assert made_up_id("x_", "a") != made_up_id("x_", "b")


def test_a_users_name_is_shortened_only_where_it_must_be() -> None:
    """And names the same user every time; nobody is named where nobody was."""
    long = "u" * (MOST_USER + 1)
    assert [short_user(name) for name in (None, "", "u" * MOST_USER)] == [None, "", "u" * MOST_USER]
    assert short_user(long) == short_user(long) != short_user(long + "u")
    assert len(short_user(long) or "") <= MOST_USER
