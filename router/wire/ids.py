"""Ids for what a provider left without one, or gave one that others refuse. The same for the same, on every reading."""

from __future__ import annotations

import re
from hashlib import blake2s

_CLEAN = re.compile(r"[A-Za-z0-9_-]+")
_UNCLEAN = re.compile(r"[^A-Za-z0-9_-]")


def made_up_id(prefix: str, seed: str) -> str:
    """An id for what the provider left without one: the same for the same answer, others for others."""
    return prefix + blake2s(seed.encode(), digest_size=12).hexdigest()


MOST_USER = 64
"""Characters of an end user's name that OpenAI takes; OpenRouter takes 128, and Claude Code's has 150.

Source: https://github.com/maximhq/bifrost/pull/1000 and https://github.com/looplj/axonhub/issues/1669, read 2026-11.
"""


def short_user(user: str | None) -> str | None:
    """An end user's name as others take it: a long one as one made of it, which is the same for the same."""
    return user if user is None or len(user) <= MOST_USER else made_up_id("user_", user)


class CallIds:
    """The ids of one answer's calls, no two of them alike: a caller answers a call by its id."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def own(self, given: str | None, prefix: str, seed: str) -> str:
        """The id that a call was given, or one made of `seed` where it has none, or that of another call."""
        call_id = given or made_up_id(prefix, seed)
        if call_id in self._taken:
            call_id = made_up_id(prefix, f"{seed}/{len(self._taken)}")
        self._taken.add(call_id)
        return call_id


def clean_id(given: str) -> str:
    """An id as every provider takes it: letters, digits, `_` and `-`. Two different ones stay different."""
    if _CLEAN.fullmatch(given):
        return given
    return f"{_UNCLEAN.sub('_', given)}_{blake2s(given.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
