"""What was changed at run time: a file of our own under `home`, laid over the operator's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from router.settings.faults import Findings
from router.settings.private import write_private

SECTIONS = ("providers", "failover_groups", "keys")
"""What can be changed at run time."""

Entry = dict[str, Any]


class Overlay(Struct, forbid_unknown_fields=True):
    """Entries by section and name, each whole; None where one was removed."""

    providers: dict[str, Entry | None] = {}
    failover_groups: dict[str, Entry | None] = {}
    keys: dict[str, Entry | None] = {}

    def over(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """The tree with these entries: changed ones in their old place, new ones last."""
        merged = dict(tree)
        for section in SECTIONS:
            entries: dict[str, Entry | None] = getattr(self, section)
            written = merged.get(section)
            if not entries or not isinstance(written, Mapping | None):
                continue
            both = {**(written or {}), **entries}
            gone = {name for name, entry in entries.items() if entry is None}
            merged[section] = {name: entry for name, entry in both.items() if name not in gone}
        return merged

    def with_entry(self, section: str, name: str, entry: Entry | None, tree: Mapping[str, Any]) -> Overlay:
        """Another one, with that entry; what the tree does not have need not be removed from it."""
        entries = {each: dict(getattr(self, each)) for each in SECTIONS}
        entries[section][name] = entry
        if entry is None and name not in (tree.get(section) or {}):
            del entries[section][name]
        return Overlay(**entries)


_DECODER = msgspec.json.Decoder(Overlay)


def overlay_path(home: Path) -> Path:
    """Where it lies."""
    return home / "changes.json"


def read_overlay(path: Path, findings: Findings) -> Overlay:
    """What it holds; empty, with a fault where it is there and cannot be read."""
    try:
        return _DECODER.decode(path.read_bytes())
    except FileNotFoundError:
        return Overlay()
    except (OSError, msgspec.DecodeError):
        findings.add((), f"{path}: what was changed at run time cannot be read; mend or remove this file")
        return Overlay()


def write_overlay(path: Path, overlay: Overlay) -> None:
    """Keep it. Raises `OSError`."""
    write_private(path, msgspec.json.format(msgspec.json.encode(overlay)))
