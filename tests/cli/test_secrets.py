"""`pointsman secrets` and `pointsman config`: from standard input to a header, and never in sight."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner, Result

from router.cli.commands import app
from router.settings import Origin
from router.settings.kinds import BUILT_IN
from router.store.disk import DiskJournal, read_acts
from router.store.journal import ActQuery
from router.store.sqlite import sqlite_store

CANARY = "sk-canary-on-standard-input"
FILE = """
home: {home}
providers:
  main: {{kind: openai, api_key: "secret:main", models: [m]}}
"""


def command(home: Path, *words: str, given: str | None = None) -> Result:
    """What `pointsman <words> --config FILE` did."""
    file = home / "router.yaml"
    file.write_text(FILE.format(home=home))
    return CliRunner().invoke(app, [*words, "--config", str(file)], input=given)


def test_a_stored_secret_is_what_the_configuration_names(tmp_path: Path) -> None:
    """The configuration that needs it cannot be loaded before; the command can be used all the same."""
    set_ = command(tmp_path, "secrets", "set", "main", given=f"{CANARY}\n")
    assert (set_.exit_code, set_.output) == (0, "main is stored; write secret:main\n")
    settings = Origin(tmp_path / "router.yaml", {}, BUILT_IN).read()
    key = settings.providers["main"].api_key
    assert key is not None
    assert key.reveal() == CANARY
    listed = command(tmp_path, "secrets", "list", "--json")
    assert [entry["name"] for entry in json.loads(listed.output)["secrets"]] == ["main"]
    assert CANARY not in listed.output + command(tmp_path, "secrets", "list").output
    exported = command(tmp_path, "config", "export")
    assert "api_key: secret:main" in exported.output


def test_a_rotation_and_a_removal(tmp_path: Path) -> None:
    """The key file changes and the secret stays; removed, it is missed by its name."""
    command(tmp_path, "secrets", "set", "main", given=CANARY)
    key = (tmp_path / "secrets.key").read_text()
    assert command(tmp_path, "secrets", "rotate").exit_code == 0
    assert (tmp_path / "secrets.key").read_text() != key
    assert command(tmp_path, "secrets", "remove", "main").exit_code == 0
    again = command(tmp_path, "secrets", "remove", "main")
    assert (again.exit_code, "no secret main is stored" in again.output) == (1, True)
    refused = command(tmp_path, "config", "export")
    assert refused.exit_code == 0  # it is written so, whatever it stands for
    assert command(tmp_path, "ledger").exit_code == 2


def test_what_is_done_to_secrets_is_in_the_audit_log(tmp_path: Path) -> None:
    """By name, never by value; also before the configuration can be loaded, and beside a router."""
    command(tmp_path, "secrets", "set", "other", given=CANARY)  # the configuration still lacks `main`
    assert not (tmp_path / "ledger.sqlite").exists()
    with closing(DiskJournal(tmp_path / "journal")) as router:
        assert router.open().writer
        command(tmp_path, "secrets", "set", "main", given=CANARY)
        command(tmp_path, "secrets", "rotate")
        command(tmp_path, "secrets", "remove", "other")
        command(tmp_path, "secrets", "list")
    store = sqlite_store(tmp_path / "ledger.sqlite", read_only=True)
    store.open()
    rows = store.audit(ActQuery())[::-1]
    assert [(row.act, row.subject) for row in rows] == [
        ("secret.set", "other"),
        ("secret.set", "main"),
        ("secrets.rotated", "the store of secrets"),
        ("secret.removed", "other"),
    ]
    store.close()
    assert {row.actor.split()[0] for row in rows} == {"command"} and CANARY not in str(rows)
    assert "4 acts, every one as it was written" in command(tmp_path, "ledger", "verify").output
    command(tmp_path, "secrets", "remove", "main")  # the configuration cannot be loaded any more
    kept = read_acts(tmp_path / "commands")[1]
    assert [(row.act, row.number) for row in kept] == [("secret.removed", 5)]


def test_nothing_on_standard_input_stores_nothing(tmp_path: Path) -> None:
    """Nor does a name that no configuration could say."""
    assert command(tmp_path, "secrets", "set", "main", given="\n").exit_code == 2
    assert command(tmp_path, "secrets", "set", "a name", given=CANARY).exit_code == 2
    assert not (tmp_path / "secrets.sealed").exists()
