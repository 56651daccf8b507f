"""Which keys each kind of provider needs and takes. Kinds are open: whoever calls `load` says which are installed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class KindRules(Struct, frozen=True, kw_only=True):
    """What a kind of provider asks of its configuration.

    Args:
        needs_base_url: it has no address of its own.
        needs_key: it answers nobody without a key.
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
    broken: str | None = None


BUILT_IN: Mapping[str, KindRules] = {
    "openai": KindRules(needs_key=True),
    "openai-responses": KindRules(needs_key=True),
    "openai-compatible": KindRules(needs_base_url=True),
    "anthropic": KindRules(needs_key=True),
    "anthropic-compatible": KindRules(needs_base_url=True),
    "llama-cpp": KindRules(local=True),
    "azure": KindRules(needs_base_url=True, needs_key=True, grant="entra"),
    "bedrock": KindRules(needs_base_url=True, grant="aws", located_by="region"),
    "cerebras": KindRules(needs_key=True),
    "cohere": KindRules(needs_key=True),
    "deepseek": KindRules(needs_key=True),
    "fireworks": KindRules(needs_key=True),
    "gemini": KindRules(needs_key=True),
    "groq": KindRules(needs_key=True),
    "huggingface": KindRules(needs_key=True),
    "llamacpp-server": KindRules(),
    "lmstudio": KindRules(),
    "mistral": KindRules(needs_key=True),
    "ollama": KindRules(),
    "opencode": KindRules(needs_key=True),
    "openrouter": KindRules(needs_key=True),
    "perplexity": KindRules(needs_key=True),
    "together": KindRules(needs_key=True),
    "vertex": KindRules(needs_key=True, grant="google", located_by="project"),
    "vllm": KindRules(),
    "xai": KindRules(needs_key=True),
    "zai": KindRules(needs_key=True),
}
"""The kinds that come with the router; a test holds them to what their own files say."""
