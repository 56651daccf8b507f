"""Where the key of the encrypted store lies: a file of its own, an environment variable, or the system's keyring.

A key is 32 bytes in base64. Where several stand, on lines of their own or with commas between, the first seals and all
open: so a rotation that was interrupted leaves nothing shut.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from router.settings.private import is_private, write_private
from router.settings.schema import SecretsKeys
from router.settings.vault import KEY_BYTES, Vault, VaultError

VARIABLE = "POINTSMAN_SECRETS_KEY"
_SERVICE, _ACCOUNT = "pointsman", "secrets key"


class KeySource(Protocol):
    """Where keys are read, and written where that can be."""

    def read(self) -> tuple[bytes, ...]:
        """The keys, none where none was made yet. Raises `VaultError`."""
        ...

    def write(self, keys: tuple[bytes, ...]) -> None:
        """Put these in their place. Raises `VaultError`."""
        ...


class FileKeys:
    """A file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[bytes, ...]:
        """As the Protocol says; a file that others may read too is refused."""
        try:
            if not is_private(self._path):
                raise VaultError(f"{self._path} can be read by others; chmod 600 it")
            return _decoded(self._path.read_text(), str(self._path))
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise VaultError(f"{self._path} cannot be read") from error

    def write(self, keys: tuple[bytes, ...]) -> None:
        """As the Protocol says."""
        try:
            write_private(self._path, _encoded(keys).encode())
        except OSError as error:
            raise VaultError(f"{self._path} cannot be written: {error.strerror}") from error


class VariableKeys:
    """An environment variable: somebody else sets it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def read(self) -> tuple[bytes, ...]:
        """As the Protocol says."""
        return _decoded(self._environ.get(VARIABLE, ""), VARIABLE)

    def write(self, keys: tuple[bytes, ...]) -> None:
        """Refused, with what to do instead."""
        raise VaultError(f"a program cannot set {VARIABLE} for others: put the new key before the old one in it")


class KeyringKeys:
    """The operating system's keyring, through the package `keyring` (extra `keyring`), by whatever backend it has."""

    def read(self) -> tuple[bytes, ...]:
        """As the Protocol says."""
        with _system_keyring() as keyring:
            found = keyring.get_password(_SERVICE, _ACCOUNT)
        return _decoded(found or "", "the keyring's entry")

    def write(self, keys: tuple[bytes, ...]) -> None:
        """As the Protocol says."""
        with _system_keyring() as keyring:
            keyring.set_password(_SERVICE, _ACCOUNT, _encoded(keys))


@contextmanager
def _system_keyring() -> Iterator[Any]:
    """The package, whose refusals say what an operator can do.

    Source: https://keyring.readthedocs.io/en/latest/#exceptions, read 2026-11.
    """
    try:
        import keyring
        from keyring.errors import KeyringError, KeyringLocked, NoKeyringError
    except ImportError as error:
        raise VaultError("the keyring needs pointsman[keyring]") from error
    try:
        yield keyring
    except NoKeyringError as error:
        raise VaultError("this system has no keyring; start one, or write another secrets.key_from") from error
    except KeyringLocked as error:
        raise VaultError("the system's keyring is locked; unlock it") from error
    except KeyringError as error:
        raise VaultError(f"the system's keyring refuses ({type(error).__name__})") from error


class Safe(Struct, frozen=True):
    """The store's file and where its keys are."""

    path: Path
    keys: KeySource

    def open(self) -> Vault:
        """The store, to read. Raises `VaultError`."""
        keys = self.keys.read()
        if not keys and self.path.exists():
            raise self._keyless()
        return Vault(self.path, keys)

    def open_or_make(self) -> Vault:
        """The store, to write, with a new key where there was neither key nor store. Raises `VaultError`."""
        keys = self.keys.read()
        if not keys:
            if self.path.exists():
                raise self._keyless()
            keys = (os.urandom(KEY_BYTES),)
            self.keys.write(keys)
        return Vault(self.path, keys)

    def _keyless(self) -> VaultError:
        return VaultError(f"{self.path} is there and its key is not")

    def rotate(self) -> None:
        """Seal everything with a new key. The old one opens until the new one has sealed. Raises `VaultError`."""
        old = self.keys.read()
        secrets = Vault(self.path, old).read()
        new = os.urandom(KEY_BYTES)
        self.keys.write((new, *old))
        Vault(self.path, (new,)).write(secrets)
        self.keys.write((new,))

    def reseal(self) -> None:
        """Seal everything with the first key that there is. Raises `VaultError`."""
        vault = self.open()
        vault.write(vault.read())

    @property
    def rotates(self) -> bool:
        """Whether a new key can be put in its place by us."""
        return not isinstance(self.keys, VariableKeys)


def safe_of(keys: SecretsKeys, home: Path, environ: Mapping[str, str]) -> Safe:
    """The store as a configuration has it."""
    source: KeySource
    if keys.key_from == "keyring":
        source = KeyringKeys()
    elif keys.key_from == "environment" or (keys.key_from == "auto" and environ.get(VARIABLE)):
        source = VariableKeys(environ)
    else:
        source = FileKeys(keys.key_file or home / "secrets.key")
    return Safe(keys.path or home / "secrets.sealed", source)


def _decoded(text: str, where: str) -> tuple[bytes, ...]:
    try:
        keys = tuple(base64.b64decode(word, validate=True) for word in text.replace(",", " ").split())
    except (binascii.Error, ValueError) as error:
        raise VaultError(f"{where} holds no key: 32 bytes in base64 are one") from error
    if any(len(key) != KEY_BYTES for key in keys):
        raise VaultError(f"{where} holds no key: 32 bytes in base64 are one")
    return keys


def _encoded(keys: tuple[bytes, ...]) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys) + "\n"
