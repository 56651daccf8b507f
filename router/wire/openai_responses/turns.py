"""Conversations that are kept here: what an answer looks like that may be gone on from, and how that is done.

A caller goes on by the id of the last answer. Where its provider keeps the conversation, that id is the provider's own
and goes back to it. Where none does, every turn is kept as its own items, and what goes out is all of them: a whole
conversation that any target can be asked.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.dialect import Ask, Kept
from router.wire.ids import made_up_id
from router.wire.members import ENCODER, MEMBERS, NULL, TEXT, UNREADABLE, joined
from router.wire.sse import SseSplitter

_ITEMS = Decoder(tuple[Raw, ...])
_LARGEST = 1 << 62
"""No bound: these bytes were already let through."""


class KeptReply(Struct, frozen=True, kw_only=True):
    """What is read of an answer that is to be kept. `store` is the provider's word on whether it keeps it too."""

    id: str = ""
    store: bool | None = None
    status: str | None = None
    output: tuple[Raw, ...] = ()


class _Ending(Struct, frozen=True, kw_only=True):
    """The last event of a stream."""

    response: Raw = NULL


_REPLY = Decoder(KeptReply)
_ENDING = Decoder(_Ending)


def previous_of(ask: Ask) -> str | None:
    """The id of the answer a request goes on from; `peek` saw to it that it is text."""
    said = ask.fields.get("previous_response_id", NULL)
    return None if said == NULL else TEXT.decode(said)


def wants_keeping(ask: Ask) -> bool:
    """Whether the answer may be gone on from, which holds unless the caller says otherwise."""
    return ask.fields.get("store", NULL) != Raw(b"false")


def ended_with(block: bytes) -> Raw | None:
    """The whole answer, out of the bytes that ended its stream; None where they hold none."""
    splitter = SseSplitter(_LARGEST)
    for frame in reversed((*splitter.feed(block), *splitter.end())):
        try:
            response = _ENDING.decode(frame.data).response
        except UNREADABLE:
            continue
        if response != NULL:
            return response.copy()
    return None


def read_reply(answer: Raw | bytes) -> KeptReply | None:
    """What must be known of an answer to keep it; None for one that has no id, or cannot be read."""
    try:
        reply = _REPLY.decode(answer)
    except UNREADABLE:
        return None
    return reply if reply.id else None


def kept_members(kept: Kept) -> dict[str, object]:
    """The members of an answer of ours that say that it is kept."""
    return {"id": kept.id, "store": True, "previous_response_id": kept.previous}


def as_kept(body: bytes, kept: Kept) -> bytes:
    """An answer of ours under the id it is kept by."""
    said = {name: Raw(ENCODER.encode(value)) for name, value in kept_members(kept).items()}
    return joined({**MEMBERS.decode(body), **said})


def resumed(ask: Ask, turns: Iterable[tuple[Raw, Raw]]) -> Ask:
    """The request with the whole conversation in it, and no word of where it was kept.

    Args:
        turns: (what was said, what was answered) of each turn, oldest first.
    """
    items: list[Raw] = []
    for said, answer in turns:
        items += _said(said)
        items += [plain for item in _REPLY.decode(answer).output if (plain := _repeatable(item)) is not None]
    items += _said(ask.fields["input"])
    fields = {name: value for name, value in ask.fields.items() if name != "previous_response_id"}
    return msgspec.structs.replace(ask, fields={**fields, "input": _listed(items)})


def input_items(turns: Iterable[tuple[Raw, Raw]]) -> tuple[dict[str, Raw], ...]:
    """What the last of these turns was answered from, oldest first, each item with an id.

    Args:
        turns: as for `resumed`; the answer to the last one is not among the items.
    """
    known = tuple(turns)
    items: list[Raw] = []
    for place, (said, answer) in enumerate(known):
        items += _said(said)
        items += _REPLY.decode(answer).output if place < len(known) - 1 else ()
    return tuple(_named(item, place) for place, item in enumerate(items))


def _said(given: Raw) -> tuple[Raw, ...]:
    """A turn's input as items: plain text is what the user says."""
    if bytes(given).lstrip()[:1] == b'"':
        return (Raw(b'{"type":"message","role":"user","content":%b}' % bytes(given)),)
    return _ITEMS.decode(given)


def _repeatable(item: Raw) -> Raw | None:
    """An item of an answer as it is said again: ids point to what a provider stores, and here none does.

    Thinking that is neither sealed nor followed by its seal is nothing to anyone.
    """
    members = MEMBERS.decode(item)
    if members.get("type") == Raw(b'"reasoning"'):
        return item if members.get("encrypted_content", NULL) != NULL else None
    for name in ("id", "status"):
        members.pop(name, None)
    return Raw(joined(members))


def _named(item: Raw, place: int) -> dict[str, Raw]:
    members = MEMBERS.decode(item)
    if "type" not in members:
        members = {"type": Raw(b'"message"'), **members}
    if members.get("id", NULL) == NULL:
        members["id"] = Raw(ENCODER.encode(made_up_id("item_", f"{place}/{bytes(item).decode()}")))
    return members


def _listed(items: Iterable[Raw]) -> Raw:
    return Raw(b"[%b]" % b",".join(map(bytes, items)))
