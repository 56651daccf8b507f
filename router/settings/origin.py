"""Where a configuration comes from, and what was changed at run time over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from router.settings.editing import Edit, change_of, stored_in
from router.settings.environment import write_environment
from router.settings.faults import ConfigInvalid, Fault, Findings, render
from router.settings.kinds import KindRules
from router.settings.loading import Given, home_of, load_tree, read_source, safe_in
from router.settings.merge import Entry
from router.settings.overlay import (
    SECTIONS,
    Change,
    Overlay,
    change_to,
    overlay_path,
    read_overlay,
    write_overlay,
    written_of,
)
from router.settings.schema import Document
from router.settings.settings import Settings
from router.settings.vault import VaultError
from router.settings.vaultkey import Safe
from router.settings.veil import masked_in, veiled


class NoEntry(Exception):
    """There is no entry of that name to change."""


class EntryThere(Exception):
    """There is one of that name already."""


class Draft(Struct, frozen=True, kw_only=True):
    """Settings as they would be. Nothing is kept before `keep(now)`, which raises `OSError` or `VaultError`."""

    settings: Settings
    keep: Callable[[float], None]


class Export(Struct, frozen=True, kw_only=True):
    """A configuration as a YAML file. `missing` are the places of secrets that are to be filled in before it works."""

    text: str
    missing: tuple[str, ...]


class Origin:
    """One configuration's source. Blocking; nothing here is for the event loop.

    Args:
        source: a file; a mapping; None for the environment alone.
        adjust: the last word on what was read, such as a command's own options.
        changes: whether what was changed at run time is laid over it, and may be changed.
    """

    def __init__(
        self,
        source: Path | Mapping[str, Any] | None,
        environ: Mapping[str, str],
        kinds: Mapping[str, KindRules],
        *,
        adjust: Callable[[Settings], Settings] = lambda settings: settings,
        changes: bool = False,
    ) -> None:
        self._source = source
        self._environ = environ
        self._kinds = kinds
        self._adjust = adjust
        self._changes = changes

    @property
    def words(self) -> str:
        """Where it comes from."""
        if isinstance(self._source, Path):
            return str(self._source)
        return "the environment" if self._source is None else "given by the program"

    @property
    def file(self) -> Path | None:
        """The file that may change, if it is one."""
        return self._source if isinstance(self._source, Path) else None

    def read(self) -> Settings:
        """The configuration as it is now. Raises `ConfigInvalid`."""
        findings = Findings()
        given, overlay = self._given(findings)
        try:
            return self._loaded(given, overlay, findings, {})
        except ConfigInvalid as invalid:
            raise ConfigInvalid(tuple(_traced(fault, overlay) for fault in invalid.faults)) from None

    def written(self) -> dict[str, Any]:
        """The document as it is written, changes at run time included, secrets as what names them or as a mask. Raises
        `ConfigInvalid`."""
        findings = Findings()
        given, overlay = self._given(findings)
        findings.raise_any()
        shown: dict[str, Any] = veiled(overlay.over(given.tree), Document)
        return shown

    def home(self) -> Path:
        """The folder of the router's own files, likewise."""
        return home_of(self._given(Findings())[0])

    def safe(self) -> Safe:
        """The store of secrets, whatever else is wrong with the document. Raises `ConfigInvalid` where it cannot be
        read."""
        return safe_in(self._given(Findings())[0])

    def export(self) -> Export:
        """The same as a YAML file, which says of itself what it takes to be used."""
        tree = self.written()
        missing = masked_in(tree, Document)
        folder = Path.cwd() / self._source.parent if isinstance(self._source, Path) else Path.cwd()
        head = (
            f"# The configuration of {self.words}, with what was changed at run time.\n"
            f"# Relative paths in it are relative to {folder}.\n"
        )
        if missing:
            head += f"# *** stands for what was written out and is not shown; fill in: {', '.join(missing)}\n"
        return Export(text=head + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), missing=missing)

    def draft(self, edit: Edit) -> Draft:
        """What an edit would make of it.

        Raises:
            ConfigInvalid: the whole would not be valid.
            NoEntry, EntryThere: the edit asks for what is not so.
        """
        findings = Findings()
        given, overlay = self._given(findings)
        findings.raise_any()
        if not self._changes:
            raise ConfigInvalid((Fault("", "this configuration is given by a program, which alone can change it"),))
        pending: dict[str, str] = {}
        after = overlay.with_change(edit.section, edit.name, _changed(edit, overlay, given.tree, pending))
        settings = self._loaded(given, after, findings, pending)
        gone = stored_in(overlay.entries()) - stored_in(after.entries()) - stored_in(given.tree)
        stale = frozenset(name for name in gone if name.startswith(f"{edit.name}/"))

        def keep(at: float) -> None:
            path = overlay_path(home_of(given))
            if not (pending or stale):
                return write_overlay(path, after)
            vault = safe_in(given).open_or_make()
            before = vault.read()
            vault.put(pending, at)
            try:
                write_overlay(path, after)
            except OSError:
                vault.write(before)
                raise
            # Last: a name whose secret is gone would keep the next start from coming about, one too many does no harm.
            with suppress(VaultError):
                vault.put({}, at, drop=stale)

        return Draft(settings=settings, keep=keep)

    def _given(self, findings: Findings) -> tuple[Given, Overlay]:
        source = write_environment(self._environ) if self._source is None else self._source
        given = read_source(source, self._environ, findings)
        overlay = read_overlay(overlay_path(home_of(given)), findings) if self._changes else Overlay()
        return given, overlay

    def _loaded(self, given: Given, overlay: Overlay, findings: Findings, pending: Mapping[str, str]) -> Settings:
        laid = replace(given, tree=overlay.over(given.tree))
        settings = load_tree(laid, self._kinds, findings, pending)
        return self._adjust(replace(settings, changes=overlay.laid(given.tree)))


def _traced(fault: Fault, overlay: Overlay) -> Fault:
    """The fault, with where its entry is from where the operator's file alone does not tell."""
    for section in SECTIONS:
        for name in overlay.of(section):
            place = render((section, name))
            if fault.path == place or fault.path.startswith((f"{place}.", f"{place}[")):
                return Fault(fault.path, f"{fault.message} (this entry was changed at run time, in changes.json)")
    return fault


def _changed(edit: Edit, overlay: Overlay, tree: Mapping[str, Any], pending: dict[str, str]) -> Change | None:
    """What an edit makes of an entry; None where it is as the file has it. Raises as `Origin.draft`."""
    if edit.how == "revert":
        if edit.name not in overlay.of(edit.section):
            raise NoEntry
        return None
    entries = overlay.over(tree).get(edit.section) or {}
    there = edit.name in entries
    if edit.how == "create" and there:
        raise EntryThere
    if edit.how in ("patch", "remove") and not there:
        raise NoEntry
    written = written_of(tree, edit.section, edit.name)
    if edit.how == "remove":
        return change_to(None, written)
    return change_of(edit, _keys(entries.get(edit.name)), written, pending)


def _keys(entry: object) -> Entry:
    """Of an entry that is there; none of what can be none, which is told when the whole is read."""
    return dict(entry) if isinstance(entry, Mapping) else {}
