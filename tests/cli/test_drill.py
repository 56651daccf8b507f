"""`pointsman drill`: what it finds when all is as expected, and when it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.cli import drill
from router.cli.place import ADMIN_KEY
from tests.fakes.command import run, run_beside
from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider, refused
from tests.fakes.replies import speak, stream
from tests.fakes.served import routed, served
from tests.sources import ROOT

SHIPPED = ROOT / "ops" / "drill.yaml"
PIECES = ("one ", "two ", "three ", "four ", "five")


def file_of(folder: Path, *drills: dict[str, Any]) -> Path:
    """A file with these."""
    path = folder / "drill.yaml"
    path.write_text(yaml.safe_dump({"drills": list(drills)}))
    return path


@on_uvloop
async def test_the_shipped_drills_hold_on_two_targets_that_are_well(tmp_path: Path) -> None:
    """Whoever runs the file first is not told of faults that are the file's; and nothing is learned of the targets."""
    async with (
        ScriptedProvider(speak("three colours, named")) as one,
        ScriptedProvider(speak("three colours, named")) as two,
        served(routed(one, two, server={"faults": True}), tmp_path) as router,
    ):
        told = await run_beside("drill", str(SHIPPED), "--url", router.url)
        _, health = await router.get("/health/providers")
    assert told.exit_code == 0, told.stdout
    assert told.stdout.count("yes") > len(drill.load(SHIPPED))
    assert {report["circuit_state"] for report in health["providers"].values()} == {"closed"}


@on_uvloop
async def test_a_router_with_client_keys_is_drilled_by_one_of_them(tmp_path: Path) -> None:
    """Without one every drill would see a 401 and prove nothing."""
    case = {"name": "moves on", "request": {"model": "chat"}, "fault": "head:503", "expect": {"status": 200}}
    client, admin = "sk-of-a-client-of-ours", "sk-of-the-operator"
    sections: dict[str, Any] = {"admin": {"key": admin}, "keys": {"someone": {"key": client}}}
    async with (
        ScriptedProvider(speak("one")) as one,
        ScriptedProvider(speak("two")) as two,
        served(routed(one, two, **sections), tmp_path) as router,
    ):
        env = {ADMIN_KEY: admin, "POINTSMAN_API_KEY": client}
        told = await run_beside("drill", str(file_of(tmp_path, case)), "--url", router.url, "--json", env=env)
    (row,) = json.loads(told.stdout)
    assert (row["status"], row["target"], row["faults"]) == (200, "two:m", [])


@on_uvloop
async def test_what_a_client_saw_is_told(tmp_path: Path) -> None:
    """A rescued stream, and one that ends with an error; by the admin key."""
    key = "sk-of-the-operator"
    cases = (
        {"name": "rescued", "request": {"model": "chat", "stream": True}, "fault": "frame:4:cut", "expect": {}},
        {
            "name": "broken off",
            "request": {"model": "chat", "stream": True, "router": {"resume": "off"}},
            "fault": "frame:4:cut",
            "expect": {"complete": True},
        },
    )
    async with (
        ScriptedProvider(stream(PIECES)) as one,
        ScriptedProvider(stream(PIECES)) as two,
        served(routed(one, two, admin={"key": key}, failover={"resume": ["splice"]}), tmp_path) as router,
    ):
        path = str(file_of(tmp_path, *cases))
        without = await run_beside("drill", path, "--url", router.url, "--json")
        told = await run_beside("drill", path, "--url", router.url, "--json", env={ADMIN_KEY: key})
    rescued, broken = json.loads(told.stdout)
    assert (rescued["rescued"], rescued["complete"], rescued["faults"]) == (True, True, [])
    assert (broken["complete"], broken["reason"], broken["target"]) == (False, "cut_stream", "one:m")
    assert broken["faults"] == ["complete no, not yes"]
    assert broken["injected"] == "one:m frame:4:cut"
    assert told.exit_code == 1
    assert [row["status"] for row in json.loads(without.stdout)] == [403, 403]


def test_a_router_that_is_not_there_is_no_success() -> None:
    """Each drill says that nobody answered."""
    with refused() as address:
        told = run("drill", str(SHIPPED), "--url", address.removesuffix("/v1"), "--json")
    assert told.exit_code == 1
    assert all(row["reason"].startswith("no answer") for row in json.loads(told.stdout))


@pytest.mark.parametrize(
    ("text", "words"),
    [("drills: 3", "array"), ("drills: [{name: x, request: {}, expect: {stat: 200}}]", "stat"), ("a: [", "expected")],
    ids=["no_list", "unknown_expectation", "no_yaml"],
)
def test_a_file_that_cannot_be_used_is_told(text: str, words: str, tmp_path: Path) -> None:
    """An expectation that is misspelt would hold for ever."""
    path = tmp_path / "drill.yaml"
    path.write_text(text)
    told = run("drill", str(path))
    assert told.exit_code == 2
    assert words in told.stderr


def test_each_expectation_can_fail() -> None:
    """One that cannot is none."""
    expected = drill.Expected(
        status=200, complete=True, target="a:m", attempts=1, rescued=True, reason="x", first_token_s=0.1, within_s=0.1
    )
    case = drill.DrillCase(name="n", request={}, expect=expected, fault="head:503")
    assert len(drill.faults_of(case, drill.Seen(first_token_s=0.2, within_s=0.2))) == 9
