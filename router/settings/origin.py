"""Where a configuration comes from, and what was changed at run time over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from msgspec import Struct
from msgspec import inspect as kinds
from msgspec.structs import replace

from router.settings.environment import write_environment
from router.settings.faults import ConfigInvalid, Fault, Findings, render
from router.settings.kinds import KindRules
from router.settings.loading import Given, home_of, load_tree, read_source, safe_in
from router.settings.overlay import Entry, Overlay, overlay_path, read_overlay, write_overlay
from router.settings.references import STORED, is_reference
from router.settings.schema import ClientKeys, Document, GroupKeys, ProviderKeys
from router.settings.secret import MASK
from router.settings.settings import Settings
from router.settings.vault import is_name
from router.settings.vaultkey import Safe
from router.settings.veil import change_secrets, veiled

Section = Literal["providers", "failover_groups", "keys"]
How = Literal["create", "put", "patch", "remove"]
_TYPES: dict[str, type] = {"providers": ProviderKeys, "failover_groups": GroupKeys, "keys": ClientKeys}


class Edit(Struct, frozen=True, kw_only=True):
    """One change of one entry. `keys` is None where it is removed; `patch` changes some keys, `put` gives all."""

    section: Section
    name: str
    how: How
    keys: Entry | None = None


class NoEntry(Exception):
    """There is no entry of that name to change."""


class EntryThere(Exception):
    """There is one of that name already."""


class Draft(Struct, frozen=True, kw_only=True):
    """Settings as they would be. Nothing is kept before `keep(now)`, which raises `OSError` or `VaultError`."""

    settings: Settings
    keep: Callable[[float], None]


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
        return self._loaded(given, overlay, findings, {})

    def written(self) -> dict[str, Any]:
        """The document as it is written, changes at run time included, secrets as what names them or as a mask. Raises
        `ConfigInvalid`."""
        findings = Findings()
        given, overlay = self._given(findings)
        findings.raise_any()
        shown: dict[str, Any] = veiled(overlay.over(given.tree), Document)
        return shown

    def safe(self) -> Safe:
        """The store of secrets, whatever else is wrong with the document. Raises `ConfigInvalid` where it cannot be
        read."""
        return safe_in(self._given(Findings())[0])

    def export(self) -> str:
        """The same as a YAML file."""
        return str(yaml.safe_dump(self.written(), sort_keys=False, allow_unicode=True))

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
        before: dict[str, Entry] = dict(overlay.over(given.tree).get(edit.section) or {})
        if edit.how == "create" and edit.name in before:
            raise EntryThere
        if edit.how in ("patch", "remove") and edit.name not in before:
            raise NoEntry
        pending: dict[str, str] = {}
        entry = None if edit.how == "remove" else self._entry(edit, before, pending)
        after = overlay.with_entry(edit.section, edit.name, entry, given.tree)
        settings = self._loaded(given, after, findings, pending)
        stale = _stored_in(before.get(edit.name)) - _stored_in(entry) - _stored_in(given.tree)

        def keep(at: float) -> None:
            if pending or stale:
                vault = safe_in(given).open_or_make()
                vault.put(pending, at, drop=frozenset(name for name in stale if name.startswith(f"{edit.name}/")))
            write_overlay(overlay_path(home_of(given)), after)

        return Draft(settings=settings, keep=keep)

    def _given(self, findings: Findings) -> tuple[Given, Overlay]:
        source = write_environment(self._environ) if self._source is None else self._source
        given = read_source(source, self._environ, findings)
        overlay = read_overlay(overlay_path(home_of(given)), findings) if self._changes else Overlay()
        return given, overlay

    def _loaded(self, given: Given, overlay: Overlay, findings: Findings, pending: Mapping[str, str]) -> Settings:
        laid = replace(given, tree=overlay.over(given.tree))
        return self._adjust(load_tree(laid, self._kinds, findings, pending))

    def _entry(self, edit: Edit, before: Mapping[str, Entry], pending: dict[str, str]) -> Entry:
        """The entry as it is to be kept: a secret that is given goes to the store, and a name stands for it."""
        old = before.get(edit.name) or {}
        patched = {**old, **(edit.keys or {})} if edit.how == "patch" else dict(edit.keys or {})
        type_ = kinds.type_info(_TYPES[edit.section])
        kept = _secrets_in(old, type_)
        named = frozenset(kept.values())
        faults: list[Fault] = []

        def secret(place: str, text: str) -> str:
            where = f"{render((edit.section, edit.name))}.{place}"
            if text == MASK and place in kept:
                return kept[place]
            if text in named or (text.startswith(STORED) and is_reference(text)):
                return text
            name = f"{edit.name}/{place}"
            if is_reference(text):
                faults.append(Fault(where, "may name only a stored secret here (secret:NAME), or be one"))
            elif not is_name(name):
                faults.append(Fault(where, "has a name that no stored secret can have; store it and write secret:NAME"))
            else:
                pending[name] = text
            return STORED + name

        entry: Entry = change_secrets(
            {key: value for key, value in patched.items() if value is not None}, type_, secret
        )
        faults += (
            Fault(f"{render((edit.section, edit.name))}.{place}", "may not read the environment")
            for place in _reading(entry, old)
        )
        if faults:
            raise ConfigInvalid(tuple(faults))
        return entry


def _secrets_in(entry: Entry, type_: kinds.Type) -> dict[str, str]:
    found: dict[str, str] = {}

    def note(place: str, text: str) -> str:
        found[place] = text
        return text

    change_secrets(entry, type_, note)
    return found


def _reading(entry: Entry, old: Entry) -> list[str]:
    """Keys that would read a variable that they did not read before."""
    return [key for key, value in entry.items() if "${" in repr(value) and old.get(key) != value]


def _stored_in(value: object) -> frozenset[str]:
    """The names of stored secrets anywhere in a value."""
    if isinstance(value, Mapping):
        return frozenset().union(*map(_stored_in, value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(_stored_in, value))
    named = isinstance(value, str) and value.startswith(STORED)
    return frozenset((str(value).removeprefix(STORED),)) if named else frozenset()
