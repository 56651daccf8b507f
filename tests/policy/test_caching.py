"""Who is answered from kept answers: the table, row by row."""

from __future__ import annotations

import pytest
from msgspec import Raw

from router.canon.caching import CacheScope
from router.policy.caching import CacheUse, Wish, choose_use

MISS, WITH_CALLS, AROUND = CacheUse(word="miss"), CacheUse(word="miss", tool_calls=True), CacheUse(word="bypass")

ROWS: list[tuple[Wish, str, CacheUse | None]] = [
    # wish, what key, group and server say: + on, - off, c on with tool calls, . nothing
    (None, "..-", None),
    (None, "...", None),
    (None, "..+", MISS),
    (None, ".-+", None),
    (None, ".+-", MISS),
    (None, "+--", MISS),
    (None, "-++", None),
    (None, "+.c", WITH_CALLS),
    (None, ".+c", MISS),
    (None, "c++", WITH_CALLS),
    ("use", "..-", WITH_CALLS),
    ("use", ".-.", WITH_CALLS),
    ("use", "-++", None),
    ("bypass", "..+", AROUND),
    ("bypass", "+..", AROUND),
    ("bypass", "..-", None),
    ("bypass", "-++", None),
]


def scope(word: str, place: int) -> CacheScope:
    """What one letter says; a plain `+` of a group or the server says no to tool calls, a key's says nothing."""
    on = {"+": True, "c": True, "-": False}.get(word)
    calls = True if word == "c" else False if word == "+" and place > 0 else None
    return CacheScope(on=on, tool_calls=calls)


@pytest.mark.parametrize(("wish", "said", "use"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_most_specific_word_wins(wish: Wish, said: str, use: CacheUse | None) -> None:
    """The request's over its key's, that over its group's, that over the server's; a key's own no over all."""
    key, group, server = (scope(word, place) for place, word in enumerate(said))
    assert choose_use((key, group, server), wish, {}, 1.0) == use


@pytest.mark.parametrize(
    ("fields", "wish", "use"),
    [
        ({"temperature": b"1.5"}, None, AROUND),
        ({"temp": b"1.5"}, None, AROUND),
        ({"temperature": b"1.0"}, None, MISS),
        ({"temperature": b"null"}, None, MISS),
        ({"temperature": b'"hot"'}, None, AROUND),
        ({"temperature": b"1.5"}, "use", WITH_CALLS),
    ],
    ids=["hot", "by its older name", "at the bound", "null", "unreadable", "asked for"],
)
def test_a_hot_request_goes_around_it(fields: dict[str, bytes], wish: Wish, use: CacheUse) -> None:
    """Above the bound another answer is wanted each time, unless this one is wished for."""
    on = (CacheScope(), CacheScope(), CacheScope(on=True))
    assert choose_use(on, wish, {name: Raw(value) for name, value in fields.items()}, 1.0) == use
