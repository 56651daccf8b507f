"""Who may ask a gateway that has no keys of its own: programs of this machine, and no web page from elsewhere.

A page that a browser of this machine shows can send requests here, and by a name of its own that leads to 127.0.0.1 it
can read the answers too. What a page cannot forge is what the browser says of it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]*)?")


@lru_cache(maxsize=256)
def is_loopback(host: str | None) -> bool:
    """Whether a host, a name or an address without port or brackets, can be this machine only."""
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def admit_local(headers: Mapping[str, str]) -> None:
    """Let pass what a program of this machine sends. Raises `HTTPForbidden` with the reason."""
    host, origin = headers.get("host"), headers.get("origin")
    if host is not None and not _names_loopback(host):
        raise web.HTTPForbidden(reason="this gateway hears its own machine only: the Host header must be localhost")
    if headers.get("sec-fetch-site") == "cross-site" or (origin is not None and not is_loopback(_name(origin))):
        raise web.HTTPForbidden(reason="this gateway takes no requests from web pages of other sites")


def key_in(headers: Mapping[str, str]) -> str:
    """The client key of a request, as OpenAI's clients send one or as Anthropic's do; "" for none."""
    bearer = headers.get("authorization", "")
    given = bearer[7:] if bearer[:7].lower() == "bearer " else headers.get("x-api-key", "")
    return given.strip()


def admit_keyed(key: str | None, admit: Callable[[Mapping[str, str]], None]) -> Callable[[Mapping[str, str]], None]:
    """Let pass whom `admit` does if they have the key, as `Authorization: Bearer` or `x-admin-key`"""
    if key is None:
        return admit

    def admit_operator(headers: Mapping[str, str]) -> None:
        admit(headers)
        if not has_key(headers, key):
            raise web.HTTPUnauthorized(
                reason="this path needs the admin key", headers={"www-authenticate": 'Bearer realm="pointsman admin"'}
            )

    return admit_operator


def has_key(headers: Mapping[str, str], key: str) -> bool:
    """Whether a request carries the admin key."""
    bearer = headers.get("authorization", "")
    given = headers.get("x-admin-key") or (bearer[7:] if bearer[:7].lower() == "bearer " else "")
    return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), key.encode())


def admit_all(headers: Mapping[str, str]) -> None:
    """Under a host's application that is the host's to say."""


@lru_cache(maxsize=256)
def _names_loopback(header: str) -> bool:
    return is_loopback(_host_of(header))


def _host_of(header: str) -> str | None:
    """The host of a Host header; None for one with anything but a host and a port in it, which some would read in one
    way and some in another."""
    found = _HOST.fullmatch(header)
    return None if found is None else found["address"] or found["name"]


def _name(url: str) -> str | None:
    """The host of a URL; None when it cannot be read."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
