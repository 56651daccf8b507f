"""Tool names as Cohere allows them: letters, digits and `_`, no digit first. MCP's have `-` and `.` in them.

Other names are written so that reading them back gives the name the caller used, without keeping a table.

Source: https://docs.cohere.com/reference/errors, read 2026-11.
"""

from __future__ import annotations

import re

_ALLOWED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODED = re.compile(r"_x([0-9a-f]{1,6})_")
_ODD = re.compile(r"^[^A-Za-z_]|[^A-Za-z0-9_]|_(?=x)")


def encode_name(name: str) -> str:
    """The name itself where it is allowed; else each odd character as its number between `_x` and `_`."""
    if _ALLOWED.fullmatch(name) and not _CODED.search(name):
        return name
    return _ODD.sub(lambda match: f"_x{ord(match[0]):x}_", name)


def decode_name(name: str) -> str:
    """The name the caller used."""
    return _CODED.sub(_character, name) if "_x" in name else name


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]
