"""Three formats, one tree; and what a file does that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.settings import ConfigInvalid, load

YAML = """
server: {port: 8100, drain_s: 2.5}
providers:
  main:
    kind: openai
    api_key: ${KEY}
    models: [small, {name: large, upstream: large-2, price: {input_per_mtok: 0.15, output_per_mtok: 0.6}}]
    dispatch: off
    headers: {X-Team: one}
  local: {kind: llama-cpp, n_ctx: 2048, flash_attn: true}
failover_groups:
  fast: {targets: ["main:large", local], strategy: round_robin}
"""
TOML = """
[server]
port = 8100
drain_s = 2.5
[providers.main]
kind = "openai"
api_key = "${KEY}"
models = ["small", {name = "large", upstream = "large-2", price = {input_per_mtok = 0.15, output_per_mtok = 0.6}}]
dispatch = "off"
headers = {X-Team = "one"}
[providers.local]
kind = "llama-cpp"
n_ctx = 2048
flash_attn = true
[failover_groups.fast]
targets = ["main:large", "local"]
strategy = "round_robin"
"""
MAPPING = {
    "server": {"port": 8100, "drain_s": 2.5},
    "providers": {
        "main": {
            "kind": "openai",
            "api_key": "${KEY}",
            "models": [
                "small",
                {"name": "large", "upstream": "large-2", "price": {"input_per_mtok": 0.15, "output_per_mtok": 0.6}},
            ],
            "dispatch": "off",
            "headers": {"X-Team": "one"},
        },
        "local": {"kind": "llama-cpp", "n_ctx": 2048, "flash_attn": True},
    },
    "failover_groups": {"fast": {"targets": ["main:large", "local"], "strategy": "round_robin"}},
}
ENVIRON = {"KEY": "k-1", "HOME": "/somewhere"}
TEXTS = {"a.yaml": YAML, "a.yml": YAML, "a.toml": TOML, "a.json": json.dumps(MAPPING), "A.JSON": json.dumps(MAPPING)}
LOCAL = "providers: {local: {kind: llama-cpp}}\n"


def faults(path: Path) -> list[str]:
    """What is said of the file, without its folder."""
    with pytest.raises(ConfigInvalid) as refused:
        load(path, {})
    return [str(fault).replace(f"{path.parent}/", "") for fault in refused.value.faults]


@pytest.mark.parametrize("name", TEXTS)
def test_the_three_formats_and_a_mapping_mean_the_same(name: str, tmp_path: Path) -> None:
    """Equal settings, equal version."""
    path = tmp_path / name
    path.write_text(TEXTS[name])
    settings, same = load(path, ENVIRON), load(MAPPING, ENVIRON)
    assert settings == same
    assert settings.version == same.version


_UNREADABLE = {
    "missing": ("a.yaml", None, "a.yaml: cannot be read: no such file or directory"),
    "no suffix": ("config", LOCAL, "config: has no suffix that says its format; name it .yaml, .yml, .toml, .json"),
    "another suffix": ("a.ini", LOCAL, "a.ini: has no suffix that says its format; name it .yaml, .yml, .toml, .json"),
    "not text": ("a.yaml", b"\xff\xfe\x00", "a.yaml: is not UTF-8 text"),
    "a control character": ("a.yaml", "home: \x01", "a.yaml: holds a character that YAML does not allow"),
    "deep YAML": ("a.yaml", "[" * 5000, "a.yaml: nests too deep"),
    "deep JSON": ("a.json", "[" * 100_000, "a.json: nests too deep"),
    "a long number in YAML": ("a.yaml", "port: " + "9" * 5000, "a.yaml: holds a number that is too long"),
    "a long number in JSON": ("a.json", '{"port": ' + "9" * 5000 + "}", "a.json: holds a number that is too long"),
    "a long number in TOML": ("a.toml", "port = " + "9" * 5000, "a.toml: holds a number that is too long"),
    "JSON syntax": ("a.json", '{"server": }', "a.json: line 1, column 12: Expecting value"),
    "a key twice in JSON": (
        "a.json",
        '{"home": 1, "home": 2}',
        'a.json: key "home" stands twice in one object; remove one',
    ),
    "NaN in JSON": ("a.json", '{"home": NaN}', "a.json: NaN is not a number that JSON has"),
    "TOML syntax": ("a.toml", "home = ", "a.toml: Invalid value (at end of document)"),
    "a key twice in TOML": ("a.toml", "a = 1\na = 2\n", "a.toml: Cannot overwrite a value (at line 2, column 6)"),
}


@pytest.mark.parametrize(("name", "content", "said"), _UNREADABLE.values(), ids=_UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_clear_fault(
    name: str, content: str | bytes | None, said: str, tmp_path: Path
) -> None:
    """With the place in it where there is one; nothing is said of keys that nobody could read."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert faults(path) == [said]


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    """A mount that went wrong often is one."""
    path = tmp_path / "a.yaml"
    path.mkdir()
    assert faults(path) == ["a.yaml: cannot be read: is a directory"]


def test_a_tag_handle_that_is_a_key_in_disguise_is_not_quoted(tmp_path: Path) -> None:
    """`!sk-canary!x` is YAML syntax, and may be a key that begins with an exclamation mark."""
    path = tmp_path / "a.yaml"
    path.write_text("home: !sk-canary!x\n")
    assert faults(path) == ["a.yaml: line 1, column 7: found undefined tag handle that"]


@pytest.mark.parametrize("written", ["off", "on", "12:30", "2024-08-06", "1_000"])
def test_a_model_may_be_named_what_yaml_1_1_took_for_something_else(written: str, tmp_path: Path) -> None:
    """YAML 1.2's core schema holds: what is no plain number, switch or null is text."""
    path = tmp_path / "a.yaml"
    path.write_text(f"providers: {{local: {{kind: llama-cpp, models: [ {written} ]}}}}\n")
    assert load(path, {}).providers["local"].models[0].name == written


def test_a_leading_zero_does_not_make_a_number_octal(tmp_path: Path) -> None:
    """010 is ten; 0o10 is eight, 0x10 sixteen."""
    path = tmp_path / "a.yaml"
    path.write_text(LOCAL + "server: {port: 010, max_exchanges: 0o10}\nretry: {max_attempts: 0x10}\n")
    settings = load(path, {})
    assert (settings.server.port, settings.server.max_exchanges, settings.retry.max_attempts) == (10, 8, 16)


def test_anchors_and_merge_keys_share_what_providers_have_in_common(tmp_path: Path) -> None:
    """A key that overrides a merged one is no key that stands twice."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "providers:\n"
        "  one: &one {kind: openai, api_key: k, models: [small], max_queue: 5}\n"
        "  two:\n    <<: *one\n    max_queue: 6\n"
    )
    providers = load(path, {}).providers
    assert (providers["one"].max_queue, providers["two"].max_queue) == (5, 6)
    assert providers["two"].models == providers["one"].models
