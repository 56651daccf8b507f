"""What stands for a secret in a configuration: `file:PATH` and `secret:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from router.settings.secret import Secret
from router.settings.vault import Kept, VaultError, is_name
from router.settings.vaultkey import Safe

FILE, STORED = "file:", "secret:"
_MOST_BYTES = 65_536


def is_reference(text: object) -> bool:
    """Whether a value names a secret instead of being one."""
    return isinstance(text, str) and (text.startswith((FILE, STORED)) or "${" in text)


class References:
    """Finds what they stand for. The store is opened when the first one asks for it, and once. `files` are those that
    secrets were looked for in; not one that can be read only once.

    Args:
        path_of: a path as it was written -> where it leads.
        safe: the store.
        pending: secrets that are about to be put into it.
    """

    def __init__(self, path_of: Callable[[str], Path], safe: Safe, pending: Mapping[str, str]) -> None:
        self._path_of = path_of
        self._safe = safe
        self._pending = pending
        self._stored: dict[str, Kept] | None = None
        self.files: dict[Path, None] = {}

    def find(self, text: str) -> Secret | str | None:
        """The secret, or why there is none in words that quote nothing; None for a text that is no reference."""
        if text.startswith(FILE):
            return self._from_file(text.removeprefix(FILE))
        if text.startswith(STORED):
            return self._from_store(text.removeprefix(STORED))
        return None

    def _from_file(self, written: str) -> Secret | str:
        if not written or "\0" in written:
            return "file: must be followed by the path of a file"
        path = self._path_of(written)
        if path.is_file():
            self.files[path] = None
        try:
            content = path.read_bytes()[: _MOST_BYTES + 1]
        except OSError as error:
            return f"the file {path} cannot be read: {(error.strerror or type(error).__name__).lower()}"
        if len(content) > _MOST_BYTES:
            return f"the file {path} is too large for a key"
        try:
            # Editors and `echo` end a file with a line break that is no part of the key.
            text = content.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            return f"the file {path} is not UTF-8 text"
        return Secret(text) if text else f"the file {path} is empty"

    def _from_store(self, name: str) -> Secret | str:
        if not is_name(name):
            return "secret: must be followed by a name from `pointsman secrets list`"
        if name in self._pending:
            return Secret(self._pending[name])
        try:
            if self._stored is None:
                self._stored = self._safe.open().read()
        except VaultError as error:
            return f"the store of secrets cannot be opened: {error}"
        kept = self._stored.get(name)
        return (
            f"no secret {name} is stored; `pointsman secrets set {name}` does that"
            if kept is None
            else Secret(kept.text)
        )
