"""Which requests are the same request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from msgspec import Raw
from msgspec.json import format

_NOT_ASKED = frozenset({"model", "stream", "stream_options", "router"})
"""Members that do not change what is asked: the name is in the key by itself, the others say how to deliver it."""

_NOT_STREAMED = frozenset({"model", "router"})
"""The same of a streamed request: how it is delivered is part of what is kept."""


def cache_key(
    scope: str, dialect: str, model: str, fields: Mapping[str, Raw], *, streamed: bool = False, beside: bytes = b""
) -> str:
    """A name for exactly this request: every byte of every member counts, only their order does not.

    Args:
        scope: whose answers these are. Two scopes never share one.
        dialect: the caller's: an answer is kept as it was said.
        model: the name the caller used.
        fields: the body's top-level members.
        streamed: a stream is kept as one, and no whole answer is told out of it.
        beside: what asks beside the body: which targets may answer, whether they must be told all of it, and the
            headers that they see.
    """
    left_out = _NOT_STREAMED if streamed else _NOT_ASKED
    members = _members({name: value for name, value in fields.items() if name not in left_out})
    return _digest((scope, dialect, model, "stream" if streamed else "whole", beside, *members))


def request_digest(dialect: str, fields: Mapping[str, Raw], wishes: bytes) -> str:
    """What tells two requests apart that must be one: all that was said, but for the order of members and blanks.

    Args:
        wishes: for its routing.
    """
    plain = {name: Raw(format(bytes(value), indent=-1)) for name, value in fields.items()}
    return _digest((dialect, wishes, *_members(plain)))


def user_mark(user: str) -> str:
    """What stands for an end user's name where only the same name must be found again; "" of nobody."""
    return _digest(("user", user)) if user else ""


def _members(fields: Mapping[str, Raw]) -> tuple[str | bytes, ...]:
    return tuple(piece for name in sorted(fields) for piece in (name, bytes(fields[name])))


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = sha256()
    for part in parts:
        block = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(block).to_bytes(8, "big"))  # without lengths "ab"+"c" would be "a"+"bc"
        digest.update(block)
    return digest.hexdigest()
