"""How a provider bends the dialect it speaks: data, and the one function that bends a body accordingly.

Whatever may change an answer is named as lost. What a provider is said in other words with the same meaning is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.members import ENCODER, MEMBERS, TEXT, UNREADABLE, joined

T = TypeVar("T")

Pairs = tuple[tuple[str, str], ...]
Triples = tuple[tuple[str, str, str], ...]


class _Part(Struct):
    """A part of a message, as far as it is a text."""

    type: str
    text: str = ""


_MESSAGES = Decoder(list[dict[str, Raw]])
_CALLS = Decoder(list[dict[str, Raw]] | None)
_PARTS = Decoder(list[_Part])
_NUMBER = Decoder(float)
_ENTRIES = Decoder(list[Raw])

_NOTHING = frozenset({b"null", b'""', b"[]", b"{}"})
_ZERO = frozenset({b"0", b"0.0"})
_DEFAULTS: Mapping[str, frozenset[bytes]] = {
    "logprobs": frozenset({b"false"}),
    "top_logprobs": _ZERO,
    "frequency_penalty": _ZERO,
    "presence_penalty": _ZERO,
    "n": frozenset({b"1"}),
    "parallel_tool_calls": frozenset({b"true"}),
    "service_tier": frozenset({b'"auto"'}),
    "store": frozenset({b"false"}),
    "tool_choice": frozenset({b'"auto"'}),
    "verbosity": frozenset({b'"medium"'}),
    "modalities": frozenset({b'["text"]'}),
}
"""What a client may write out although it is the default: to leave it away loses nothing."""


class Quirks(Struct, frozen=True, kw_only=True):
    """What one provider wants otherwise at the top of a body and of its messages. Values are JSON as it is written.

    Args:
        renames: (the dialect's name of a member, its own); where both are said, the dialect's counts.
        refused: members it answers with an error, or ignores; taken out and named as lost.
        needless: members it refuses and answers as if they were there; taken out.
        words: (member, value, its own word for the same).
        nearest: (member, value, the nearest it has), named as lost.
        swaps: (member, value, another member, what that says instead), where the caller did not say that one itself.
        bounds: (member, least, most); what lies outside is moved to the edge and named as lost.
        roles: (role of a message, its own word for the same).
        message_refused: members of messages it answers with an error; taken out and named as lost.
        call_id: a tool call's id as others made it -> as it takes it; the same for the same, and its own unchanged.
        apart: (member, another, its value); the member is refused where the other has that value.
        plain: what a message says is one text; of several parts that are texts one is made.
        bridges: (role of a message, role of the next that may not follow it, what the assistant says between them).
        most: (member, how many of its list it takes), the rest named as lost.
        part: a part of a message -> its own form of it; the very same object where that is its form.
    """

    renames: Pairs = ()
    refused: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()
    words: Triples = ()
    nearest: Triples = ()
    swaps: tuple[tuple[str, str, str, str], ...] = ()
    bounds: tuple[tuple[str, float, float], ...] = ()
    roles: Pairs = ()
    message_refused: tuple[str, ...] = ()
    call_id: Callable[[str], str] | None = None
    apart: Triples = ()
    plain: bool = False
    bridges: Triples = ()
    most: tuple[tuple[str, int], ...] = ()
    part: Callable[[dict[str, Raw]], dict[str, Raw]] | None = None


def bend(body: bytes, quirks: Quirks) -> tuple[bytes, tuple[str, ...]]:
    """A JSON object as this provider takes it, and by path what it could not be told.

    Members stay in their order, and what no quirk names stays byte for byte. Of each member first its value is put
    into the provider's words, then the member itself goes or is renamed.
    """
    members = MEMBERS.decode(body)
    lost: list[str] = []
    _swap(members, quirks)
    _bend_values(members, quirks, lost)
    for name in quirks.needless:
        members.pop(name, None)
    refused = [*quirks.refused]
    refused += [name for name, other, value in quirks.apart if bytes(members.get(other, b"")) == value.encode()]
    lost += [name for name in refused if not _says_nothing(name, members.pop(name, None))]
    for name, own in quirks.renames:
        if name in members:
            members[own] = members.pop(name)
    if (messages := members.get("messages")) is not None:
        members["messages"] = _bent_messages(messages, quirks, lost)
    return joined(members), tuple(lost)


def _swap(members: dict[str, Raw], quirks: Quirks) -> None:
    for name, value, other, instead in quirks.swaps:
        if bytes(members.get(name, b"")) == value.encode():
            del members[name]
            members.setdefault(other, Raw(instead.encode()))


def _bend_values(members: dict[str, Raw], quirks: Quirks, lost: list[str]) -> None:
    for name, value, instead in quirks.words:
        if bytes(members.get(name, b"")) == value.encode():
            members[name] = Raw(instead.encode())
    for name, value, instead in quirks.nearest:
        if bytes(members.get(name, b"")) == value.encode():
            members[name] = Raw(instead.encode())
            lost.append(name)
    _bound(members, quirks, lost)


def _bound(members: dict[str, Raw], quirks: Quirks, lost: list[str]) -> None:
    for name, least, most in quirks.bounds:
        number = _read(_NUMBER, members.get(name))
        if number is not None and not least <= number <= most:
            members[name] = Raw(ENCODER.encode(min(max(number, least), most)))
            lost.append(name)
    for name, count in quirks.most:
        entries = _read(_ENTRIES, members.get(name))
        if entries is not None and len(entries) > count:
            members[name] = Raw(b"[%b]" % b",".join(map(bytes, entries[:count])))
            lost.append(name)


def _says_nothing(name: str, value: Raw | None) -> bool:
    return value is None or bytes(value) in _NOTHING or bytes(value) in _DEFAULTS.get(name, ())


def _bent_messages(raw: Raw, quirks: Quirks, lost: list[str]) -> Raw:
    """The messages in the provider's words; the very same bytes where nothing in them had to change."""
    messages = _read(_MESSAGES, raw)
    if messages is None:
        return raw  # no messages at all: the provider says so better than we could
    changed = False
    for place, message in enumerate(messages):
        changed |= _bend_role(message, quirks)
        changed |= _bend_ids(message, quirks)
        changed |= quirks.plain and _bend_parts(message)
        changed |= quirks.part is not None and _bend_each(message, quirks.part)
        said = {name: message.pop(name) for name in quirks.message_refused if name in message}
        changed |= bool(said)
        lost += [f"messages[{place}].{name}" for name, value in said.items() if not _says_nothing(name, value)]
    bridged = _bridged(messages, quirks.bridges)
    return _list(bridged) if changed or len(bridged) > len(messages) else raw


def _bridged(messages: list[dict[str, Raw]], bridges: Triples) -> list[dict[str, Raw]]:
    """The messages with a word of the assistant's between two that may not stand together."""
    if not bridges:
        return messages
    said = {(before, after): words for before, after, words in bridges}
    bridged: list[dict[str, Raw]] = []
    before = ""
    for message in messages:
        after = _read(TEXT, message.get("role")) or ""
        if (words := said.get((before, after))) is not None:
            bridged.append({"role": Raw(b'"assistant"'), "content": Raw(ENCODER.encode(words))})
        bridged.append(message)
        before = after
    return bridged


def _bend_role(message: dict[str, Raw], quirks: Quirks) -> bool:
    said = _read(TEXT, message.get("role"))
    own = dict(quirks.roles).get(said or "")
    if own is None:
        return False
    message["role"] = Raw(ENCODER.encode(own))
    return True


def _bend_ids(message: dict[str, Raw], quirks: Quirks) -> bool:
    """The ids of calls, and of the results that answer them."""
    if quirks.call_id is None:
        return False
    changed = _bend_id(message, "tool_call_id", quirks.call_id)
    calls = _read(_CALLS, message.get("tool_calls")) or []
    bent = [_bend_id(call, "id", quirks.call_id) for call in calls]
    if any(bent):
        message["tool_calls"] = _list(calls)
    return changed or any(bent)


def _bend_id(member: dict[str, Raw], name: str, call_id: Callable[[str], str]) -> bool:
    said = _read(TEXT, member.get(name))
    if said is None or call_id(said) == said:
        return False
    member[name] = Raw(ENCODER.encode(call_id(said)))
    return True


def _bend_parts(message: dict[str, Raw]) -> bool:
    """Texts to one text, kept apart by line ends; what is no text is left for the provider to refuse."""
    parts = _read(_PARTS, message.get("content"))
    if parts is None or any(part.type != "text" for part in parts):
        return False
    message["content"] = Raw(ENCODER.encode("\n".join(part.text for part in parts)))
    return True


def _bend_each(message: dict[str, Raw], bent: Callable[[dict[str, Raw]], dict[str, Raw]]) -> bool:
    """The parts in the provider's form; content of any other kind is left for it to refuse."""
    parts = _read(_MESSAGES, message.get("content"))
    if parts is None:
        return False
    said = [bent(part) for part in parts]
    message["content"] = _list(said)
    return any(one is not part for one, part in zip(said, parts, strict=True))


def _list(objects: list[dict[str, Raw]]) -> Raw:
    return Raw(b"[%b]" % b",".join(map(joined, objects)))


def _read(decoder: Decoder[T], raw: Raw | None) -> T | None:
    """What a member holds; None where it is missing or something else, which is the provider's to refuse."""
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None
