"""One entry as a change over HTTP gives it: what may be kept of it, and where its secrets go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec import inspect as kinds

from router.settings.faults import ConfigInvalid, Fault, render
from router.settings.merge import Entry, without_nulls
from router.settings.overlay import Change, change_to
from router.settings.references import STORED, is_reference
from router.settings.schema import ClientKeys, GroupKeys, ProviderKeys
from router.settings.secret import MASK
from router.settings.vault import is_name
from router.settings.veil import change_secrets
from router.settings.words import type_of

Section = Literal["providers", "failover_groups", "keys"]
How = Literal["create", "put", "patch", "remove", "revert"]
_TYPES: dict[str, type] = {"providers": ProviderKeys, "failover_groups": GroupKeys, "keys": ClientKeys}


class Edit(Struct, frozen=True, kw_only=True):
    """One change of one entry. `keys` is None where it is removed, or is to be as the file has it (`revert`); `patch`
    changes some keys, `put` gives all."""

    section: Section
    name: str
    how: How
    keys: Entry | None = None


class Masked(str):
    """A secret that was there before, and that a mask stood for."""

    __slots__ = ()


def change_of(edit: Edit, before: Entry, written: Entry | None, pending: dict[str, str]) -> Change | None:
    """What is to be kept of an edit that gives keys. A secret that is given goes to `pending`, to be stored, and a name
    stands for it; one that the file has stays there.

    Args:
        before: the entry as it counts now, empty for none.
        written: the file's own entry.
        pending: secrets to be stored, by name.

    Raises:
        ConfigInvalid: it would read what it may not, or hold what cannot be kept.
    """
    type_ = type_of(_TYPES[edit.section])
    there = _secrets_in(before, type_)
    given = dict(edit.keys or {})

    def unmask(place: str, text: str) -> str:
        return Masked(there[place]) if text == MASK and place in there else text

    wanted = change_secrets({**before, **given} if edit.how == "patch" else given, type_, unmask)
    change = change_to(without_nulls(wanted), written)
    if change is None:
        return None
    keeper = _Keeper(edit, frozenset(there.values()), pending)
    keys: Entry = change_secrets(change.keys, type_, keeper.secret)
    others = change_secrets(change.keys, type_, lambda _place, _text: "")
    keeper.faults += (
        Fault(f"{keeper.where}.{key}", "may not read the environment")
        for key, value in others.items()
        if "${" in repr(value)
    )
    if keeper.faults:
        raise ConfigInvalid(tuple(keeper.faults))
    return Change(how=change.how, keys=keys, seen=change.seen)


class _Keeper:
    """Has every secret of an edit kept where it may be."""

    def __init__(self, edit: Edit, named: frozenset[str], pending: dict[str, str]) -> None:
        self.where = render((edit.section, edit.name))
        self.faults: list[Fault] = []
        self._name = edit.name
        self._named = named
        self._pending = pending

    def secret(self, place: str, text: str) -> str:
        """What is kept in its place."""
        if text == MASK or (is_reference(text) and (text in self._named or text.startswith(STORED))):
            return str(text)  # a mask of nothing is refused with the whole
        name = f"{self._name}/{place}"
        if is_reference(text):
            self._fault(place, "may name only a stored secret here (secret:NAME), or be one")
        elif isinstance(text, Masked):
            self._fault(place, "is written out in the file and stays there: give it anew, or name it in the file")
        elif not is_name(name):
            self._fault(place, "has a name that no stored secret can have; store it and write secret:NAME")
        else:
            self._pending[name] = text
        return STORED + name

    def _fault(self, place: str, message: str) -> None:
        self.faults.append(Fault(f"{self.where}.{place}", message))


def stored_in(value: object) -> frozenset[str]:
    """The names of stored secrets anywhere in a value."""
    if isinstance(value, Mapping):
        return frozenset().union(*map(stored_in, value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*map(stored_in, value))
    named = isinstance(value, str) and value.startswith(STORED)
    return frozenset((str(value).removeprefix(STORED),)) if named else frozenset()


def _secrets_in(entry: Entry, type_: kinds.Type) -> dict[str, str]:
    found: dict[str, str] = {}

    def note(place: str, text: str) -> Any:
        found[place] = text
        return text

    change_secrets(entry, type_, note)
    return found
