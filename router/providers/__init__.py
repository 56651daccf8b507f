"""The provider kinds: a small file each, found by entry point (group `pointsman.providers`), third parties' too.

A kind's name is a literal only in its own file. `kind.py` says what a kind is; `find_kinds` finds all that are
installed.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from router.providers.kind import Kind

GROUP = "pointsman.providers"


def find_kinds() -> dict[str, Kind]:
    """Every installed kind by name.

    Raises:
        TypeError: an entry point of the group does not lead to a `Kind`, or two lead to kinds of one name: neither may
            take the keys meant for the other. The message names it.
    """
    kinds: dict[str, Kind] = {}
    for entry in entry_points(group=GROUP):
        kind = entry.load()
        if not isinstance(kind, Kind):
            raise TypeError(
                f"entry point {entry.name!r} of group {GROUP!r} must lead to a Kind, not {type(kind).__name__}"
            )
        if kind.name in kinds:
            raise TypeError(f"entry point {entry.value!r} of group {GROUP!r} brings the kind {kind.name!r} once more")
        kinds[kind.name] = kind
    return kinds
