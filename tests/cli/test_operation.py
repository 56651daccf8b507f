"""The commands that show operators what a running router says, and those that ask it several times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command import run, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import speak, status
from tests.fakes.served import process, remote, routed, served, until

_COMMANDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "health": (("health",), "/health/detailed", "provider two"),
    "costs": (("costs",), "/providers/costs", "two"),
    "logs": (("logs", "--only", "provider=one"), "/providers/logs?provider=one&limit=20", "server_error"),
    "metrics": (("metrics",), "/providers/metrics", "server_error 1"),
    "metrics of one": (("metrics", "one"), "/providers/metrics/one", "server_error 1"),
    "capabilities": (("capabilities",), "/providers/capabilities", "two:m"),
    "providers as written": (("config", "list", "providers"), "/config/providers", '"kind": "openai-compatible"'),
    "audit": (("audit",), "/audit?limit=20", "outcome"),
    "config": (("config", "show"), "/config", "given by the program"),
}


@on_uvloop
async def test_each_command_shows_a_table_or_what_the_router_said(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """The same facts, for a person and for a program."""
    async with (
        ScriptedProvider(status(500)) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        async with router.chat() as response:
            assert response.status == 200
        await until(lambda: router.assembly.desk.health().total_requests == 1)
        for name, (words, path, shown) in _COMMANDS.items():
            with subtests.test(name):
                told = await run_beside(*words, "--url", router.url)
                assert told.exit_code == 0 and shown in told.stdout, told.output
                asked = await run_beside(*words, "--url", router.url, "--json")
                said, own = json.loads(asked.stdout), (await router.get(path))[1]
                for each in (said, own):  # what changes by itself
                    each.pop("uptime_s", None)
                    each.pop("providers" if path == "/health/detailed" else "uptime_s", None)
                assert said == own


@on_uvloop
async def test_a_filter_that_does_not_exist_is_said(tmp_path: Path) -> None:
    """Rather than that everything is shown."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("logs", "--only", "providr=one", "--url", router.url)
    assert told.exit_code == 1 and "no parameter of that name" in told.stderr


@on_uvloop
async def test_a_reload_says_what_moved_or_every_fault(tmp_path: Path) -> None:
    """Of a file that was changed well, and then badly."""
    async with ScriptedProvider(speak()) as one:
        config = {**routed(one), "reload": {"watch": False}}
        async with process(config, tmp_path) as router:
            file = tmp_path / "process.json"
            whole = json.loads(file.read_text())
            file.write_text(json.dumps({**whole, "providers": {**whole["providers"], "new": remote(one)}}))
            told = await run_beside("config", "reload", "--url", router.url)
            assert told.exit_code == 0 and "new" in told.stdout, told.output
            file.write_text(json.dumps({**whole, "retry": {"max_attempts": 0}, "nonsense": 1}))
            told = await run_beside("config", "reload", "--url", router.url)
            assert told.exit_code == 1 and "retry.max_attempts" in told.stderr and "nonsense" in told.stderr


@on_uvloop
async def test_an_estimate_is_shown_for_each_target(tmp_path: Path) -> None:
    """A price that nobody knows is unknown, and nobody is asked."""
    priced = {"models": [{"name": "m", "price": {"input_per_mtok": 2.0, "output_per_mtok": 8.0}}]}
    async with ScriptedProvider(speak()) as one, ScriptedProvider(speak()) as two:
        async with served(routed({**remote(one), **priced}, two), tmp_path) as router:
            told = await run_beside("estimate", "Hello", "--model", "chat", "--max-tokens", "10", "--url", router.url)
        rows = [row for row in told.stdout.splitlines() if ":m" in row]
        assert "0.0000" in rows[0] and "configured one:m" in rows[0] and "unknown" in rows[1]
        assert one.turns == two.turns == []


@on_uvloop
async def test_compare_shows_every_answer_beside_the_others(tmp_path: Path) -> None:
    """One that fails is a row too, and the exit status says so."""
    async with (
        ScriptedProvider(speak("[red]")) as one,
        ScriptedProvider(speak("blue")) as two,
        served(routed(one, two), tmp_path) as router,
    ):
        words = ("compare", "Name a colour.", "-m", "one:m", "-m", "two:m", "--url", router.url)
        told = await run_beside(*words)
        assert told.exit_code == 0 and "[red]" in told.stdout and "blue" in told.stdout
        told = await run_beside(*words, "-m", "none", "--json")
        tries: list[dict[str, Any]] = json.loads(told.stdout)
        assert told.exit_code == 1
        assert [each["answer"] for each in tries] == ["[red]", "blue", None]
        assert [each["served_by"] for each in tries] == ["one:m", "two:m", None]
        assert "does not exist" in tries[2]["error"]


@on_uvloop
async def test_bench_counts_what_was_answered(tmp_path: Path) -> None:
    """All of them, and no more than were asked for."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("bench", "--requests", "9", "--at-once", "3", "--url", router.url, "--json")
        said = json.loads(told.stdout)
        assert (told.exit_code, said["requests"], said["answered"], len(one.turns)) == (0, 9, 9, 9)
        assert 0 < said["p50_ms"] <= said["p99_ms"]


@on_uvloop
async def test_a_key_comes_from_the_environment(tmp_path: Path) -> None:
    """Without one the command says which variable it wants."""
    config_key = "an-admin-key-of-24-letters"
    async with (
        ScriptedProvider(speak()) as one,
        served({**routed(one), "admin": {"key": config_key}}, tmp_path) as router,
    ):
        told = await run_beside("costs", "--url", router.url)
        assert told.exit_code == 1 and "POINTSMAN_ADMIN_KEY" in told.stderr
        told = await run_beside("costs", "--url", router.url, env={"POINTSMAN_ADMIN_KEY": config_key})
        assert told.exit_code == 0, told.stderr


@pytest.mark.parametrize("words", [("health",), ("costs",), ("logs",), ("audit",), ("estimate", "Hello")], ids=str)
def test_without_a_router_each_says_so(words: tuple[str, ...]) -> None:
    """With the address it tried."""
    with refused() as address:
        told = run(*words, "--url", address)
    assert told.exit_code == 1 and f"no router answers at {address}" in told.stderr


def test_a_filter_without_a_value_is_no_filter() -> None:
    """It would be asked for as an empty one, which nothing fits."""
    told = run("logs", "--only", "provider")
    assert told.exit_code == 2 and "NAME=VALUE" in told.stderr


def test_help_is_as_it_is_written() -> None:
    """An example keeps its brackets; there are a version and a completion for shells."""
    assert "targets=[one:m,two:m]" in run("config", "add", "--help").stdout
    told = run("--version")
    assert told.exit_code == 0 and told.stdout.startswith("pointsman ")
    assert "--install-completion" in run("--help").stdout
