"""Which keys each kind of provider needs and takes. Kinds are open: whoever calls `load` says which are installed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class KindRules(Struct, frozen=True, kw_only=True):
    """What a kind of provider asks of its configuration.

    Args:
        needs_base_url: it has no address of its own.
        needs_key: it answers nobody without a key.
        local: it runs on this machine: it takes the keys of local models, and no key, address or header.
    """

    needs_base_url: bool = False
    needs_key: bool = False
    local: bool = False


BUILT_IN: Mapping[str, KindRules] = {
    "openai": KindRules(needs_key=True),
    "openai-compatible": KindRules(needs_base_url=True),
    "llama-cpp": KindRules(local=True),
}
"""The kinds that come with the router."""
