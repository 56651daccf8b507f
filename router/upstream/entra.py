"""Tokens of Microsoft's Entra ID: an application with a secret, a workload identity, or the machine's own identity.

Each is one HTTP request, so it is made with our own transport: azure-identity would bring its own HTTP client, threads
and retries for the same three forms.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token and
https://learn.microsoft.com/azure/app-service/overview-managed-identity, read 2026-11.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from router.errors import Reason, WireFault
from router.upstream.tokens import Token
from router.upstream.transport import Transport, UpstreamRequest

AUTHORITY = "https://login.microsoftonline.com"
MACHINE = "http://169.254.169.254/metadata/identity/oauth2/token"
"""Where a virtual machine asks for its own identity's tokens; the same link-local address on every machine."""

_MACHINE_VERSION = "2018-02-01"
_APP_VERSION = "2019-08-01"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
_CONNECT_S = 5.0
_MOST_BYTES = 256 * 1024


class EntraRules(Struct, frozen=True, kw_only=True):
    """Whose tokens, and what for; what is None is taken from the environment. See `settings.schema.grants`."""

    scope: str
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_file: str | None = None
    authority: str | None = None


class _Granted(Struct, frozen=True):
    """A token; its lifetime is a number in one of the services, digits in the others."""

    access_token: str
    expires_in: int | str = 3600


class _Denied(Struct, frozen=True):
    """`error` is a word of OAuth's, `error_codes` are Microsoft's numbers; what else it says quotes the request."""

    error: str = ""
    error_codes: tuple[int, ...] = ()


_UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)
_GRANTED = Decoder(_Granted)
_DENIED = Decoder(_Denied)


class EntraFetch:
    """One request for one token. See `tokens.Fetch`."""

    def __init__(self, rules: EntraRules, transport: Transport, environ: Mapping[str, str] | None = None) -> None:
        self._rules = rules
        self._transport = transport
        self._environ = os.environ if environ is None else environ

    async def start(self) -> None:
        """Take a connection pool of its own: tokens come from elsewhere than answers."""
        await self._transport.start()

    async def stop(self) -> None:
        """Give it back."""
        await self._transport.stop()

    async def fetch(self) -> Token:
        """A new token. Raises `WireFault`, CREDENTIAL, when none can be had; its words hold no secret."""
        request = await self._request()
        try:
            async with self._transport.send(request) as reply:
                body = await reply.read(_MOST_BYTES)
                status = reply.status
        except WireFault as error:
            raise WireFault(Reason.CREDENTIAL, f"no token of Entra ID can be had: {error.message}") from None
        if status != 200:
            raise WireFault(Reason.CREDENTIAL, f"Entra ID refused a token ({_why(status, body)})", status=status)
        try:
            granted = _GRANTED.decode(body)
            return Token(value=granted.access_token, lifetime_s=float(granted.expires_in))
        except (*_UNREADABLE, ValueError):
            raise WireFault(Reason.CREDENTIAL, "Entra ID answered with something that holds no token") from None

    async def _request(self) -> UpstreamRequest:
        """The application's request where there is a secret or a token to show, else the machine's."""
        secret = self._rules.client_secret or self._environ.get("AZURE_CLIENT_SECRET")
        file = self._rules.token_file or self._environ.get("AZURE_FEDERATED_TOKEN_FILE")
        if secret and not self._rules.token_file:
            return self._application({"client_secret": secret})
        if file:
            shown = await asyncio.to_thread(_read, file)
            return self._application({"client_assertion_type": _ASSERTION, "client_assertion": shown})
        return self._machine()

    def _application(self, shown: Mapping[str, str]) -> UpstreamRequest:
        authority = self._rules.authority or self._environ.get("AZURE_AUTHORITY_HOST") or AUTHORITY
        tenant = self._rules.tenant_id or self._environ.get("AZURE_TENANT_ID")
        client = self._rules.client_id or self._environ.get("AZURE_CLIENT_ID")
        if not tenant or not client:
            raise WireFault(Reason.CREDENTIAL, "entra.tenant_id or entra.client_id is not set, nor its variable")
        form = {"grant_type": "client_credentials", "client_id": client, "scope": self._rules.scope, **shown}
        return UpstreamRequest(
            method="POST",
            url=f"{authority.rstrip('/')}/{quote(tenant, safe='')}/oauth2/v2.0/token",
            headers=_FORM,
            body=urlencode(form).encode(),
            connect_s=_CONNECT_S,
        )

    def _machine(self) -> UpstreamRequest:
        """A managed identity: of an app, which is told where to ask, or of the machine."""
        asked = {"resource": self._rules.scope.removesuffix("/.default")}
        client = self._rules.client_id or self._environ.get("AZURE_CLIENT_ID")
        if client:
            asked["client_id"] = client
        place, pass_word = self._environ.get("IDENTITY_ENDPOINT"), self._environ.get("IDENTITY_HEADER")
        if place and pass_word:
            url, headers = place, (("x-identity-header", pass_word),)
            asked["api-version"] = _APP_VERSION
        else:
            url, headers = MACHINE, (("metadata", "true"),)
            asked["api-version"] = _MACHINE_VERSION
        return UpstreamRequest(
            method="GET", url=f"{url}?{urlencode(asked)}", headers=headers, body=b"", connect_s=_CONNECT_S
        )


def _read(file: str) -> str:
    """A workload identity's own token; whoever issues it writes it anew before it ends."""
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WireFault(Reason.CREDENTIAL, f"entra.token_file cannot be read: {type(error).__name__}") from None


def _why(status: int, body: bytes) -> str:
    try:
        denied = _DENIED.decode(body)
    except _UNREADABLE:
        denied = _Denied()
    word = denied.error if denied.error.isascii() and denied.error.replace("_", "").isalpha() else ""
    return ", ".join(filter(None, (f"status {status}", word, *(f"AADSTS{code}" for code in denied.error_codes[:2]))))
