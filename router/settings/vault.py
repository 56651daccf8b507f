"""The encrypted store of secrets: one file, AES-256-GCM, under a key that lies elsewhere.

    {"format": 1, "key": <which key>, "nonce": ..., "sealed": ..., "sum": <of all this>}

All secrets are sealed as one, so that none can be taken out, put back or exchanged. `sum` tells a file that was damaged
from one under another key, and `key` is a hash that tells nothing of the key but whether it is the one.

Source: NIST SP 800-38D (a random nonce of 96 bits), https://csrc.nist.gov/pubs/sp/800/38/d/final; cryptography's
AESGCM, https://cryptography.io/en/latest/hazmat/primitives/aead/, read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from router.settings.private import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


class VaultError(Exception):
    """The store cannot be used; the message says why, and quotes nothing of it."""


class WrongKey(VaultError):
    """The file is sound and was sealed with another key."""


class Damaged(VaultError):
    """The file is not what was written."""


class Kept(Struct, frozen=True):
    """One secret, and when it was set, in epoch seconds."""

    text: str
    at: float


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    key: bytes
    nonce: bytes
    sealed: bytes
    sum: bytes


_FILE = msgspec.json.Decoder(_File)
_SECRETS = msgspec.json.Decoder(dict[str, Kept])


class Vault:
    """The store at `path`. Every change writes all of it anew.

    Args:
        keys: the first seals; every one of them opens, so that a rotation may be interrupted.
    """

    def __init__(self, path: Path, keys: tuple[bytes, ...]) -> None:
        self._path = path
        self._keys = keys

    def read(self) -> dict[str, Kept]:
        """All secrets; none where there is no file. Raises `VaultError`."""
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise VaultError(f"{self._path} cannot be read: {error.strerror}") from error
        file = self._decoded(written)
        if file.format != _FORMAT:
            raise VaultError(f"{self._path} was written by another version of this program")
        key = next((key for key in self._keys if hmac.compare_digest(_name_of(key), file.key)), None)
        if key is None:
            raise WrongKey(f"{self._path} was sealed with another key")
        from cryptography.exceptions import InvalidTag  # 8 MB that a router without a store does not need

        try:
            return _SECRETS.decode(_cipher(key).decrypt(file.nonce, file.sealed, _head(file.key)))
        except (InvalidTag, ValueError, msgspec.DecodeError) as error:
            raise Damaged(f"{self._path} is damaged; put back a copy of it") from error

    def write(self, secrets: Mapping[str, Kept]) -> None:
        """Seal these, and no others. Raises `VaultError`."""
        if not self._keys:
            raise VaultError("there is no key to seal with")
        key = self._keys[0]
        nonce, name = os.urandom(_NONCE_BYTES), _name_of(key)
        sealed = _cipher(key).encrypt(nonce, msgspec.json.encode(secrets), _head(name))
        file = _File(_FORMAT, name, nonce, sealed, _sum(name, nonce, sealed))
        try:
            write_private(self._path, msgspec.json.encode(file))
        except OSError as error:
            raise VaultError(f"{self._path} cannot be written: {error.strerror}") from error

    def put(self, texts: Mapping[str, str], at: float, *, drop: frozenset[str] = frozenset()) -> None:
        """Set these beside the others, without those to drop. Raises `VaultError`."""
        left = {name: kept for name, kept in self.read().items() if name not in drop}
        self.write({**left, **{name: Kept(text, at) for name, text in texts.items()}})

    def remove(self, name: str) -> bool:
        """Whether there was one of that name; it is gone. Raises `VaultError`."""
        secrets = self.read()
        if secrets.pop(name, None) is None:
            return False
        self.write(secrets)
        return True

    def _decoded(self, written: bytes) -> _File:
        try:
            file = _FILE.decode(written)
        except msgspec.DecodeError as error:
            raise Damaged(f"{self._path} is damaged; put back a copy of it") from error
        if not hmac.compare_digest(file.sum, _sum(file.key, file.nonce, file.sealed)):
            raise Damaged(f"{self._path} is damaged; put back a copy of it")
        return file


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def is_name(text: str) -> bool:
    """Whether a secret may be called so."""
    return _NAME.fullmatch(text) is not None


def _name_of(key: bytes) -> bytes:
    return hmac.digest(key, b"pointsman: which key", "sha256")[:16]


def _head(name: bytes) -> bytes:
    """What is sealed beside the secrets without being secret."""
    return b"pointsman vault %d %b" % (_FORMAT, name)


def _sum(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
