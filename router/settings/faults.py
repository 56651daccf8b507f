"""What is wrong with a configuration: every fault, each by its path, none with a value in it.

A value is never quoted, because any value may be a key that stands in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

Where = tuple[str | int, ...]
"""A place in the configuration: keys, and positions in lists."""

_PLAIN = re.compile(r"[A-Za-z0-9_/-]+")


class Fault(Struct, frozen=True):
    """One thing to change. `path` names a key, an environment variable or the file; empty is the whole."""

    path: str
    message: str

    def __str__(self) -> str:
        """As it is shown, on one line."""
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigInvalid(Exception):
    """The configuration cannot be used. `faults` are all that were found, so that one edit can mend them."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("the configuration is invalid:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


class Invalid:
    """The type of `INVALID`."""

    def __repr__(self) -> str:
        """Its name."""
        return "INVALID"


INVALID: Final = Invalid()
"""Stands where a value was that already has its fault: whoever meets it says nothing more."""


class Findings:
    """The faults so far.

    Args:
        origins: places whose value came from an environment variable, by its name; faults there name the variable.
    """

    def __init__(self) -> None:
        self.origins: dict[Where, str] = {}
        self._found: dict[Where, list[str]] = {}

    def add(self, where: Where, message: str) -> None:
        """Record a fault of a value."""
        self._found.setdefault(where, []).append(message)

    def add_rule(self, where: Where, message: str) -> None:
        """Record a fault between values, unless one of them has a fault already that may be its cause."""
        if not self.touch(where):
            self.add(where, message)

    def touch(self, where: Where) -> bool:
        """Whether there is a fault at that place, inside it or around it."""
        return any(_overlap(found, where) for found in self._found)

    def raise_any(self) -> None:
        """Raise `ConfigInvalid` when there is a fault."""
        faults = [
            Fault(self.origins.get(where) or render(where), message)
            for where, messages in self._found.items()
            for message in messages
        ]
        if faults:
            raise ConfigInvalid(tuple(sorted(faults, key=lambda fault: fault.path)))


def render(where: Where) -> str:
    """`providers.main.models[0]`; a key that would be misread is quoted."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN.fullmatch(part) else f'"{part}"')
    return text


def suggest(word: object, known: Iterable[str]) -> str:
    """A known name much like `word`: `; did you mean "port"?`. Empty where none is."""
    near = get_close_matches(str(word), sorted(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def suggest_any(word: object, known: Iterable[str]) -> str:
    """A known name much like `word`, or else all of them. For names that are keys: a value may be a secret."""
    names = sorted(known)
    return suggest(word, names) or (f"; there is {', '.join(names)}" if names else "")


def _overlap(one: Where, other: Where) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
