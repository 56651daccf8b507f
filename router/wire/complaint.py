"""Errors of providers that give a sentence and little more: no type, no code, only a status and words.

What a provider's words and statuses mean is its own table; how they are read and judged is the same for all of them.
A message inside a 200 has no status, so words count for more there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from router.errors import Reason, WireFault
from router.wire.headers import retry_after_s, shown_headers
from router.wire.members import UNREADABLE
from router.wire.words import reason_in, shown_words

_DEEPEST = 4
"""How many envelopes are opened to find the words: gateways wrap the errors of whom they ask."""


class Complaints(Struct, frozen=True, kw_only=True):
    """How one provider's errors are judged.

    Args:
        words: what it says and what that means, before what everybody says; the first match counts.
        statuses: what a status means where the words tell nothing; 5xx left out is the server's error, 4xx the
            caller's.
        plain: statuses that mean the same whatever stands beside them.
    """

    words: tuple[tuple[Reason, re.Pattern[str]], ...]
    statuses: Mapping[int, Reason]
    plain: frozenset[int]

    def fault(self, status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
        """The fault an error answer means.

        Args:
            status: 400 and above; anything else that got here cannot be read as an answer.
            headers: lower-case names.
            body: the whole error body; HTML in it is never quoted.
            now: epoch seconds, for a Retry-After that is a date.
        """
        message = _words(body, status)
        reason = self._judge(message, status)
        return WireFault(
            reason,
            shown_words(reason, message),
            status=status,
            retry_after_s=retry_after_s(headers, now),
            headers=shown_headers(headers),
        )

    def inside(self, said: object) -> WireFault:
        """The fault of an error that came inside a 200, whole or in a stream: an object, JSON, or words."""
        message = _found(_read(said) if isinstance(said, msgspec.Raw) else said, 0)
        message = message or "the provider sent an error without words"
        reason = self._judge(message, None)
        return WireFault(reason, shown_words(reason, message))

    def _judge(self, message: str, status: int | None) -> Reason:
        if status not in self.plain:
            own = next((reason for reason, pattern in self.words if pattern.search(message)), None)
            said = own or reason_in(message)
            if said is not None:
                return said
        if status is None or status >= 500:
            return self.statuses.get(status or 500, Reason.SERVER_ERROR)
        return self.statuses.get(status, Reason.REJECTED if status >= 400 else Reason.MALFORMED)


def _words(body: bytes, status: int) -> str:
    """The sentence in an error body of any shape."""
    text = body.strip()
    if not text or text[:1] == b"<" or b"<html" in text[:1000].lower():
        return f"the provider answered with status {status} and {'a web page' if text else 'no body'}"
    try:
        said = msgspec.json.decode(text)
    except UNREADABLE:
        return text.decode("utf-8", "replace")
    return _found(said, 0) or f"the provider answered with status {status} and no reason"


def _read(raw: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _found(said: object, depth: int) -> str:
    """The first words under any of the names that providers and gateways in front of them use."""
    if isinstance(said, str):
        return said
    if not isinstance(said, dict) or depth == _DEEPEST:
        return ""
    return next((words for name in ("message", "error", "detail") if (words := _found(said.get(name), depth + 1))), "")
