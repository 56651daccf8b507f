"""The commands that ask a running router: `providers`, `models`, `chat`, `ledger`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.command import run, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import cut_after, error_event, raw, speak, status
from tests.fakes.served import routed, served, until
from tests.fakes.turn import Script

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@on_uvloop
async def test_providers_shows_how_they_are(tmp_path: Path) -> None:
    """A row each; as JSON, what the router said."""
    async with (
        ScriptedProvider(status(500)) as one,
        ScriptedProvider(speak()) as two,
        served(routed(one, two, breaker={"failure_threshold": 1}), tmp_path) as router,
    ):
        async with router.chat() as response:
            assert response.status == 200
        await until(lambda: router.assembly.desk.health().total_requests == 1)
        told = await run_beside("providers", "--url", router.url)
        assert told.exit_code == 0
        rows = [row.split("│") for row in told.stdout.splitlines() if "│" in row]
        cells = {row[1].strip(): [cell.strip() for cell in row[2:-1]] for row in rows}
        assert cells["one"][:2] == ["no", "open"] and "server_error" in cells["one"]
        assert cells["two"][:2] == ["yes", "closed"]
        asked = await run_beside("providers", "--url", router.url, "--json")
        said, own = json.loads(asked.stdout), (await router.get("/health/providers"))[1]
        for report in (*said["providers"].values(), *own["providers"].values()):
            report.pop("targets")  # a peak fades from one look to the next
        assert said == own


@on_uvloop
async def test_providers_answers_of_a_router_that_is_not_well(tmp_path: Path) -> None:
    """Health is 503 then, and that is what one wants to see."""
    with refused() as address:
        gone = {"kind": "openai-compatible", "base_url": address, "models": ["m"]}
        config = routed(gone, breaker={"failure_threshold": 1}, failover={"max_attempts": 1})
        async with served(config, tmp_path) as router:
            async with router.chat() as response:
                assert response.status == 502
            told = await run_beside("providers", "--url", router.url)
            assert told.exit_code == 0 and "open" in told.stdout


@on_uvloop
async def test_models_shows_every_name(tmp_path: Path) -> None:
    """A row each; as JSON, what the router said."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("models", "--url", router.url)
        assert told.exit_code == 0
        for name in ("chat", "auto", "one:m"):
            assert name in told.stdout
        asked = await run_beside("models", "--url", f"{router.url}/", "--json")
        assert json.loads(asked.stdout) == (await router.get("/v1/models"))[1]


@on_uvloop
async def test_chat_prints_the_answer(tmp_path: Path) -> None:
    """And nothing else; umlauts too."""
    async with ScriptedProvider(speak("rot, grün, blau")) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("chat", "Nenne drei Farben.", "--url", router.url)
        assert (told.exit_code, told.stdout, told.stderr) == (0, "rot, grün, blau\n", "")
        assert one.turns[0].asked()["messages"] == [{"role": "user", "content": "Nenne drei Farben."}]


_UNANSWERED: dict[str, tuple[Script, str, str]] = {
    "a provider that fails": (status(400, body={"error": {"message": "no such tool"}}), "", "no such tool"),
    "an answer that is cut": (cut_after(["red"]), "red", "incomplete"),
    "an error inside": (error_event("it broke", after=["red"]), "red", "it broke"),
}


@pytest.mark.parametrize(("script", "said", "why"), _UNANSWERED.values(), ids=_UNANSWERED)
@on_uvloop
async def test_chat_says_why_there_is_no_whole_answer(script: Script, said: str, why: str, tmp_path: Path) -> None:
    """What came is printed, the reason goes to stderr, and the exit status is 1."""
    async with ScriptedProvider(script) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("chat", "Hello", "--url", router.url, "--model", "one:m")
        assert (told.exit_code, told.stdout) == (1, said)
        assert told.stderr.startswith("\npointsman: ") and why in told.stderr
        assert "Traceback" not in told.output


