"""The provider kinds: a small file each, found by entry point (group `pointsman.providers`), third parties' too.

A kind's name is a literal only in its own file. `kind.py` says what a kind is; `find_kinds` finds all that are
installed.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import entry_points

from msgspec import Struct

from router.providers.kind import Kind

GROUP = "pointsman.providers"


class Found(Struct, frozen=True, kw_only=True):
    """What is installed: the kinds by name, and by their entry point's name why the others cannot be imported."""

    kinds: dict[str, Kind]
    broken: dict[str, str]


def find_kinds() -> dict[str, Kind]:
    """Every kind that can be used, by name. Raises as `find_installed`."""
    return find_installed().kinds


def find_installed() -> Found:
    """Every installed kind. One that cannot be imported keeps no other from serving.

    Raises:
        TypeError: an entry point of the group does not lead to a `Kind`, or two lead to kinds of one name: neither may
            take the keys meant for the other. The message names it.
    """
    return _found(tuple(sys.path))


@cache
def _found(_path: tuple[str, ...]) -> Found:
    """Once for each search path: the metadata of every installed package is read for it."""
    kinds: dict[str, Kind] = {}
    broken: dict[str, str] = {}
    for entry in entry_points(group=GROUP):
        try:
            kind = entry.load()
        except Exception as error:  # noqa: BLE001 somebody else's module, which may raise anything
            broken[entry.name] = f"{type(error).__name__}: {error}"
            continue
        if not isinstance(kind, Kind):
            raise TypeError(
                f"entry point {entry.name!r} of group {GROUP!r} must lead to a Kind, not {type(kind).__name__}"
            )
        if kind.name in kinds:
            raise TypeError(f"entry point {entry.value!r} of group {GROUP!r} brings the kind {kind.name!r} once more")
        kinds[kind.name] = kind
    return Found(kinds=kinds, broken=broken)
