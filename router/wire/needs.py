"""What a request shows to need of its target, read from its bytes without decoding them.

A look, not a verdict: it may see a need where a tool's argument only is called `image`, which costs a request nothing
but a target that is known to be unable. What stands inside text never counts, since quotes are escaped there.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from router.canon.ability import Ability

_PARTS: Mapping[Ability, tuple[bytes, ...]] = {
    Ability.VISION: (b'"image_url"', b'"input_image"', b'"image"'),
    Ability.DOCUMENTS: (b'"file"', b'"input_file"', b'"document"'),
    Ability.AUDIO: (b'"input_audio"',),
}
"""Types of parts in the three protocols that callers speak."""

DATA = frozenset(_PARTS)
"""What is not text: its size in bytes tells nothing of its tokens."""

_TYPED = b'"type"'
_TURNS = ("messages", "input")
_SCHEMAS = frozenset({"response_format", "text", "output_config", "output_format"})
_SCHEMA = b'"json_schema"'
_NOTHING = frozenset({b"null", b"[]"})


def needs_of(fields: Mapping[str, Raw]) -> tuple[Ability, ...]:
    """The abilities that a body's members show to need, in the order of `Ability`."""
    needs = []
    for name in _TURNS:
        turns = bytes(fields.get(name, b""))
        if _TYPED in turns:
            needs += [ability for ability, marks in _PARTS.items() if any(mark in turns for mark in marks)]
    if "tools" in fields and bytes(fields["tools"]).strip() not in _NOTHING:
        needs.append(Ability.TOOLS)
    if not _SCHEMAS.isdisjoint(fields) and any(_SCHEMA in bytes(fields.get(name, b"")) for name in _SCHEMAS):
        needs.append(Ability.JSON_SCHEMA)
    return tuple(sorted(set(needs), key=_RANK.__getitem__)) if needs else ()


_RANK = {ability: rank for rank, ability in enumerate(Ability)}
