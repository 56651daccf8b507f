"""What a provider kind is: where it listens, how it wants its key, which dialect it speaks."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from router.wire.dialect import Dialect

Headers = tuple[tuple[str, str], ...]


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of provider, as data.

    Args:
        name: the word in the configuration.
        dialect: the protocol it speaks.
        base_url: where it listens; None means the configuration must say.
        chat_path: appended to the base URL for chat.
        auth: key -> the headers that carry it.
        needs_key: whether a key must be configured.
        local: True when it runs on this machine: no URL, no key, models are found in a directory.
        price_id: the provider's id in the price table; None when its prices are unknown.
        system: the provider's name in telemetry, by the GenAI semantic conventions.
    """

    name: str
    dialect: Dialect
    base_url: str | None
    chat_path: str
    auth: Callable[[str], Headers]
    needs_key: bool
    system: str
    local: bool = False
    price_id: str | None = None


def bearer(key: str) -> Headers:
    """The key as an OAuth bearer token; no header at all for an empty key (servers on one's own machine)."""
    return (("authorization", f"Bearer {key}"),) if key else ()
