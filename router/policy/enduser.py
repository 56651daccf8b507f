"""The end user that a caller names in its request, in any dialect's own place."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

_MOST_CHARACTERS = 256
"""A longer name is cut: it is a label of the account, not a place for data."""


class _Metadata(Struct, frozen=True):
    user_id: str | None = None


_NAME: Decoder[str | None] = Decoder(str | None)
_METADATA: Decoder[_Metadata | None] = Decoder(_Metadata | None)
_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)


def end_user_of(fields: Mapping[str, Raw]) -> str:
    """OpenAI's `safety_identifier` or `user`, or Anthropic's `metadata.user_id`; "" when there is none.

    Args:
        fields: the body's top-level members. What cannot be read is whoever translates the request's to refuse.
    """
    for member in ("safety_identifier", "user"):
        if member in fields and (name := _text(fields[member])):
            return label_of(name)
    if "metadata" not in fields:
        return ""
    try:
        metadata = _METADATA.decode(fields["metadata"])
    except _UNREADABLE:
        return ""
    return label_of(metadata.user_id or "") if metadata is not None else ""


def label_of(name: str) -> str:
    """A name that a caller wrote, as the account has it: of the characters that every database takes, and no longer
    than a label is."""
    return name[:_MOST_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode()


def _text(raw: Raw) -> str | None:
    try:
        return _NAME.decode(raw)
    except _UNREADABLE:
        return None
