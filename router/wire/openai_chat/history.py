"""A caller's messages for a server of this dialect, which must not see what we put into the ids of tool calls.

What another family signed comes back in an id of ours. To a server of this dialect it is nothing but a long id, and
some refuse ids of more than forty characters.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw
from msgspec.json import Decoder

from router.wire.members import ENCODER, MEMBERS, NULL, TEXT, UNREADABLE, joined
from router.wire.signatures import MARK, unpack_id

_LIST = Decoder(tuple[Raw, ...])
_MARK = MARK.encode()


def without_signatures(messages: Raw) -> Raw:
    """The messages with every call's own id; all else is byte for byte as it came.

    What cannot be read stays as it is, for the server to refuse in its own words.
    """
    if _MARK not in bytes(messages):
        return messages
    try:
        return _each(messages, _turn)
    except UNREADABLE:
        return messages


def _each(items: Raw, change: Callable[[Raw], bytes]) -> Raw:
    return Raw(b"[%b]" % b",".join(map(change, _LIST.decode(items))))


def _turn(turn: Raw) -> bytes:
    if _MARK not in bytes(turn):
        return bytes(turn)
    members = MEMBERS.decode(turn)
    calls = members.get("tool_calls", NULL)
    if bytes(calls).startswith(b"["):
        members["tool_calls"] = _each(calls, _call)
    _unpack(members, "tool_call_id")
    return joined(members)


def _call(call: Raw) -> bytes:
    """A call; what we said of its signature beside the id goes too, since it is no part of the protocol."""
    members = MEMBERS.decode(call)
    if not _unpack(members, "id"):
        return bytes(call)
    members.pop("extra_content", None)
    return joined(members)


def _unpack(members: dict[str, Raw], name: str) -> bool:
    """Put the call's own id into its place; whether there was another."""
    seen = bytes(members.get(name, NULL))
    held = unpack_id(TEXT.decode(seen)) if seen.startswith(b'"') else None
    if held is None or held.signature is None:
        return False
    members[name] = Raw(ENCODER.encode(held.id))
    return True
