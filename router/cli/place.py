"""Where a command finds the running router, and what it shows there."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from msgspec import Struct

from router.cli.configuration import or_exit
from router.cli.sign import sign_in
from router.front.paths import is_operational
from router.settings import ConfigInvalid, listeners_of

CLIENT_KEY, ADMIN_KEY = "POINTSMAN_API_KEY", "POINTSMAN_ADMIN_KEY"
"""The variables that hold a key: an argument could be read by everybody on the machine."""

_HERE = ("127.0.0.1", "::1", "localhost")
"""Hosts of an address that are this machine."""

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to ask who listens on every address."""


class Place(Struct, frozen=True, kw_only=True):
    """One running router, as far as a command knows.

    Args:
        url: where callers are heard, without a slash at its end.
        admin_url: where administration is.
        found: how it was found, for whoever does not find it there.
        admin_key: what administration asks for; None where nobody said.
        keyed_by: where that key is from, in words.
        certificate: the file of the only certificate to trust; None trusts whom the system does.
        here: it is on this machine: no proxy lies between.
    """

    url: str
    admin_url: str
    found: str
    admin_key: str | None = None
    keyed_by: str = ""
    certificate: Path | None = None
    here: bool = False

    def base_of(self, path: str) -> str:
        """Where that path is asked."""
        return self.admin_url if is_operational(path) else self.url

    def headers_for(self, path: str) -> dict[str, str]:
        """With the key of whom the path is for, where there is one."""
        headers = {"content-type": "application/json"}
        client = os.environ.get(CLIENT_KEY)
        if path.startswith("/v1/"):
            return headers | ({"authorization": f"Bearer {client}"} if client else {})
        return headers | ({"x-admin-key": self.admin_key} if self.admin_key else {})

    def open(self, request: Request, within_s: float) -> Any:
        """An answer. Raises as `urllib.request.urlopen`."""
        direct = (ProxyHandler({}),) if self.here else ()
        secure = (HTTPSHandler(context=self._tls()),) if request.type == "https" else ()  # not read for nothing: 50 ms
        return build_opener(*direct, *secure).open(request, timeout=within_s)

    def _tls(self) -> ssl.SSLContext:
        """Of a router of this machine its own certificate is trusted and no other, whatever names stand in it."""
        if self.certificate is None:
            return ssl.create_default_context()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        tls.load_verify_locations(cadata=_first_in(self.certificate.read_text()))
        return tls

    def keys_said(self, path: str) -> str:
        """What whoever is not let in can do."""
        if path.startswith("/v1/"):
            return f"put the key into {CLIENT_KEY}"
        if self.admin_key:
            return f"the admin key {self.keyed_by} is not this router's; put the right one into {ADMIN_KEY}"
        return f"put the key into {ADMIN_KEY}, or name the router's configuration by --config"


def place_of(url: str | None, config: Path | None) -> Place:
    """The router at `url`; or else that of a configuration, or of the environment: where its home says that it serves,
    or where it would. Exits with 2 where that cannot be read."""
    if url is not None:
        url = url.rstrip("/")
        named = None if config is None else _configured(config)
        return Place(
            url=url,
            admin_url=url,
            found="as --url says",
            here=urlsplit(url).hostname in _HERE,
            **_keyed(None if named is None else named.admin_key),
        )
    return _configured(config)


def _configured(config: Path | None) -> Place:
    listeners = or_exit(config, lambda: listeners_of(config, os.environ))
    sign = sign_in(listeners.home)
    if sign is not None:
        if config is None and sign.config is not None:
            config = Path(sign.config)
            # Whoever is just editing that file wants to know how the router is all the same.
            with suppress(ConfigInvalid):
                listeners = listeners_of(config, os.environ)
        url, admin_url, found = sign.url, sign.admin_url or sign.url, f"as it says in {listeners.home}"
    else:
        server, admin = listeners.server, listeners.admin
        scheme = "https" if server.tls_cert else "http"
        url = admin_url = url_of(scheme, server.host, server.port)
        if admin.port is not None:
            admin_url = url_of(scheme, admin.host, admin.port)
        whose = "the configuration of the environment" if config is None else str(config)
        found = f"as {whose} says; no router says in {listeners.home} that it serves"
    key = listeners.admin.key
    return Place(
        url=url,
        admin_url=admin_url,
        found=found,
        certificate=listeners.server.tls_cert if url.startswith("https:") else None,
        here=True,
        **_keyed(key.reveal() if key else None, f"of {config}"),
    )


def _keyed(configured: str | None, where: str = "of --config") -> Mapping[str, Any]:
    """The environment's key comes first: whoever sets it means it."""
    given = os.environ.get(ADMIN_KEY)
    return {"admin_key": given or configured, "keyed_by": f"in {ADMIN_KEY}" if given else where}


def url_of(scheme: str, host: str, port: int) -> str:
    """Where this machine asks a listener."""
    host = _ANY.get(host, host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _first_in(pem: str) -> str:
    """The certificate itself, without those that vouch for it. Raises `ValueError` where there is none."""
    end = "-----END CERTIFICATE-----"
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[begin : pem.index(end, begin) + len(end)]
