"""What the environment says: in the text of a file, beside a file, and in place of one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.settings import KNOWN_KEYS, OVERRIDES, ConfigInvalid, Settings, from_environment, load

LOCAL: dict[str, Any] = {"providers": {"local": {"kind": "llama-cpp"}}}


def home_of(text: str, **environ: str) -> str:
    """What a path is after its variables were put in."""
    return str(load({**LOCAL, "home": text}, environ).home)


_EXPANDED = {
    "a variable": ("/${A}", {"A": "one"}, "/one"),
    "inside text": ("/x${A}y", {"A": "one"}, "/xoney"),
    "two": ("/${A}/${B}", {"A": "one", "B": "two"}, "/one/two"),
    "a default not needed": ("/${A:-two}", {"A": "one"}, "/one"),
    "a default for nothing": ("/${A:-two}", {}, "/two"),
    "a default for an empty one": ("/${A:-two}", {"A": ""}, "/two"),
    "a default with signs": ("/${A:-t:-w o}", {}, "/t:-w o"),
    "an escape": ("/$${A}", {"A": "one"}, "/${A}"),
    "two escapes": ("/$$$${A}", {"A": "one"}, "/$${A}"),
    "an escape before a variable": ("/$$${A}", {"A": "one"}, "/$one"),
    "a lone dollar": ("/a$b$", {"b": "one"}, "/a$b$"),
    "no second round": ("/${A}", {"A": "${B}", "B": "two"}, "/${B}"),
}


@pytest.mark.parametrize(("text", "environ", "expanded"), _EXPANDED.values(), ids=_EXPANDED)
def test_variables_are_put_into_text(text: str, environ: dict[str, str], expanded: str) -> None:
    """What a variable holds is taken as it is: it cannot name another one."""
    assert home_of(text, **environ) == expanded


def test_what_a_variable_holds_may_be_any_kind_of_value() -> None:
    """In the environment everything is text; in a file a number in quotes is a mistake."""
    price = {"input_per_mtok": "${PRICE}", "output_per_mtok": "${PRICE}"}
    tree = {
        "server": {"port": "${PORT}", "drain_s": "${DRAIN}"},
        "providers": {
            "main": {"kind": "openai", "api_key": "${KEY}", "models": [{"name": "${MODEL}", "price": price}]},
            "local": {"kind": "llama-cpp", "flash_attn": "${FLASH}"},
        },
        "telemetry": {"otlp_endpoint": "${OTLP:-}"},
    }
    environ = {"PORT": "8100", "DRAIN": "2.5", "KEY": "123", "MODEL": "small", "PRICE": "0.15", "FLASH": "True"}
    settings = load(tree, environ)
    main, local = settings.providers["main"], settings.providers["local"].local
    assert (settings.server.port, settings.server.drain_s) == (8100, 2.5)
    assert main.api_key is not None and main.api_key.reveal() == "123"
    assert main.models[0].price is not None and main.models[0].price.input_per_mtok == Decimal("0.15")
    assert local is not None and local.flash_attn is True
    assert settings.telemetry.otlp_endpoint is None


_OVERRIDDEN: dict[str, tuple[str, Callable[[Settings], object], object]] = {
    "FAILOVER_STRATEGY": ("round_robin", lambda s: s.failover.strategy, "round_robin"),
    "FAILOVER_MAX_ATTEMPTS": ("7", lambda s: s.failover.max_attempts, 7),
    "CIRCUIT_BREAKER_FAILURE_THRESHOLD": ("9", lambda s: s.breaker.failure_threshold, 9),
    "CIRCUIT_BREAKER_RECOVERY_TIMEOUT": ("12.5", lambda s: s.breaker.recovery_timeout_s, 12.5),
    "RETRY_MAX_ATTEMPTS": ("4", lambda s: s.retry.max_attempts, 4),
    "RETRY_BASE_DELAY_MS": ("250", lambda s: s.retry.base_delay_ms, 250.0),
    "RETRY_BACKOFF_FACTOR": ("3", lambda s: s.retry.backoff_factor, 3.0),
}


def test_every_older_variable_is_tested() -> None:
    """A new one needs a row here."""
    assert set(_OVERRIDDEN) == set(OVERRIDES)


@pytest.mark.parametrize("variable", _OVERRIDDEN)
def test_an_older_variable_holds_where_the_file_is_silent(variable: str) -> None:
    """And only there: a value in the file wins, an empty variable says nothing."""
    value, read, expected = _OVERRIDDEN[variable]
    section, key = map(str, OVERRIDES[variable])
    default = read(load(LOCAL, {}))
    assert read(load(LOCAL, {variable: value})) == expected
    assert read(load({**LOCAL, section: None}, {variable: value})) == expected
    assert read(load({**LOCAL, section: {key: None}}, {variable: value})) == expected
    assert read(load({**LOCAL, section: {key: default}}, {variable: value})) == default != expected
    assert read(load(LOCAL, {variable: ""})) == default


def test_a_group_takes_the_older_variables_unless_it_says_otherwise() -> None:
    """They are the defaults of every public name."""
    tree = {**LOCAL, "failover_groups": {"a": {"targets": ["local"]}, "b": {"targets": ["local"], "max_attempts": 2}}}
    groups = load(tree, {"FAILOVER_MAX_ATTEMPTS": "7", "FAILOVER_STRATEGY": "round_robin"}).failover_groups
    assert [(group.strategy, group.max_attempts) for group in groups.values()] == [
        ("round_robin", 7),
        ("round_robin", 2),
    ]


def test_a_first_wait_from_the_environment_moves_the_bound_that_nobody_set() -> None:
    """Who sets one variable must not be told to set a key of a file there is none of."""
    settings = from_environment({"RETRY_BASE_DELAY_MS": "60000", "CIRCUIT_BREAKER_RECOVERY_TIMEOUT": "900"})
    assert (settings.retry.max_delay_ms, settings.breaker.max_open_s) == (60_000.0, 900.0)


def test_without_file_and_keys_the_local_model_answers() -> None:
    """Nothing has to be set at all."""
    settings = from_environment({"HOME": "/somewhere"})
    local = settings.providers["local"].local
    assert list(settings.providers) == ["local"]
    assert local is not None and local.models_dir == Path("/somewhere/.pointsman/models")
    assert [target.provider for target in settings.failover_groups["auto"].targets] == ["local"]


@pytest.mark.parametrize("known", KNOWN_KEYS, ids=lambda known: known.name)
def test_a_known_key_is_a_provider_ahead_of_the_local_one(known: Any) -> None:
    """By its key alone, and first in `auto`."""
    settings = from_environment({known.variable: "k-1"})
    provider = settings.providers[known.name]
    assert list(settings.providers) == [known.name, "local"]
    assert provider.api_key is not None and provider.api_key.reveal() == "k-1"
    assert tuple(model.name for model in provider.models) == known.models
    assert (provider.kind, provider.base_url) == (known.kind, known.base_url)
    auto = settings.failover_groups["auto"]
    assert [(target.provider, target.model) for target in auto.targets] == [
        (known.name, known.models[0]),
        ("local", None),
    ]


def test_with_every_known_key_auto_reaches_the_local_model() -> None:
    """An attempt for each provider, unless the number of attempts was chosen."""
    environ = {known.variable: "k-1" for known in KNOWN_KEYS}
    settings = from_environment(environ)
    assert list(settings.providers) == [*(known.name for known in KNOWN_KEYS), "local"]
    assert settings.failover_groups["auto"].max_attempts == len(settings.providers)
    assert from_environment({**environ, "FAILOVER_MAX_ATTEMPTS": "2"}).failover_groups["auto"].max_attempts == 2


def test_a_key_is_found_by_its_other_name() -> None:
    """Google's own tools read either; the first one that holds something counts."""
    environ = {"GOOGLE_API_KEY": "k-2"}
    for given, key in ((environ, "k-2"), ({**environ, "GEMINI_API_KEY": "k-1"}, "k-1")):
        settings = from_environment(given)
        found = settings.providers["gemini"].api_key
        assert list(settings.providers) == ["gemini", "local"]
        assert found is not None and found.reveal() == key
    assert list(from_environment({**environ, "GEMINI_API_KEY": ""}).providers) == ["gemini", "local"]


