"""Seals of our own, in the places where Anthropic's clients keep seals for their maker.

Clients of this protocol send `signature` and `data` of thinking back unread. What other families sealed (an encrypted
item of OpenAI's, a thought of Gemini's) travels there inside a token of ours, and is itself again when it comes back.
A token is never shown to a server of this protocol: to it, it would be a forged signature. The signature of a tool call
travels in the call's id (`signatures.py`).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from router.canon.request import Reasoning
from router.wire.members import UNREADABLE

PREFIX = "pointsman.seal.1."
"""How every token begins. Nothing Anthropic signs can: its signatures are base64, which has no full stop."""


class Seal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token holds. `family` is who sealed it; None for thinking that nobody sealed."""

    family: str | None = None
    signature: str | None = None
    redacted: str | None = None
    id: str | None = None


_SEAL = Decoder(Seal)


def seal_of(thought: Reasoning) -> str:
    """The token for thinking of another family, sealed or not."""
    held = Seal(family=thought.family, signature=thought.signature, redacted=thought.redacted, id=thought.id)
    return PREFIX + urlsafe_b64encode(msgspec.json.encode(held)).decode()


def unseal(token: str) -> Seal | None:
    """What a token holds; None for anything that is not ours, or was altered."""
    if not token.startswith(PREFIX):
        return None
    try:
        return _SEAL.decode(urlsafe_b64decode(token.removeprefix(PREFIX)))
    except (ValueError, *UNREADABLE):
        return None
