"""What a provider kind is: where it listens, how it wants its key, which dialect it speaks and how it bends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

from router.providers.limits import LimitHeaders
from router.providers.quirks import Quirks
from router.wire.dialect import Dialect

Headers = tuple[tuple[str, str], ...]


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of provider, as data.

    Args:
        name: the word in the configuration.
        dialect: the protocol it speaks.
        base_url: where it listens; None means the configuration must say.
        auth: key -> the headers that carry it.
        needs_key: whether a key must be configured.
        system: the provider's name in telemetry, by the GenAI semantic conventions.
        chat_path: appended to the base URL for chat.
        url: (base URL, upstream model, whether to stream) -> where chat goes, for a kind whose model stands in the
            URL; None appends `chat_path`.
        headers: sent with every request, lower-case names; a configured header of the same name wins.
        quirks: how a body of its dialect must be changed for it; None leaves every byte alone.
        relays: False when its answers are not quite what clients of its dialect read, so that they are translated even
            for these.
        local: True when it runs on this machine: no URL, no key, models are found in a directory.
        price_id: the provider's id in the price table; None when its prices are unknown.
        key_variable: the environment variable its own tools read their key from; "" when there is none.
        aws_service: the service name in AWS signatures, for requests that carry no key; None when it takes none.
        limits: the rate-limit headers of its answers.
    """

    name: str
    dialect: Dialect
    base_url: str | None
    auth: Callable[[str], Headers]
    needs_key: bool
    system: str
    chat_path: str = "/chat/completions"
    url: Callable[[str, str, bool], str] | None = None
    headers: Headers = ()
    quirks: Quirks | None = None
    relays: bool = True
    local: bool = False
    price_id: str | None = None
    key_variable: str = ""
    aws_service: str | None = None
    limits: LimitHeaders = ()

    def address(self, base_url: str, model: str, stream: bool) -> str:
        """Where a chat request goes; `base_url` without a slash at its end."""
        return base_url + self.chat_path if self.url is None else self.url(base_url, model, stream)


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters in its query; one that it has already takes the new value."""
    if not parameters:
        return url
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **parameters})).geturl()


def bearer(key: str) -> Headers:
    """The key as an OAuth bearer token; no header at all for an empty key (servers on one's own machine)."""
    return (("authorization", f"Bearer {key}"),) if key else ()


def key_header(name: str) -> Callable[[str], Headers]:
    """The key in a header of its own; no header at all for an empty key."""
    return lambda key: ((name, key),) if key else ()
