"""What a request shows to need, in the three protocols that callers speak, and what does not show it."""

from __future__ import annotations

import pytest

from router.canon.ability import Ability
from router.wire.members import read_members
from router.wire.needs import needs_of

_SHOWN: dict[str, tuple[bytes, tuple[Ability, ...]]] = {
    "text": (b'{"messages":[{"role":"user","content":"an \\"image\\" of a \\"file\\""}],"tools":[]}', ()),
    "text parts": (b'{"messages":[{"role":"user","content":[{"type":"text","text":"\\"image\\""}]}]}', ()),
    "chat's image": (b'{"messages":[{"content":[{"type": "image_url","image_url":{}}]}]}', (Ability.VISION,)),
    "chat's file": (b'{"messages":[{"content":[{"type":"file","file":{}}]}]}', (Ability.DOCUMENTS,)),
    "chat's audio": (b'{"messages":[{"content":[{"type":"input_audio"}]}]}', (Ability.AUDIO,)),
    "messages' image": (b'{"messages":[{"content":[{"type" : "image","source":{}}]}]}', (Ability.VISION,)),
    "messages' document": (b'{"messages":[{"content":[{"type":"document"}]}]}', (Ability.DOCUMENTS,)),
    "responses' both": (
        b'{"input":[{"content":[{"type":"input_file"},{"type":"input_image"}]}]}',
        (Ability.VISION, Ability.DOCUMENTS),
    ),
    "tools": (b'{"messages":[],"tools":[{"type":"function"}]}', (Ability.TOOLS,)),
    "no tools": (b'{"messages":[],"tools": null}', ()),
    "chat's schema": (b'{"messages":[],"response_format":{"type":"json_schema"}}', (Ability.JSON_SCHEMA,)),
    "json alone": (b'{"messages":[],"response_format":{"type":"json_object"}}', ()),
    "responses' schema": (b'{"input":"x","text":{"format":{"type":"json_schema"}}}', (Ability.JSON_SCHEMA,)),
    "messages' schema": (b'{"messages":[],"output_config":{"format":{"type":"json_schema"}}}', (Ability.JSON_SCHEMA,)),
    "nothing at all": (b"{}", ()),
}


@pytest.mark.parametrize(("body", "needs"), _SHOWN.values(), ids=_SHOWN)
def test_a_request_shows_what_it_needs(body: bytes, needs: tuple[Ability, ...]) -> None:
    """Its parts, tools and schema; what only stands in its text does not count."""
    assert needs_of(read_members(body)) == needs