def test_an_empty_key_is_no_key() -> None:
    """Compose files pass variables on that nobody set."""
    assert list(from_environment({"OPENAI_API_KEY": "", "GROQ_API_KEY": ""}).providers) == ["local"]


def test_a_known_key_that_cannot_be_one_is_a_fault() -> None:
    """It would break the header it is sent in."""
    with pytest.raises(ConfigInvalid) as refused:
        from_environment({"OPENAI_API_KEY": "sk-1\n"})
    assert [fault.path for fault in refused.value.faults] == ["providers.openai.api_key"]


_HOMES = {
    "of the user": ({"HOME": "/somewhere"}, "/somewhere/.pointsman"),
    "of its own": ({"HOME": "/somewhere", "POINTSMAN_HOME": "/elsewhere"}, "/elsewhere"),
    "with a tilde": ({"HOME": "/somewhere", "POINTSMAN_HOME": "~/mine"}, "/somewhere/mine"),
    "empty": ({"HOME": "/somewhere", "POINTSMAN_HOME": ""}, "/somewhere/.pointsman"),
    "relative": ({"POINTSMAN_HOME": "mine"}, str(Path.cwd() / "mine")),
}


@pytest.mark.parametrize(("environ", "home"), _HOMES.values(), ids=_HOMES)
def test_home_is_found_as_the_setup_finds_it(environ: dict[str, str], home: str) -> None:
    """`ops/setup.sh` puts the model there."""
    assert str(from_environment(environ).home) == home
