"""Who operates a running router: where it is asked to change, and where its secrets lie."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from router.settings.schema.keys import Keys

KeyFrom = Literal["auto", "file", "environment", "keyring"]


class SecretsKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The encrypted store that `secret:NAME` reads from, and its key.

    Args:
        path: the store; left out, `secrets.sealed` under `home`.
        key_from: where its key is: `file`, `environment` (`POINTSMAN_SECRETS_KEY`), the system's `keyring` (which needs
            `pointsman[keyring]`); `auto` takes the variable where it is set, and else the file.
        key_file: the file of the key, which nobody but its owner may read; left out, `secrets.key` under `home`.
    """

    path: Path | None = None
    key_from: KeyFrom = "auto"
    key_file: Path | None = None


class ReloadKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the configuration is read again, beside SIGHUP and `POST /config/reload`.

    Args:
        watch: whether a change of the file is noticed.
    """

    watch: bool = True
