"""What holds, where one key takes its value from another."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.settings import KindRules, Price, Settings, TargetRef, load

MAIN: dict[str, Any] = {"kind": "openai", "api_key": "k", "models": ["small", "large"]}


def loaded(**sections: Any) -> Settings:
    """Settings with two providers and whatever else is given."""
    return load({"providers": {"main": MAIN, "local": {"kind": "llama-cpp"}}, **sections}, {"HOME": "/somewhere"})


_CLOCKS = {
    "left out": ({}, (30.0, 60.0, 300.0)),
    "first byte": ({"first_byte_s": 10}, (10.0, 60.0, 10.0)),
    "a long first byte": ({"first_byte_s": 120}, (120.0, 120.0, 120.0)),
    "first token": ({"first_token_s": 15}, (30.0, 15.0, 300.0)),
    "both": ({"first_byte_s": 10, "first_token_s": 15}, (10.0, 15.0, 10.0)),
}


@pytest.mark.parametrize(("written", "clocks"), _CLOCKS.values(), ids=_CLOCKS)
def test_an_explicit_first_byte_holds_for_whole_answers_too(
    written: dict[str, float], clocks: tuple[float, float, float]
) -> None:
    """Left out, an answer that is not streamed has far longer: its first byte comes when all of it exists."""
    settings = load({"providers": {"main": {**MAIN, "timeouts": written}}}, {})
    timeouts = settings.providers["main"].timeouts
    assert (timeouts.first_byte_s, timeouts.first_token_s, timeouts.whole_s) == clocks
    assert (timeouts.connect_s, timeouts.idle_s, timeouts.total_s) == (5.0, 60.0, 600.0)


def test_a_provider_alone_stands_for_its_first_model() -> None:
    """Of a local provider whose models are files nobody can say yet which that is."""
    group = loaded(failover_groups={"g": {"targets": ["main:large", "main", "local", "local:any-file"]}})
    assert group.failover_groups["g"].targets == (
        TargetRef(provider="main", model="large"),
        TargetRef(provider="main", model="small"),
        TargetRef(provider="local", model=None),
        TargetRef(provider="local", model="any-file"),
    )


def test_a_model_may_have_a_colon_in_its_name() -> None:
    """The provider ends at the first one."""
    main = {**MAIN, "models": ["org/name:fastest"]}
    tree = {"providers": {"main": main}, "failover_groups": {"g": {"targets": ["main:org/name:fastest"]}}}
    assert load(tree, {}).failover_groups["g"].targets == (TargetRef(provider="main", model="org/name:fastest"),)


def test_a_group_may_take_the_place_of_auto() -> None:
    """It is a name like others."""
    assert list(loaded(failover_groups={"auto": {"targets": ["local"]}}).failover_groups) == ["auto"]


def test_a_model_is_called_the_same_upstream_unless_said_otherwise() -> None:
    """Plain text is its name."""
    main = {**MAIN, "models": ["small", {"name": "large", "upstream": "large-2"}]}
    models = load({"providers": {"main": main}}, {}).providers["main"].models
    assert [(model.name, model.upstream) for model in models] == [("small", "small"), ("large", "large-2")]


def test_a_price_is_exactly_what_was_written() -> None:
    """A float is taken by its shortest form, not by its bits."""
    price = {"input_per_mtok": 0.15, "output_per_mtok": 1, "cache_read_per_mtok": 1e-3}
    model = load({"providers": {"main": {**MAIN, "models": [{"name": "small", "price": price}]}}}, {}).providers["main"]
    assert model.models[0].price == Price(
        input_per_mtok=Decimal("0.15"), output_per_mtok=Decimal(1), cache_read_per_mtok=Decimal("0.001")
    )


def test_a_base_url_loses_its_last_slash() -> None:
    """Paths are appended to it."""
    own = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:8000/v1/", "models": ["small"]}
    assert load({"providers": {"own": own}}, {}).providers["own"].base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_any_address_of_this_machine_alone_may_be_listened_on(host: str) -> None:
    """The broken files have the others."""
    assert loaded(server={"host": host}).server.host == host


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """Not to wherever the router happens to be started."""
    path = tmp_path / "pointsman.yaml"
    path.write_text(
        "home: state\nledger: {path: ../costs.sqlite}\n"
        "providers: {local: {kind: llama-cpp, models_dir: gguf}, other: {kind: llama-cpp, models_dir: ~/gguf}}\n"
    )
    settings = load(path, {"HOME": "/somewhere"})
    folders = [provider.local.models_dir for provider in settings.providers.values() if provider.local]
    assert folders == [tmp_path / "gguf", Path("/somewhere/gguf")]
    assert (settings.home, settings.ledger.path) == (tmp_path / "state", tmp_path / "../costs.sqlite")


def test_a_relative_file_still_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker process may have another working folder."""
    (tmp_path / "a.yaml").write_text("providers: {local: {kind: llama-cpp, models_dir: gguf}}\n")
    monkeypatch.chdir(tmp_path)
    local = load(Path("a.yaml"), {}).providers["local"].local
    assert local is not None and local.models_dir == tmp_path / "gguf"


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_in_a_mapping_are_relative_to_the_working_folder(kind: type[str | Path]) -> None:
    """An embedding program may give a Path where a file can only have text."""
    local = load({"providers": {"local": {"kind": "llama-cpp", "models_dir": kind("gguf")}}}, {}).providers["local"]
    assert local.local is not None and local.local.models_dir == Path.cwd() / "gguf"


