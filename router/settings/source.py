"""From a file to plain mappings, lists and scalars: YAML, TOML and JSON by suffix.

A key that stands twice is refused in all three: the one that loses would be the one its author is looking at.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from router.settings.faults import Findings, Where


class _Unreadable(Exception):
    """What is wrong with a whole file, in words that quote nothing of it but keys."""


class _CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema: `off` is a word, `010` is ten, `12:30` and a date are text."""


_TAG = "tag:yaml.org,2002:"
_RESOLVED: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
)
_CoreLoader.yaml_implicit_resolvers = {}  # not the ones of YAML 1.1
for _name, _pattern, _first in _RESOLVED:
    _firsts = ["" if char == "\0" else char for char in _first]
    _CoreLoader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _firsts)

_QUOTED = re.compile(r"""(['"])(.*?)\1""")

_BASES = {"0o": 8, "0x": 16}
_CoreLoader.add_constructor(f"{_TAG}int", lambda _, node: int(node.value, _BASES.get(node.value[:2], 10)))
_CoreLoader.add_constructor(f"{_TAG}float", lambda _, node: float(node.value))


def read_tree(path: Path, findings: Findings) -> object:
    """What the file says; None, with a fault, when it cannot be read."""
    try:
        return _parse(path, findings)
    except _Unreadable as error:
        findings.add((), f"{path}: {error}")
    except OSError as error:
        findings.add((), f"{path}: cannot be read: {(error.strerror or type(error).__name__).lower()}")
    except UnicodeDecodeError:
        findings.add((), f"{path}: is not UTF-8 text")
    except RecursionError:
        findings.add((), f"{path}: nests too deep")
    return None


def _parse(path: Path, findings: Findings) -> object:
    parse = _FORMATS.get(path.suffix.lower())
    if parse is None:
        raise _Unreadable(f"has no suffix that says its format; name it {', '.join(_FORMATS)}")
    return parse(path.read_bytes().decode("utf-8-sig"), findings)


def _parse_yaml(text: str, findings: Findings) -> object:
    try:
        loader = _CoreLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        for where, message in _twice(node, (), ()):
            findings.add(where, message)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _Unreadable(line + _yaml_words(error)) from error
    except yaml.YAMLError as error:
        raise _Unreadable("holds a character that YAML does not allow") from error
    except ValueError as error:
        raise _Unreadable("holds a number that is too long") from error


def _yaml_words(error: yaml.MarkedYAMLError) -> str:
    """The parser's words where they can only quote syntax: an alias or a tag may be a key in disguise."""
    if error.problem == "but found another document":
        return "a second document; a configuration is one"
    if isinstance(error, yaml.composer.ComposerError):
        return "an alias (*name) without its anchor (&name)"
    if isinstance(error, yaml.constructor.ConstructorError):
        return "a tag (!name) or a key that a configuration cannot have"
    return _QUOTED.sub(_veiled, error.problem or "is not YAML")


def _veiled(quoted: re.Match[str]) -> str:
    """A character with its escape may be shown, and `<...>`, the parser's own name for something."""
    return quoted[0] if len(quoted[2]) <= 2 or quoted[2].startswith("<") else "that"


def _twice(node: yaml.Node, where: Where, around: tuple[int, ...]) -> Iterator[tuple[Where, str]]:
    """Keys that stand twice in one mapping, and aliases inside what they stand for."""
    if id(node) in around:
        raise _Unreadable(f"line {node.start_mark.line + 1}: an anchor contains itself")
    inside = (*around, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, (*where, index), inside)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value)
            if name in first:
                yield (*where, name), f"stands twice, on lines {first[name]} and {line}; remove one"
            first.setdefault(name, line)
            yield from _twice(value, (*where, name), inside)


def _parse_toml(text: str, _findings: Findings) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _Unreadable(str(error)) from error
    except ValueError as error:
        raise _Unreadable("holds a number that is too long") from error


def _parse_json(text: str, _findings: Findings) -> object:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _Unreadable(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except ValueError as error:
        raise _Unreadable("holds a number that is too long") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for key, value in pairs:
        if key in taken:
            raise _Unreadable(f'key "{key}" stands twice in one object; remove one')
        taken[key] = value
    return taken


def _refuse_constant(word: str) -> NoReturn:
    raise _Unreadable(f"{word} is not a number that JSON has")


_FORMATS: dict[str, Callable[[str, Findings], object]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".toml": _parse_toml,
    ".json": _parse_json,
}
