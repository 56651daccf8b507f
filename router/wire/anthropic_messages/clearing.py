"""What is ours in a conversation, taken out before a server of this protocol sees it: to it, it would be forged."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.anthropic_messages.seal import PREFIX
from router.wire.anthropic_messages.sources import own_sources
from router.wire.members import MEMBERS, UNREADABLE, joined
from router.wire.signatures import MARK, unpack_id


class _Holder(Struct, frozen=True):
    """A block, as far as it can hold anything of ours."""

    type: str = ""
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    tool_use_id: str | None = None


_HOLDER = Decoder(_Holder)
_LIST = Decoder(tuple[Raw, ...])
_MARK = PREFIX.encode()
_ID_MARK = MARK.encode()
_ID_NAMES = {"tool_use": "id", "tool_result": "tool_use_id"}


def cleared(messages: Raw) -> Raw:
    """The messages as a server of this dialect may see them: no block that holds a token, no id that
    holds a signature, no source that another family named.

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
    if held.type == "text":
        return own_sources(block)
    name = _ID_NAMES.get(held.type)
    seen = held.id if name == "id" else held.tool_use_id
    if name is None or seen is None:
        return bytes(block)
    return joined({**MEMBERS.decode(block), name: Raw(msgspec.json.encode(unpack_id(seen).id))})
