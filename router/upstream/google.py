"""Tokens of Google's OAuth, by google-auth: service accounts, workload identities, logins, and machines' own accounts.

google-auth is no dependency of its own: the extra `google` brings it. It blocks, on files and on the network, so it is
called beside the loop.

Source: https://googleapis.dev/python/google-auth/latest/user-guide.html, read 2026-11.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from router.errors import Reason, WireFault
from router.upstream.tokens import Token

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

MISSING = "tokens of Google are fetched by google-auth: pip install pointsman[google]"

_READERS = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info"),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "external_account": ("google.auth.identity_pool", "from_info"),
}
"""What a file says it is -> the class of google-auth for it, and how one is made."""

_LIFETIME_S = 3600.0
_MARGIN_S = 10.0


class GoogleFetch:
    """google-auth's credentials, refreshed when a token is wanted. See `tokens.Fetch`.

    Args:
        credentials_file: None looks where Google's own tools do.
        utc_s: epoch seconds.
    """

    def __init__(self, credentials_file: str | None, utc_s: Callable[[], float]) -> None:
        self._file = credentials_file
        self._utc_s = utc_s
        self._lock = Lock()
        self._credentials: Any = None

    async def start(self) -> None:
        """Nothing: credentials are looked for with the first request, and may come later."""

    async def stop(self) -> None:
        """Nothing is kept open."""

    async def fetch(self) -> Token:
        """A new token. Raises `WireFault`: CREDENTIAL when none can be had, INTERNAL without the extra."""
        return await asyncio.to_thread(self._fetched)

    def _fetched(self) -> Token:
        try:
            auth = import_module("google.auth")
            errors = import_module("google.auth.exceptions")
            carrier = import_module("google.auth.transport.requests").Request()
        except ImportError:
            raise WireFault(Reason.INTERNAL, MISSING) from None
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._found(auth)
                self._credentials.refresh(carrier)
            except (errors.GoogleAuthError, OSError, ValueError) as error:
                # Its words quote the token server, and what was sent there.
                raise WireFault(Reason.CREDENTIAL, f"no token of Google can be had: {type(error).__name__}") from None
            finally:
                carrier.session.close()
            return self._token()

    def _found(self, auth: Any) -> Any:
        """google-auth's own reader of any file warns at each call that files of strangers are dangerous; this one is
        the operator's."""
        if self._file is None:
            return auth.default(scopes=SCOPES)[0]
        said = json.loads(Path(self._file).read_bytes())
        kind = said.get("type") if isinstance(said, dict) else None
        if kind not in _READERS:
            raise WireFault(
                Reason.CREDENTIAL,
                f"google.credentials_file is of none of the types {', '.join(_READERS)}; for others leave it out and"
                " set GOOGLE_APPLICATION_CREDENTIALS",
            )
        module, maker = _READERS[kind]
        return getattr(import_module(module).Credentials, maker)(said, scopes=SCOPES)

    def _token(self) -> Token:
        expiry: datetime | None = self._credentials.expiry
        if not self._credentials.token:
            raise WireFault(Reason.CREDENTIAL, "Google's credentials gave no token")
        if expiry is None:
            return Token(value=self._credentials.token, lifetime_s=_LIFETIME_S)
        # google-auth's dates are UTC without saying so.
        left_s = expiry.replace(tzinfo=UTC).timestamp() - self._utc_s()
        return Token(value=self._credentials.token, lifetime_s=max(left_s - _MARGIN_S, 0.0))
