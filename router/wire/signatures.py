"""Thought signatures inside tool call ids, for callers whose protocol, or whose code, has no other place for them.

A model that signs its calls wants each signature back with its call, and most clients send back only what they know:
the id. A packed id holds family, id and signature in letters, digits, `_` and `-`, and a check, so that an id that was
cut or made by somebody else is never taken for a packed one. Only callers see packed ids: whoever hears a caller
unpacks them, in calls and in results alike.
"""

from __future__ import annotations

import re
from hashlib import blake2s

from msgspec import Struct

LONGEST_ID = 8192
"""Characters a packed id may have. The longest signature recorded on a call has 2,824; an id without bound could be
made to fill a caller's database."""

MARK = "psig-"
"""What every packed id begins with. A body that does not hold it holds no packed id, which is cheap to see."""

_CHECK_LENGTH = 8
_PLAIN, _CODED = "b", "t"
_PACKED = re.compile(r"psig-(?P<family>[a-z0-9_]+)-(?P<length>[1-9][0-9]{0,3}|0)-(?P<rest>.*)", re.S)
_FAMILY = re.compile(r"[a-z0-9_]+")
_TO_URL = str.maketrans("+/", "-_")
_FROM_URL = str.maketrans("-_", "+/")


class SignedId(Struct, frozen=True, kw_only=True):
    """A tool call's own id, and the signature that `family` wants back with it; both None where there is none."""

    id: str
    signature: str | None = None
    family: str | None = None


def pack_id(call_id: str, signature: str | None, family: str | None) -> str:
    """An id that carries the signature; `call_id` itself where there is none, or where the two would be too long."""
    if not signature or family is None or not _FAMILY.fullmatch(family):
        return call_id
    packed = f"{MARK}{family}-{len(call_id)}-{call_id}-{_written(signature)}-"
    packed += _check(packed)
    return packed if len(packed) <= LONGEST_ID else call_id


def unpack_id(seen: str) -> SignedId:
    """What `pack_id` was given; any other id comes back as it is, and so does one that was altered on its way."""
    match = _PACKED.fullmatch(seen) if seen.startswith(MARK) and len(seen) <= LONGEST_ID else None
    if match is None or _check(seen[:-_CHECK_LENGTH]) != seen[-_CHECK_LENGTH:]:
        return SignedId(id=seen)
    length = int(match["length"])
    call_id, written = match["rest"][:length], match["rest"][length + 1 : -_CHECK_LENGTH - 1]
    signature = _read(written)
    return SignedId(id=seen) if signature is None else SignedId(id=call_id, signature=signature, family=match["family"])


def _written(signature: str) -> str:
    """Base64, as signatures come, needs only its two odd letters changed; other text is written in hexadecimal."""
    plain = signature.rstrip("=").translate(_TO_URL)
    if re.fullmatch(r"[\w-]+", plain, re.A) and _padded(plain) == signature:
        return _PLAIN + plain
    return _CODED + signature.encode("utf-8", "surrogatepass").hex()


def _read(written: str) -> str | None:
    if written[:1] == _PLAIN:
        return _padded(written[1:])
    try:
        return bytes.fromhex(written[1:]).decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def _padded(plain: str) -> str:
    text = plain.translate(_FROM_URL)
    return text + "=" * (-len(text) % 4)


def _check(text: str) -> str:
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=_CHECK_LENGTH // 2).hexdigest()
