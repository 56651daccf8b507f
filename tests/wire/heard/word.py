"""A word of a caller, and what many of them are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Heard = Literal["canon", "raw", "refused", "as usual"]
"""In a field of canon; by name in `extra`, or as a part only its family reads; not at all; what happens without it."""


class Word(NamedTuple):
    """Members of a body, and where they land. `aside` are those of their members that only repeat what others say."""

    body: Mapping[str, Any]
    heard: Heard = "canon"
    aside: tuple[str, ...] = ()


HI = {"role": "user", "content": "hi"}
FUNCTION = {"name": "f9", "description": "d9", "parameters": {"type": "object", "title": "s9"}, "strict": True}
PNG, PDF = "data:image/png;base64,UE5H", "data:application/pdf;base64,UERG"
PAGE = {"url": "https://e.test/9", "title": "t9", "start_index": 0, "end_index": 7}


def said(*parts: object) -> dict[str, Any]:
    """A turn of the user's of these parts."""
    return {"messages": [{"role": "user", "content": list(parts)}]}


def turns(*messages: object) -> dict[str, Any]:
    """These after a first turn."""
    return {"messages": [HI, *messages]}
