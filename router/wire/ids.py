"""Ids for what a provider left without one, or gave one that others refuse. The same for the same, on every reading."""

from __future__ import annotations

import re
from hashlib import blake2s

_CLEAN = re.compile(r"[A-Za-z0-9_-]+")
_UNCLEAN = re.compile(r"[^A-Za-z0-9_-]")


def made_up_id(prefix: str, seed: str) -> str:
    """An id for what the provider left without one: the same for the same answer, others for others."""
    return prefix + blake2s(seed.encode(), digest_size=12).hexdigest()


def clean_id(given: str) -> str:
    """An id as every provider takes it: letters, digits, `_` and `-`. Two different ones stay different."""
    if _CLEAN.fullmatch(given):
        return given
    return f"{_UNCLEAN.sub('_', given)}_{blake2s(given.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
