"""Which client keys are known, and what a key that somebody shows is worth.

Keys are known by their SHA-256. A slow hash protects words that people choose, which can be guessed; a key made here
is 256 random bits, and trying them all is no matter of speed. Looking a digest up in a table tells nobody where two of
them differ: who does not have the key cannot choose its digest, so the time it takes says nothing about the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from router.canon.caller import NOBODY, Caller
from router.errors import Reason, Refused, Unavailable

_RETRY_S = 5.0


class Held(Struct, frozen=True, kw_only=True):
    """One key that is known. `until_at` is when it ends, epoch seconds; None: never."""

    caller: Caller
    until_at: float | None = None


class Ring(Struct, frozen=True, kw_only=True):
    """All keys of one configuration.

    Args:
        held: by the digest of the key.
        required: whether nobody is heard without one.
        stale_s: how long known keys are good while the source they are in cannot be read; None: however long.
    """

    held: Mapping[str, Held] = {}
    required: bool = False
    stale_s: float | None = None


EMPTY = Ring()


def digest_of(key: str) -> str:
    """What a key is known by."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def identify(ring: Ring, key: str, now_at: float, unread_s: float | None) -> Caller:
    """Who shows this key.

    Args:
        key: "" where none was shown.
        unread_s: for how long the source of the ring could not be read; None: what is in force is what is there.

    Raises:
        Refused: 401, the key is none, or no longer.
        Unavailable: 503, nobody can say: it may be in what cannot be read.
    """
    held = ring.held.get(digest_of(key)) if key and ring.held else None
    if held is not None and (held.until_at is None or now_at < held.until_at):
        if unread_s is not None and ring.stale_s is not None and unread_s > ring.stale_s:
            raise _unknown()
        return held.caller
    if not ring.required:
        return NOBODY
    if held is None and key and unread_s is not None:
        raise _unknown()
    if not key:
        raise _invalid("no key was given; send one as `Authorization: Bearer` or `x-api-key`")
    raise _invalid("the key is not known here" if held is None else "the key has expired")


def _invalid(words: str) -> Refused:
    return Refused(words, reason=Reason.CREDENTIAL)


def _unknown() -> Unavailable:
    return Unavailable("keys cannot be checked now", reason=Reason.PART_DOWN, retry_after_s=_RETRY_S)
