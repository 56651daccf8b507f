"""Seals of our own, in the places where Anthropic's clients keep seals for their maker.

Clients of this protocol send `signature` and `data` of thinking back unread. What other families sealed (an encrypted
item of OpenAI's, a thought of Gemini's) travels there inside a token of ours, and is itself again when it comes back.
A token is never shown to a server of this protocol: to it, it would be a forged signature. The signature of a tool call
travels in the call's id (`signatures.py`).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.request import Reasoning
from router.wire.members import MEMBERS, UNREADABLE, joined
from router.wire.signatures import MARK, unpack_id

PREFIX = "pointsman.seal.1."
"""How every token begins. Nothing Anthropic signs can: its signatures are base64, which has no full stop."""


class Seal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token holds. `family` is who sealed it; None for thinking that nobody sealed."""

    family: str | None = None
    signature: str | None = None
    redacted: str | None = None
    id: str | None = None


class _Holder(Struct, frozen=True):
    """A block, as far as it can hold anything of ours."""

    type: str = ""
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    tool_use_id: str | None = None


_SEAL = Decoder(Seal)
_HOLDER = Decoder(_Holder)
_LIST = Decoder(tuple[Raw, ...])
_MARK = PREFIX.encode()
_ID_MARK = MARK.encode()
_ID_NAMES = {"tool_use": "id", "tool_result": "tool_use_id"}


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


def cleared(messages: Raw) -> Raw:
    """The messages as a server of this dialect may see them: no block that holds a token, no id that holds a signature.

    A turn that held nothing else is left out; the rest is byte for byte as it came. What cannot be read stays, for the
    server to refuse in its own words.
    """
    if not _is_ours(messages):
        return messages
    try:
        turns = [_cleared_turn(turn) for turn in _LIST.decode(messages)]
    except UNREADABLE:
        return messages
    return Raw(b"[%b]" % b",".join(turn for turn in turns if turn))


def _is_ours(raw: Raw) -> bool:
    """Whether anything of ours can be in this at all: looked up, not read."""
    held = bytes(raw)
    return _MARK in held or _ID_MARK in held


def _cleared_turn(turn: Raw) -> bytes:
    if not _is_ours(turn):
        return bytes(turn)
    members = MEMBERS.decode(turn)
    content = members.get("content", Raw(b'""'))
    if not bytes(content).startswith(b"["):
        return bytes(turn)
    kept = [block for block in map(_cleared_block, _LIST.decode(content)) if block]
    return joined({**members, "content": Raw(b"[%b]" % b",".join(kept))}) if kept else b""


def _cleared_block(block: Raw) -> bytes:
    if not _is_ours(block):
        return bytes(block)
    held = _HOLDER.decode(block)
    token = {"thinking": held.signature, "redacted_thinking": held.data}.get(held.type)
    if token is not None:
        return b"" if token.startswith(PREFIX) else bytes(block)
    name = _ID_NAMES.get(held.type)
    seen = held.id if name == "id" else held.tool_use_id
    if name is None or seen is None:
        return bytes(block)
    return joined({**MEMBERS.decode(block), name: Raw(msgspec.json.encode(unpack_id(seen).id))})
