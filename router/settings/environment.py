"""What the environment says where no file does: the variables of older systems, and the keys of known providers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from router.settings.expand import Expanded
from router.settings.faults import Findings, Where

LOCAL_NAME = "local"
_LOCAL: Mapping[str, object] = {
    "kind": "llama-cpp",
    "dispatch": "fallback",
    # Its first request waits for a model to be loaded, and that is its connecting.
    "timeouts": {"connect_s": 60},
}
_AUTO = "auto"
_LEAST_ATTEMPTS = 3

OVERRIDES: Mapping[str, Where] = {
    "FAILOVER_STRATEGY": ("failover", "strategy"),
    "FAILOVER_MAX_ATTEMPTS": ("failover", "max_attempts"),
    "CIRCUIT_BREAKER_FAILURE_THRESHOLD": ("breaker", "failure_threshold"),
    "CIRCUIT_BREAKER_RECOVERY_TIMEOUT": ("breaker", "recovery_timeout_s"),
    "RETRY_MAX_ATTEMPTS": ("retry", "max_attempts"),
    "RETRY_BASE_DELAY_MS": ("retry", "base_delay_ms"),
    "RETRY_BACKOFF_FACTOR": ("retry", "backoff_factor"),
}
"""Variable -> the key that it sets where the file does not."""


class KnownKey(Struct, frozen=True, kw_only=True):
    """A provider that a key in the environment is enough for.

    Args:
        variable: where its key is usually kept.
        also: other names of that variable, asked in this order where it is not set.
        models: the first one is what `auto` asks for: cheap, and taking every parameter of OpenAI's chat.
    """

    variable: str
    name: str
    models: tuple[str, ...]
    kind: str = "openai-compatible"
    base_url: str | None = None
    also: tuple[str, ...] = ()

    def set_in(self, environ: Mapping[str, str]) -> str | None:
        """The first of its variables that holds something."""
        return next((name for name in (self.variable, *self.also) if environ.get(name)), None)


KNOWN_KEYS: tuple[KnownKey, ...] = (
    KnownKey(
        variable="OPENAI_API_KEY",
        name="openai",
        kind="openai",
        models=("gpt-4.1-mini", "gpt-4.1", "gpt-4o-mini", "gpt-4o", "gpt-5.4-mini", "gpt-5.4"),
    ),
    KnownKey(
        variable="ANTHROPIC_API_KEY",
        name="anthropic",
        kind="anthropic",
        models=("claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5"),
    ),
    KnownKey(
        variable="OPENROUTER_API_KEY",
        name="openrouter",
        kind="openrouter",
        models=("openrouter/auto", "~anthropic/claude-sonnet-latest", "~anthropic/claude-haiku-latest"),
    ),
    KnownKey(
        variable="GROQ_API_KEY",
        name="groq",
        kind="groq",
        models=("openai/gpt-oss-120b", "openai/gpt-oss-20b", "llama-3.3-70b-versatile"),
    ),
    KnownKey(
        variable="MISTRAL_API_KEY",
        name="mistral",
        kind="mistral",
        models=("mistral-small-latest", "mistral-medium-latest"),
    ),
    KnownKey(
        variable="DEEPSEEK_API_KEY",
        name="deepseek",
        kind="deepseek",
        models=("deepseek-flash",),
    ),
    KnownKey(
        variable="TOGETHER_API_KEY",
        name="together",
        kind="together",
        models=("openai/gpt-oss-120b", "zai-org/GLM-5.3-Flash"),
    ),
    KnownKey(variable="XAI_API_KEY", name="xai", kind="xai", models=("grok-4.3", "grok-4.7")),
    KnownKey(
        variable="GEMINI_API_KEY",
        also=("GOOGLE_API_KEY",),
        name="gemini",
        kind="gemini",
        models=("gemini-3.7-flash", "gemini-3.8-flash"),
    ),
    KnownKey(
        variable="ZAI_API_KEY",
        name="zai",
        kind="zai",
        models=("glm-5.3-flash", "glm-5.3"),
    ),
    KnownKey(
        variable="COHERE_API_KEY",
        name="cohere",
        kind="cohere",
        models=("command-a-03-2025",),
    ),
    KnownKey(variable="CEREBRAS_API_KEY", name="cerebras", kind="cerebras", models=("gpt-oss-120b",)),
    KnownKey(
        variable="FIREWORKS_API_KEY",
        name="fireworks",
        kind="fireworks",
        models=("accounts/fireworks/models/gpt-oss-20b",),
    ),
    KnownKey(
        variable="AI21_API_KEY",
        name="ai21",
        kind="ai21",
        models=("jamba-mini", "jamba-large"),
    ),
)
"""Providers that need nothing but a key, in the order `auto` asks them.

Source: the providers' own API references, read 2026-11.
"""


def write_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """The document that a file would hold: a provider for each known key, the local one after them, and `auto` over
    all of them, with an attempt for each."""
    known = ((each, each.set_in(environ)) for each in KNOWN_KEYS)
    providers: dict[str, object] = {each.name: _written(each, variable) for each, variable in known if variable}
    providers[LOCAL_NAME] = _LOCAL
    group: dict[str, object] = {"targets": list(providers)}
    if not environ.get("FAILOVER_MAX_ATTEMPTS"):
        group["max_attempts"] = max(_LEAST_ATTEMPTS, len(providers))
    return {"providers": providers, "failover_groups": {_AUTO: group}}


def _written(known: KnownKey, variable: str) -> dict[str, object]:
    return {
        "kind": known.kind,
        "api_key": f"${{{variable}}}",
        "base_url": known.base_url,
        "models": list(known.models),
    }


def add_overrides(tree: object, environ: Mapping[str, str], findings: Findings) -> object:
    """The tree with what the variables say where it says nothing; a fault there names the variable."""
    if not isinstance(tree, Mapping):
        return tree
    merged = dict(tree)
    for variable, (section, key) in OVERRIDES.items():
        value = environ.get(variable)
        written = merged.get(section)
        inside = {} if written is None else written
        if not value or not isinstance(inside, Mapping) or inside.get(key) is not None:
            continue
        merged[str(section)] = {**inside, key: Expanded(value.strip())}
        findings.origins[(section, key)] = variable
    return merged


def add_home(tree: object, environ: Mapping[str, str], working_folder: Path) -> object:
    """The tree with its `home`. A relative `$POINTSMAN_HOME` is relative to the working folder, as in a shell."""
    if not isinstance(tree, Mapping) or tree.get("home") is not None:
        return tree
    home = environ.get("POINTSMAN_HOME")
    stands = working_folder / home if home and not home.startswith("~") else home or "~/.pointsman"
    return {**tree, "home": stands}