@on_uvloop
async def test_chat_names_a_model_that_does_not_exist(tmp_path: Path) -> None:
    """In the router's words."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        told = await run_beside("chat", "Hello", "--url", router.url, "--model", "gpt-none")
        assert told.exit_code == 1 and "'gpt-none' does not exist" in told.stderr


@pytest.mark.parametrize("words", [("providers",), ("models",), ("chat", "Hello")], ids=["providers", "models", "chat"])
def test_without_a_router_each_says_so(words: tuple[str, ...]) -> None:
    """With the address it tried; an address that is none is said too."""
    with refused() as address:
        told = run(*words, "--url", address)
    assert told.exit_code == 1 and f"no router answers at {address}" in told.stderr
    told = run(*words, "--url", "nonsense")
    assert told.exit_code == 1 and "no router answers at nonsense" in told.stderr


_DYING = {"closed": cut_after(["red"]), "closed in a line": raw(_HEAD + b"40\r\ndata: {", then="cut")}


@pytest.mark.parametrize("script", _DYING.values(), ids=_DYING)
@on_uvloop
async def test_chat_says_when_the_router_dies_under_it(script: Script) -> None:
    """In place of a router here is a server that closes."""
    async with ScriptedProvider(script) as dying:
        told = await run_beside("chat", "Hello", "--url", dying.base_url.removesuffix("/v1"))
        assert told.exit_code == 1 and "the answer was cut" in told.stderr
        assert "Traceback" not in told.output


_STRANGERS = {
    "a web page": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    "another JSON": status(200, body={"data": 3}),
    "an error of its own": status(500, body=b"<html>"),
    "no HTTP": raw(b"220 mail ready\r\n"),
}


@pytest.mark.parametrize("script", _STRANGERS.values(), ids=_STRANGERS)
@pytest.mark.parametrize("command", ["providers", "models"])
@on_uvloop
async def test_something_else_at_the_address_is_said(command: str, script: Script) -> None:
    """No traceback, whatever it answers."""
    async with ScriptedProvider(script) as stranger:
        told = await run_beside(command, "--url", stranger.base_url.removesuffix("/v1"))
        assert told.exit_code == 1 and told.stderr.startswith("pointsman: ")
        assert told.stdout == "" and isinstance(told.exception, SystemExit)


@on_uvloop
async def test_ledger_reads_what_a_running_router_writes(tmp_path: Path) -> None:
    """Newest first; an unknown price is unknown, not zero."""
    file, ledger = tmp_path / "router.json", tmp_path / "account.sqlite"
    ledger.unlink(missing_ok=True)
    async with ScriptedProvider(status(500), speak()) as one, ScriptedProvider(speak()) as two:
        config = {**routed(one, two), "ledger": {"path": str(ledger)}}
        file.write_text(json.dumps({"home": str(tmp_path), **config}))
        async with served(config, tmp_path) as router:
            async with router.chat() as response:
                assert response.status == 200
            await router.entries(2)
            told = await run_beside("ledger", "--config", file)
            assert told.exit_code == 0
            assert "server_error" in told.stdout and "unknown" in told.stdout
            rows = [[cell.strip() for cell in line.split("│")] for line in told.stdout.splitlines()]
            assert [row[3] for row in rows if row[1:3] == ["two", "1"]] == ["unknown"]
            asked = await run_beside("ledger", "--config", file, "--json", "--limit", "1")
            answer = json.loads(asked.stdout)
            assert [(entry["provider"], entry["end"], entry["cost_usd"]) for entry in answer["entries"]] == [
                ("two", "completed", None)
            ]
            sums = [(row["provider"], row["entries"], row["cost_usd"]) for row in answer["totals"]]
            assert sums == [("one", 1, None), ("two", 1, None)]


def test_without_a_journal_ledger_says_so(tmp_path: Path) -> None:
    """It does not make one."""
    file = tmp_path / "router.json"
    file.write_text(json.dumps({"home": str(tmp_path), "providers": {"local": {"kind": "llama-cpp"}}}))
    told = run("ledger", "--config", file)
    assert told.exit_code == 1 and str(tmp_path) in told.stderr
    assert not (tmp_path / "ledger.sqlite").exists()