def test_models_and_ledger_are_under_home_unless_said_otherwise() -> None:
    """Where `make setup` puts the model."""
    settings = loaded(home="/data")
    local = settings.providers["local"].local
    assert local is not None and local.models_dir == Path("/data/models")
    assert settings.ledger.path == Path("/data/ledger.sqlite")


def test_only_a_local_kind_has_local_options() -> None:
    """None is how the others are told apart, without a kind's name."""
    providers = loaded().providers
    assert [name for name, provider in providers.items() if provider.local is not None] == ["local"]


def test_installed_kinds_are_those_that_the_caller_names() -> None:
    """A package that brings a kind also says what it needs."""
    tree = {"providers": {"mine": {"kind": "my-kind", "base_url": "http://127.0.0.1:1", "models": ["small"]}}}
    settings = load(tree, {}, {"my-kind": KindRules(needs_base_url=True)})
    assert settings.providers["mine"].kind == "my-kind"


def test_the_order_of_providers_is_kept() -> None:
    """It is the order of `auto`."""
    tree = {"providers": {name: MAIN for name in ("c", "a", "b")}}
    assert list(load(tree, {}).providers) == ["c", "a", "b"]


def test_the_version_changes_with_everything_but_the_secrets() -> None:
    """A renewed key is no new configuration; another order of providers is one."""

    def version(key: str, *names: str, **server: Any) -> str:
        return load({"providers": {name: {**MAIN, "api_key": key} for name in names}, "server": server}, {}).version

    assert version("k-1", "a", "b") == version("k-2", "a", "b") == version("k-1", "a", "b", port=8094)
    assert len({version("k", "a", "b"), version("k", "b", "a"), version("k", "a"), version("k", "a", "b", port=1)}) == 4


def test_settings_of_one_source_are_equal() -> None:
    """So that a reload that changes nothing can be seen to."""
    assert loaded() == loaded()
    assert loaded() != loaded(server={"port": 1})


def test_what_runs_here_takes_one_attempt_at_a_time() -> None:
    """Its engine would queue the others under the clocks of an attempt, and time them out; who wants that says so."""
    assert loaded().providers["local"].max_parallel == 1
    assert loaded().providers["main"].max_parallel is None
    assert (
        load({"providers": {"local": {"kind": "llama-cpp", "max_parallel": 4}}}, {}).providers["local"].max_parallel
        == 4
    )
