"""What other families made, in the two places where clients of this dialect keep what they do not read.

Thinking comes back in `encrypted_content`. What our own providers sealed passes as it is. What another family thought
is sealed by us, together with the family's name: clients drop thinking that has no seal. The signature of a call comes
back in its id. Neither is ever shown to a provider of this dialect, which would take it for a forgery.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.request import Reasoning
from router.wire.members import ENCODER, MEMBERS, NULL, UNREADABLE, joined
from router.wire.signatures import MARK, unpack_id

FAMILY = "openai-responses"
"""Whose thinking and citations come from a server of this dialect."""

BREAK = "\n\n"
"""What separates the parts of one thought where they become one text."""

_OURS = "pointsman.thought.1."


class _Seal(Struct, frozen=True, omit_defaults=True):
    """What a seal of ours holds beside the text."""

    family: str | None = None
    signature: str | None = None
    redacted: str | None = None
    id: str | None = None


_SEAL = Decoder(_Seal)
_TEXT = Decoder(str)
_LIST = Decoder(tuple[Raw, ...])


def seal(thought: Reasoning) -> str | None:
    """What goes into `encrypted_content`; None where nothing must come back unchanged."""
    if thought.family in (None, FAMILY) and thought.redacted is None:
        return thought.signature
    held = _Seal(thought.family, thought.signature, thought.redacted, thought.id)
    return _OURS + urlsafe_b64encode(ENCODER.encode(held)).decode()


def unseal(text: str, sealed: str | None, id: str | None) -> Reasoning:
    """Thinking as it was before `seal`; what we did not seal is a signature of this dialect's family."""
    held = _read(sealed or "")
    if held is None:
        return Reasoning(text=text, signature=sealed or None, family=FAMILY, id=id)
    return Reasoning(text=text, signature=held.signature, redacted=held.redacted, family=held.family, id=held.id)


def without_foreign(items: Raw) -> Raw:
    """A caller's items without what only other families can read; every other item byte for byte.

    What cannot be read stays as it is, for the provider to refuse in its own words.
    """
    whole = bytes(items)
    if _OURS.encode() not in whole and MARK.encode() not in whole:
        return items
    try:
        kept = [_plain(item) for item in _LIST.decode(items)]
    except UNREADABLE:
        return items
    return Raw(b"[%b]" % b",".join(item for item in kept if item is not None))


def _plain(item: Raw) -> bytes | None:
    """One item, with its call's own id; None for thinking that we sealed."""
    members = MEMBERS.decode(item)
    if _text(members.get("encrypted_content", NULL)).startswith(_OURS):
        return None
    call_id = _text(members.get("call_id", NULL))
    if not call_id.startswith(MARK):
        return bytes(item)
    return joined({**members, "call_id": Raw(ENCODER.encode(unpack_id(call_id).id))})


def _text(raw: Raw) -> str:
    return _TEXT.decode(raw) if bytes(raw).startswith(b'"') else ""


def _read(sealed: str) -> _Seal | None:
    if not sealed.startswith(_OURS):
        return None
    try:
        return _SEAL.decode(urlsafe_b64decode(sealed.removeprefix(_OURS)))
    except (ValueError, *UNREADABLE):
        return None
