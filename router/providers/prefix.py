"""How a model is given the beginning of its own answer, to go on from there: data, and the one function that says it.

Most models take a last turn of their own for finished, and answer it. Which ones go on with it, and what they must be
told for that, is each provider's own.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.dialect import Turn
from router.wire.members import ENCODER, MEMBERS, TEXT, UNREADABLE, joined

_LIST = Decoder(list[Raw])


class Style(StrEnum):
    """How a server is told to go on with the last turn: by its being there, by a mark in it, by words beside it."""

    TURN = "turn"
    MARKED = "marked"
    FINAL = "final"


_IN_TURN: dict[Style, dict[str, object]] = {Style.MARKED: {"prefix": True}}
_BESIDE: dict[Style, dict[str, Raw]] = {
    Style.FINAL: {"continue_final_message": Raw(b"true"), "add_generation_prompt": Raw(b"false")}
}


class Prefix(Struct, frozen=True, kw_only=True):
    """What is known of how a kind's models go on with a beginning.

    Args:
        style: how they are told.
        accepts: which models do, by the provider's own name for them.
        trims: white space at the end of the beginning is refused.
        echoes: the answer may repeat the beginning first.
        url: the address of chat -> where such a request goes, for a provider that takes it elsewhere.
    """

    style: Style = Style.TURN
    accepts: Callable[[str], bool] = lambda _model: True
    trims: bool = False
    echoes: bool = False
    url: Callable[[str], str] = str


def prolonged(body: bytes, text: str, turn: Turn, prefix: Prefix) -> bytes | None:
    """The request with `text` as the beginning of the answer; None where it cannot be said.

    A beginning that the caller wrote itself is gone on with: the two are one turn. One that is more than words is not.
    """
    said = text.rstrip() if prefix.trims else text
    members = MEMBERS.decode(body)
    try:
        turns = _LIST.decode(members[turn.member])
        last = MEMBERS.decode(turns[-1])
        if TEXT.decode(last["role"]) == turn.role:
            said = TEXT.decode(last[turn.content]) + said
            turns.pop()
    except (*UNREADABLE, KeyError, IndexError):
        return None
    if not said.strip():
        return None
    own = {"role": turn.role, turn.content: turn.say(said), **_IN_TURN.get(prefix.style, {})}
    listed = b",".join((*(bytes(each) for each in turns), ENCODER.encode(own)))
    return joined({**members, turn.member: Raw(b"[%b]" % listed), **_BESIDE.get(prefix.style, {})})
