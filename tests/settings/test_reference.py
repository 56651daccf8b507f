"""The files people start from are held to the schema: each key, its default, its unit, its meaning."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from router.settings import REQUIRED, Key, describe, from_environment, load
from tests.conftest import ROOT

CONFIG = ROOT / "config"
REFERENCE = CONFIG / "reference.yaml"
KEYS = describe()
_ABSENT = object()

EXAMPLES = {
    "keys.<name>.sha256",
    "budgets.<name>.usd",
    "providers.<name>.api_key",
    "providers.<name>.base_url",
    "providers.<name>.keys",
    "providers.<name>.models",
    "providers.<name>.models[].upstream",
    "providers.<name>.models[].price",
    "providers.<name>.models[].price.tiers",
    "providers.<name>.entra",
    "providers.<name>.google",
    "providers.<name>.google.project",
    "providers.<name>.aws",
    "providers.<name>.aws.region",
    "failover_groups.<name>.targets",
    "failover_groups.<name>.hedge",
}
"""Keys that the reference shows with an example, and their default beside it."""


def found(tree: Any, path: str) -> list[Any]:
    """Every value that the reference has for a path of the schema."""
    values = [tree]
    for part in re.findall(r"<name>|\[\]|[a-z0-9_]+", path):
        if part == "<name>":
            values = [item for value in values for item in value.values()]
        elif part == "[]":
            values = [item for value in values for item in value if isinstance(item, dict)]
        else:
            values = [value[part] for value in values if isinstance(value, dict) and part in value]
    return values


def written(default: Any) -> Any:
    """A default as YAML has it."""
    if isinstance(default, Decimal):
        return int(default) if default == int(default) else float(default)
    if isinstance(default, Path):
        return str(default)
    return list(default) if isinstance(default, tuple) else default


def test_the_reference_shows_every_key_with_its_default() -> None:
    """A default that changes in the schema changes there too."""
    tree = yaml.safe_load(REFERENCE.read_text())
    shown = {key.path: found(tree, key.path) for key in KEYS}
    assert [path for path, values in shown.items() if not values] == []
    free = {key.path for key in KEYS if key.default is REQUIRED} | EXAMPLES
    defaults = {key.path: written(key.default) for key in KEYS if key.path not in free}
    others = {path: [value for value in shown[path] if value != default] for path, default in defaults.items()}
    assert {path: values for path, values in others.items() if values} == {}


def test_the_reference_shows_every_unit() -> None:
    """Behind the value, as a comment."""
    lines = REFERENCE.read_text().splitlines()
    wrong = {}
    for key in KEYS:
        name = key.path.rpartition(".")[2]
        shown = [line for line in lines if re.match(rf"\s*(- )?{name}:", line)]
        bare = [line for line in shown if not re.search(rf"#.*\b{re.escape(key.unit)}\b", line)]
        if key.unit and (bare or not shown):
            wrong[key.path] = bare or "not there"
    assert wrong == {}


def test_the_reference_says_no_more_than_the_schema_has() -> None:
    """It loads; with its examples it differs from a bare configuration in nothing else."""
    settings = load(REFERENCE, {"OPENAI_API_KEY": "k", "HOME": "/somewhere"})
    bare = load({"providers": {"local": {"kind": "llama-cpp"}}}, {"HOME": "/somewhere"})
    assert settings.providers["local"] == bare.providers["local"]
    shown = ("providers", "failover_groups", "keys", "budgets", "server")
    sections = [name for name in bare.__struct_fields__ if name not in shown]
    # An example of a key is a key, and whoever has one asks for it.
    assert replace(settings.server, keys_required=False) == bare.server
    assert [name for name in sections if getattr(settings, name) != getattr(bare, name)] == []


def test_the_shipped_configuration_runs_with_an_empty_environment() -> None:
    """No key, no variable, no network."""
    settings = load(CONFIG / "pointsman.yaml", {})
    assert list(settings.providers) == ["local"]
    assert settings.server == from_environment({}).server
    assert settings.providers["local"] == from_environment({}).providers["local"]


def test_the_comments_of_the_shipped_configuration_run_too() -> None:
    """What a reader takes out of a comment must be right the first time."""
    text = (CONFIG / "pointsman.yaml").read_text()
    text = re.sub(r"^  #( {1}.*)?$", lambda line: f" {line[1] or ''}", text, flags=re.MULTILINE)
    text = re.sub(r"\[local\] # (\[.*\])", r"\1", text)
    tree = yaml.safe_load(re.sub(r"^  [A-Z].*\.$", "", text, flags=re.MULTILINE))
    settings = load(tree, {"OPENAI_API_KEY": "k", "OPENROUTER_API_KEY": "k"})
    assert list(settings.providers) == ["main", "router", "local"]
    assert len(settings.failover_groups["chat"].targets) == 3


def test_every_key_has_a_meaning() -> None:
    """Its line in the docstring of its section."""
    assert [key.path for key in KEYS if not key.meaning] == []


def shown(default: Any) -> str:
    """A default as the documentation has it."""
    if default is REQUIRED:
        return "required"
    if default is None:
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}`" if default < 1e5 else f"`{default:.0f}`"
    return f"`{written(default)}`"


def row(key: Key) -> str:
    """A key's line in the documentation."""
    return f"| `{key.path}` | {shown(key.default)} | {key.unit} | {key.wanted}: {key.meaning} |"


def test_the_documentation_has_a_row_for_every_key() -> None:
    """With default, unit, bounds and meaning as the schema has them, in its order."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = [line for line in text.splitlines() if re.match(r"\| `(?:[a-z_]+\.|home)", line)]
    assert rows == [row(key) for key in KEYS]


def test_a_section_is_no_key() -> None:
    """Only what holds a value is described, and a list or a mapping of values is one."""
    paths = {key.path for key in KEYS}
    assert {"providers.<name>.models", "providers.<name>.headers", "providers.<name>.models[].price"} <= paths
    assert paths.isdisjoint({"server", "providers", "failover_groups", "providers.<name>.timeouts"})
    assert all(not isinstance(key.default, Struct) for key in KEYS)
