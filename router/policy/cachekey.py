"""Which requests are the same request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from msgspec import Raw

_NOT_ASKED = frozenset({"model", "stream", "stream_options", "router"})
"""Members that do not change what is asked: the name is in the key by itself, the others say how to deliver it."""


def cache_key(scope: str, dialect: str, model: str, fields: Mapping[str, Raw]) -> str:
    """A name for exactly this request: every byte of every member counts, only their order does not.

    Args:
        scope: whose answers these are. Two scopes never share one.
        dialect: the caller's: an answer is kept as it was said.
        model: the name the caller used.
        fields: the body's top-level members.
    """
    digest = sha256()
    members = sorted((name, bytes(value)) for name, value in fields.items() if name not in _NOT_ASKED)
    for part in (scope, dialect, model, *(piece for member in members for piece in member)):
        block = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(block).to_bytes(8, "big"))  # without lengths "ab"+"c" would be "a"+"bc"
        digest.update(block)
    return digest.hexdigest()
