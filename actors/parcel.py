"""A kept answer as bytes, for a place that outlives the process, and back. Pure.

As JSON, because what providers said is in it as their own JSON, untouched.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast, get_args

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from actors.messages import Answered, Committed, Flow, Hit, Piece, Stored, Whole
from router.canon.count import TokenCount
from router.canon.embedding import Embeddings
from router.canon.event import Event
from router.canon.image import Images
from router.canon.moderation import Moderations
from router.canon.ranking import Ranking
from router.canon.reply import Answer, Reply
from router.canon.target import Target
from router.canon.usage import Usage

_Said = tuple[str, Raw]
"""The name of what was said, and itself: events and answers carry no tag of their own."""


class _Part(Struct, frozen=True, array_like=True):
    """One piece between the first and the last: events, or one whole answer; and its bytes when passed on."""

    said: tuple[_Said, ...]
    raw: bytes
    whole: bool


class _Parcel(Struct, frozen=True, kw_only=True):
    """All of one answer that is told again. Relays, headers and standings were the first caller's."""

    target: Target
    model: str
    lost: tuple[str, ...]
    passed: bool
    parts: tuple[_Part, ...]
    usage: Usage | None
    cost_usd: Decimal | None
    raw: bytes


_ANSWERS: tuple[type, ...] = (Reply, Embeddings, Ranking, Moderations, Images, TokenCount)
_DECODERS: dict[str, Decoder[Any]] = {kind.__name__: Decoder(kind) for kind in (*get_args(Event), *_ANSWERS)}
_ENCODER = Encoder()
_DECODER = Decoder(_Parcel)


class Unreadable(Exception):
    """These bytes are no answer that we know; or this answer has no bytes."""


def pack(stored: Stored) -> bytes:
    """Bytes of a complete answer. Raises `Unreadable` for text that no file can hold."""
    begun, *told, ended = stored.pieces
    assert isinstance(begun, Committed) and isinstance(ended, Answered), "only complete answers are kept"
    try:
        return _ENCODER.encode(
            _Parcel(
                target=begun.target,
                model=begun.model,
                lost=begun.lost,
                passed=stored.passed,
                parts=tuple(map(_packed, told)),
                usage=ended.usage,
                cost_usd=ended.cost_usd,
                raw=ended.raw,
            )
        )
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise Unreadable(str(error)) from error


def unpack(body: bytes, age_s: float) -> Hit:
    """The answer of these bytes. Raises `Unreadable`."""
    try:
        parcel = _DECODER.decode(body)
        told = tuple(map(_unpacked, parcel.parts))
    except (DecodeError, ValidationError, KeyError) as error:
        raise Unreadable(f"{type(error).__name__}: it is no answer of this version") from error
    begun = Committed(target=parcel.target, model=parcel.model, attempts=0, lost=parcel.lost)
    ended = Answered(usage=parcel.usage, cost_usd=parcel.cost_usd, raw=parcel.raw)
    return Hit(pieces=(begun, *told, ended), age_s=age_s, passed=parcel.passed)


def _packed(piece: Piece) -> _Part:
    match piece:
        case Flow():
            return _Part(tuple(map(_said, piece.events)), piece.raw, whole=False)
        case Whole():
            return _Part((_said(piece.reply),), piece.raw, whole=True)
    raise AssertionError(f"a kept answer has no {type(piece).__name__}")


def _unpacked(part: _Part) -> Piece:
    said = tuple(_DECODERS[name].decode(raw) for name, raw in part.said)
    if part.whole:
        return Whole(reply=cast(Answer, said[0]), raw=part.raw)
    return Flow(events=said, raw=part.raw)


def _said(what: object) -> _Said:
    return type(what).__name__, Raw(_ENCODER.encode(what))
