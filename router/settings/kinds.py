"""Which keys each kind of provider needs and takes. Kinds are open: whoever calls `load` says which are installed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class KindRules(Struct, frozen=True, kw_only=True):
    """What a kind of provider asks of its configuration.

    Args:
        needs_base_url: it has no address of its own.
        needs_key: it answers nobody without a key.
        lists: it can be asked which models it has.
        broken: why it cannot be used though it is installed; None when it can.
        grant: the section whose credentials it takes in place of a key; "" for none.
        located_by: the key of that section which stands in for a base URL; "" for none.
        local: it runs on this machine: it takes the keys of local models, and no key, address or header.
    """

    needs_base_url: bool = False
    needs_key: bool = False
    local: bool = False
    grant: str = ""
    located_by: str = ""
    lists: bool = False
    broken: str | None = None


BUILT_IN: Mapping[str, KindRules] = {
    "openai": KindRules(needs_key=True, lists=True),
    "openai-responses": KindRules(needs_key=True, lists=True),
    "openai-compatible": KindRules(needs_base_url=True, lists=True),
    "anthropic": KindRules(needs_key=True, lists=True),
    "anthropic-compatible": KindRules(needs_base_url=True),
    "llama-cpp": KindRules(local=True),
    "ai21": KindRules(needs_key=True),
    "azure": KindRules(needs_base_url=True, needs_key=True, grant="entra"),
    "bedrock": KindRules(needs_base_url=True, grant="aws", located_by="region"),
    "cerebras": KindRules(needs_key=True, lists=True),
    "cohere": KindRules(needs_key=True, lists=True),
    "deepseek": KindRules(needs_key=True, lists=True),
    "fireworks": KindRules(needs_key=True, lists=True),
    "gemini": KindRules(needs_key=True, lists=True),
    "github-models": KindRules(needs_key=True, lists=True),
    "groq": KindRules(needs_key=True, lists=True),
    "huggingface": KindRules(needs_key=True, lists=True),
    "llamacpp-server": KindRules(lists=True),
    "lmstudio": KindRules(lists=True),
    "mistral": KindRules(needs_key=True, lists=True),
    "ollama": KindRules(lists=True),
    "opencode": KindRules(needs_key=True, lists=True),
    "openrouter": KindRules(needs_key=True, lists=True),
    "perplexity": KindRules(needs_key=True, lists=True),
    "together": KindRules(needs_key=True, lists=True),
    "vertex": KindRules(needs_key=True, grant="google", located_by="project"),
    "vllm": KindRules(lists=True),
    "xai": KindRules(needs_key=True, lists=True),
    "zai": KindRules(needs_key=True, lists=True),
}
"""The kinds that come with the router; a test holds them to what their own files say."""
