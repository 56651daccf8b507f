"""`${NAME}` and `${NAME:-default}` in any text of a configuration; `$$` is a dollar sign."""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.settings.faults import INVALID, Findings, Invalid, Where

_DOLLAR = re.compile(r"\$(?:(?P<escaped>\$)|\{(?:(?P<inside>[^}]*)\})?)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<has_default>:-(?P<default>.*))?", re.DOTALL)


class Expanded(str):
    """Text that a variable was put into. Unlike plain text it may stand for a number, a switch or nothing at all."""

    __slots__ = ()


def expand(tree: object, environ: Mapping[str, str], findings: Findings, where: Where = ()) -> object:
    """The same tree with every variable in its place; `INVALID` where one is missing. Keys are left as they are."""
    if isinstance(tree, Mapping):
        return {key: expand(value, environ, findings, (*where, str(key))) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [expand(value, environ, findings, (*where, index)) for index, value in enumerate(tree)]
    if isinstance(tree, str) and "$" in tree:
        return _expand_text(tree, environ, findings, where)
    return tree


def _expand_text(text: str, environ: Mapping[str, str], findings: Findings, where: Where) -> str | Invalid:
    pieces: list[str] = []
    is_expanded, is_sound, end = False, True, 0
    for found in _DOLLAR.finditer(text):
        pieces.append(text[end : found.start()])
        end = found.end()
        if found["escaped"]:
            pieces.append("$")
            continue
        value = _variable(found["inside"], environ, findings, where)
        is_expanded, is_sound = True, is_sound and value is not None
        pieces.append(value or "")
    whole = "".join((*pieces, text[end:]))
    if not is_sound:
        return INVALID
    return Expanded(whole) if is_expanded else whole


def _variable(inside: str | None, environ: Mapping[str, str], findings: Findings, where: Where) -> str | None:
    parsed = _INSIDE.fullmatch(inside or "")
    if parsed is None:
        findings.add(where, "has a ${ that begins no ${NAME} or ${NAME:-default}; write $$ for a dollar sign")
        return None
    name = parsed["name"]
    value = environ.get(name)
    if parsed["has_default"]:
        return value or parsed["default"]
    if value is None:
        findings.add(where, f"environment variable {name} is not set; set it or remove ${{{name}}}")
    return value
