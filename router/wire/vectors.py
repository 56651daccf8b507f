"""Vectors in the two forms they are sent in: a list of numbers, or base64 of float32 with the little end first.

Source: https://platform.openai.com/docs/api-reference/embeddings, read 2026-10.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64decode, b64encode

from msgspec import Raw
from msgspec.json import Decoder

from router.errors import Reason, WireFault
from router.wire.members import ENCODER, TEXT, UNREADABLE

_NUMBERS = Decoder(tuple[float, ...])
_BYTES_EACH = 4
_QUOTE = ord('"')
_SWAPS = sys.byteorder == "big"


def is_packed(vector: Raw) -> bool:
    """Whether a vector is base64; told by its first letter, since most are only passed on."""
    return memoryview(vector)[0] == _QUOTE


def in_form(vectors: tuple[Raw, ...], *, packed: bool) -> tuple[Raw, ...]:
    """The vectors in one form; the very same tuple where they have it already.

    Raises:
        WireFault: one of them is no vector at all.
    """
    if all(is_packed(vector) is packed for vector in vectors):
        return vectors
    turn = _pack if packed else _unpack
    return tuple(vector if is_packed(vector) is packed else turn(vector) for vector in vectors)


def _pack(vector: Raw) -> Raw:
    try:
        numbers = array("f", _NUMBERS.decode(vector))
    except (*UNREADABLE, OverflowError) as error:
        raise _no_vector() from error
    if _SWAPS:
        numbers.byteswap()
    return Raw(ENCODER.encode(b64encode(numbers.tobytes()).decode()))


def _unpack(vector: Raw) -> Raw:
    try:
        packed = b64decode(TEXT.decode(vector), validate=True)
    except (*UNREADABLE, ValueError) as error:
        raise _no_vector() from error
    if len(packed) % _BYTES_EACH:
        raise _no_vector()
    numbers = array("f", packed)
    if _SWAPS:
        numbers.byteswap()
    # float32 holds seven digits: as many are written as bring back the same number, where Python would write seventeen.
    return Raw(ENCODER.encode([float(f"{number:.9g}") for number in numbers]))


def _no_vector() -> WireFault:
    return WireFault(Reason.MALFORMED, "the provider answered with something that is no vector")
