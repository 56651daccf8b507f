"""Which requests belong together, and where they go: rendezvous hashing, so that a provider's prompt cache stays warm.

Every target has a place of its own for every name; the first place answers. A target that rests leaves its names to
their second places and moves nobody else; when it is back it has them again. No table is kept, so every process and
every restart agrees.

Source: D. Thaler and C. Ravishankar, "A name-based mapping scheme for rendezvous", 1996; with weights, C. Schindelhauer
and G. Schomaker, "Weighted distributed hash tables", 2005.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from math import inf, log

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder


class Affinity(StrEnum):
    """What may tie requests together.

    Nothing; only what the caller asks for (`router.affinity_key`); the names that bodies carry too (a cache key, a
    session, an end user); or, where there is none of these, how the conversation begins.
    """

    OFF = "off"
    ASKED = "asked"
    NAMED = "named"
    AUTO = "auto"


class _Metadata(Struct, frozen=True):
    user_id: str | None = None


class _Part(Struct, frozen=True):
    text: str | None = None


_Text = str | tuple[_Part, ...] | None


class _Message(Struct, frozen=True):
    role: str = ""
    content: _Text = None


_NAME: Decoder[str | None] = Decoder(str | None)
_METADATA: Decoder[_Metadata | None] = Decoder(_Metadata | None)
_LIST = Decoder(tuple[Raw, ...])
_MESSAGE = Decoder(_Message)
_TEXT: Decoder[_Text] = Decoder(_Text)

_NAMES = ("prompt_cache_key", "metadata", "user", "safety_identifier")
"""Members that name a conversation or its end user, the closest first."""

_INSTRUCTIONS = ("system", "instructions")
_TURNS = ("messages", "input")
"""Where the dialects keep the text before the conversation, and the conversation."""

_UNIT = 2.0**64


def affinity_of(asked: str | None, fields: Mapping[str, Raw], affinity: Affinity) -> bytes | None:
    """The name that ties a request to others; None: it goes where its strategy sends it.

    Args:
        asked: the key the caller gave for this purpose.
        fields: the body's top-level members.
    """
    if affinity is Affinity.OFF:
        return None
    if asked is not None:
        return _digest(b"asked", asked.encode("utf-8", "surrogatepass"))
    if affinity is Affinity.ASKED:
        return None
    named = next((name for member in _NAMES if (name := _named(member, fields))), None)
    if named is not None:
        return _digest(b"named", named.encode("utf-8", "surrogatepass"))
    return _beginning(fields) if affinity is Affinity.AUTO else None


def place_of(affinity: bytes, target: str, weight: float) -> float:
    """A target's place for a name; the lowest answers. Of many names, it is first as often as its weight says.

    A weight that grows only draws names to this target, and one that sinks only sends its own away.
    """
    if weight <= 0:
        return inf
    digest = blake2b(target.encode(), key=affinity, digest_size=8).digest()
    return -log((int.from_bytes(digest) + 0.5) / _UNIT) / weight


def _named(member: str, fields: Mapping[str, Raw]) -> str | None:
    raw = fields.get(member)
    if raw is None:
        return None
    try:
        if member != "metadata":
            return _NAME.decode(raw)
        metadata = _METADATA.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None  # whoever translates the request says what is wrong with it
    return metadata.user_id if metadata is not None else None


def _beginning(fields: Mapping[str, Raw]) -> bytes | None:
    """The instructions and all up to the first thing the user said: what every turn of a conversation begins with.

    Texts, not bytes: clients move their cache markers from turn to turn.
    """
    said = [_texts(fields[member]) for member in _INSTRUCTIONS if member in fields]
    turns = next((fields[member] for member in _TURNS if member in fields), None)
    if turns is None:
        return None
    return _digest(b"begins", *said, *_first_turns(turns))


def _first_turns(turns: Raw) -> list[bytes]:
    try:
        messages = _LIST.decode(turns)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return [bytes(turns)]  # one text alone, as the Responses API allows
    said: list[bytes] = []
    for raw in messages:
        try:
            message = _MESSAGE.decode(raw)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return [*said, bytes(raw)]
        said.append(_joined(message.content))
        if message.role == "user":
            break
    return said


def _texts(raw: Raw) -> bytes:
    try:
        return _joined(_TEXT.decode(raw))
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return bytes(raw)


def _joined(text: _Text) -> bytes:
    if text is None:
        return b""
    whole = text if isinstance(text, str) else "\0".join(part.text or "" for part in text)
    return whole.encode("utf-8", "surrogatepass")


def _digest(kind: bytes, *pieces: bytes) -> bytes:
    """One short name of all the pieces: the same in every process, unlike `hash()`."""
    digest = blake2b(kind, digest_size=16)
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big"))  # without lengths "ab"+"c" would be "a"+"bc"
        digest.update(piece)
    return digest.digest()
