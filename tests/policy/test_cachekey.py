"""Same request, same key; anything else, another."""

from __future__ import annotations

import pytest
from msgspec import Raw

from router.policy.cachekey import cache_key, request_digest

FIELDS = {"model": Raw(b'"m"'), "messages": Raw(b'[{"role":"user","content":"hi"}]'), "temperature": Raw(b"0")}
KEY = cache_key("tenant", "openai-chat", "m", FIELDS)


def test_how_an_answer_is_delivered_is_not_part_of_the_key() -> None:
    """Order of members, streaming and routing wishes ask for the same answer."""
    same = {
        "temperature": Raw(b"0"),
        "router": Raw(b'{"fallback":false}'),
        "stream": Raw(b"false"),
        "messages": FIELDS["messages"],
        "model": Raw(b'"m"'),
    }
    assert cache_key("tenant", "openai-chat", "m", same) == KEY


@pytest.mark.parametrize(
    ("scope", "dialect", "model", "fields"),
    [
        ("other", "openai-chat", "m", FIELDS),
        ("tenant", "anthropic-messages", "m", FIELDS),
        ("tenant", "openai-chat", "n", FIELDS),
        ("tenant", "openai-chat", "m", {**FIELDS, "temperature": Raw(b"0.0")}),
        ("tenant", "openai-chat", "m", {**FIELDS, "seed": Raw(b"1")}),
        ("tenant", "openai-chat", "m", {"model": FIELDS["model"], "messages": FIELDS["messages"]}),
        ("tenan", "topenai-chat", "m", FIELDS),
    ],
    ids=["tenant", "dialect", "model", "one byte", "one more member", "one less", "shifted boundary"],
)
def test_any_difference_is_another_key(scope: str, dialect: str, model: str, fields: dict[str, Raw]) -> None:
    """Scenario 99: exact means exact, and never across tenants."""
    assert cache_key(scope, dialect, model, fields) != KEY


def test_who_may_answer_is_part_of_the_key() -> None:
    """An answer for a caller who took losses is none for one who does not."""
    assert cache_key("tenant", "openai-chat", "m", FIELDS, beside=b'["warn",[],null,[]]') != KEY


def test_members_do_not_run_into_each_other() -> None:
    """The end of a name and the start of a value are told apart."""
    assert cache_key("", "", "", {"a": Raw(b"1"), "b": Raw(b"2")}) != cache_key("", "", "", {"a": Raw(b"1b2")})


def test_a_request_that_was_written_anew_is_the_same_and_another_is_not() -> None:
    """A retry may be serialised again on its way; what it asks for, a stream or a number, may not change."""
    body = {"a": Raw(b'[{"x": 1, "y": "p q"}]'), "stream": Raw(b"true")}
    same = {"stream": Raw(b"true"), "a": Raw(b'[{"x":1,"y":"p q"}]')}
    others = ({**body, "stream": Raw(b"false")}, {**body, "a": Raw(b'[{"x":1,"y":"pq"}]')}, {"a": body["a"]})
    digest = request_digest("chat", body, b"{}")
    assert request_digest("chat", same, b"{}") == digest
    assert digest not in [request_digest("chat", other, b"{}") for other in others]
    assert digest not in (request_digest("other", body, b"{}"), request_digest("chat", body, b"{1}"))
