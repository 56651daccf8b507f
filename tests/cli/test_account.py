"""What an operator does to the account from the command line, over real files."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.books import act_of
from router.canon.usage import Usage
from router.cli.commands import app
from router.policy.audit import PRUNED, Checkpoint, detail_of, digest_of
from router.policy.cachekey import user_mark
from router.store.answerfile import SqliteAnswers
from router.store.answers import KeptAnswer, Label
from router.store.disk import DiskJournal
from router.store.journal import Query
from router.store.migrate import REVISION
from router.store.sqlite import sqlite_store
from tests.fakes.entries import acts, closed, opened, transcribed

PRICES = {"input_per_mtok": 3, "output_per_mtok": 15}


class Account:
    """A configuration with a ledger of its own, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "router.json"
        self.ledger = folder / "ledger.sqlite"
        self.journal = folder / "journal"
        models = [{"name": "large", "price": PRICES}]
        provider = {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9", "models": models}
        self.file.write_text(json.dumps({"home": str(folder), "providers": {"main": provider}}))

    def put(self, *records: object) -> None:
        """Write to the store as a router does."""
        store = sqlite_store(self.ledger)
        store.open()
        store.put(tuple(records))  # type: ignore[arg-type]  # entries and acts
        store.close()

    def run(self, *words: str, status: int = 0) -> str:
        """What a command says."""
        result = CliRunner(env={"COLUMNS": None}).invoke(app, ["ledger", *words, "--config", str(self.file)])
        assert result.exit_code == status, result.output
        return result.output

    def change(self, statement: str) -> None:
        """What somebody does behind everybody's back."""
        with sqlite3.connect(self.ledger) as connection:
            connection.execute(statement)
        connection.close()


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """Nothing in it yet."""
    return Account(tmp_path)


def test_an_untouched_log_is_proved(account: Account) -> None:
    """Every chain, each from its first act to its last."""
    account.put(*acts(5), *acts(3, chain="elsewhere"))
    assert "8 acts, every one as it was written" in account.run("verify")


def anew(digest: str) -> str:
    """A statement that lets the last act of the chain have another digest, as a chain that was made anew has."""
    return f"UPDATE acts SET digest = '{digest}' WHERE number = 5"


def test_what_retention_let_go_is_no_gap(account: Account) -> None:
    """The rest begins where an act says it does, also where letting go was stopped half way; anywhere else is a gap."""
    chain = acts(5)
    says = detail_of([Checkpoint(chain="here", number=2, digest=chain[1].digest)])
    (let_go,) = acts(1, chain="elsewhere")
    let_go = replace(let_go, act=PRUNED, detail=says)
    account.put(*chain, replace(let_go, digest=digest_of(act_of(let_go))))
    for left, words in (
        (1, "5 acts, every one as it was written; 1 before"),
        (2, "4 acts, every one as it was written; 2"),
    ):
        account.change(f"DELETE FROM acts WHERE chain = 'here' AND number <= {left}")
        assert words in account.run("verify")
    account.change("DELETE FROM acts WHERE chain = 'here' AND number = 3")
    assert "act 4: follows 0: what was between is missing" in account.run("verify", status=1)


def test_acts_that_are_not_in_the_store_yet_are_proved_in_the_journal(account: Account) -> None:
    """They are neither missing nor taken on trust."""
    journal = DiskJournal(account.journal)
    chain = acts(3, chain=journal.open().writer)
    journal.append(chain)
    account.put(*chain[:1])
    assert "3 acts, every one as it was written" in account.run("verify")
    journal.append((replace(chain[-1], number=4),))
    assert "act 4: does not follow" in account.run("verify", status=1)
    journal.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE acts SET actor = 'nobody' WHERE number = 3", "act 3: was altered"),
        ("DELETE FROM acts WHERE number = 3", "act 4: follows 2"),
        ("DELETE FROM acts WHERE number = 1", "act 2: follows 0"),
        ("UPDATE acts SET number = CASE number WHEN 2 THEN 99 ELSE number END", "act 99: "),
        ("DELETE FROM acts WHERE number = 5", "act 4: is the last, and the journal knows 5"),
        ("DELETE FROM acts", "act 0: is the last, and the journal knows 5"),
        (anew("0" * 64), "act 5: is not the act that the journal knows"),
    ],
    ids=["altered", "missing", "first missing", "reordered", "newest cut off", "all gone", "made anew"],
)
def test_a_broken_log_is_found(account: Account, statement: str, words: str) -> None:
    """Whatever was done to it; what was cut off at its end shows in the journal's head."""
    journal = DiskJournal(account.journal)
    writer = journal.open().writer
    chain = acts(5, chain=writer)
    journal.append(chain)
    journal.carried(journal.backlog(10).mark)
    journal.close()
    account.put(*chain)
    account.change(statement)
    assert words in account.run("verify", status=1)


def test_a_user_is_exported_and_erased(account: Account) -> None:
    """All of theirs, as lines of JSON; then no name, the same sums, and an act that does not name them."""
    account.put(opened("a", user="ann"), closed("a"), opened("b", user="bob"), opened("c", user="ann"))
    account.put(transcribed("x", "ann"), transcribed("y", "bob", asked="a canary"), transcribed("z", "ann"))
    lines = [json.loads(line) for line in account.run("export", "--user", "ann").splitlines()]
    assert [line.get("attempt") or line["exchange"] for line in lines] == ["c", "a", "z", "x"]
    assert [line["kind"] for line in lines] == ["entry", "entry", "transcript", "transcript"]
    (newest,) = account.run("transcripts", "--user", "bob").splitlines()
    assert (json.loads(newest)["asked"], account.run("transcripts", "--key", "none")) == ("a canary", "")
    assert "erased from 2 entries, and 2 transcripts" in account.run("erase", "--user", "ann")
    assert account.run("export", "--user", "ann") == "pointsman: no entry is of a user 'ann'\n"
    assert "no" in account.run("erase", "--user", "", status=2)
    assert "1 acts" in account.run("verify")
    assert b"user.erased" in account.ledger.read_bytes()
    assert "0.00357" in account.run()


def test_a_user_is_erased_from_the_file_of_kept_answers_too(account: Account) -> None:
    """Where there is one; of a cache in memory it is said who lets go of it."""
    config = json.loads(account.file.read_text())
    for cache, said in (
        ({"backend": "sqlite"}, "erased 1 kept answers\n"),
        ({"enabled": True}, "POST /ledger/erase to it lets those go too\n"),
    ):
        account.file.write_text(json.dumps({**config, "cache": cache}))
        answers = SqliteAnswers(account.file.parent / "cache.sqlite")
        for user in ("ann", "bob"):
            label = Label(user=user_mark(user))
            answers.put(user, KeptAnswer(body=b"said", at=1000.0, label=label), 0.0, 10_000)
        answers.close()
        assert account.run("erase", "--user", "ann").endswith(said)
        assert answers.get("bob", 0.0) is not None
        assert (answers.get("ann", 0.0) is None) == ("backend" in cache)
        answers.close()


def test_entries_are_rated_anew(account: Account) -> None:
    """An entry without a price gets one when there is one; nothing changes unless that is asked for."""
    usage = Usage(input=900, output=40)
    unpriced = replace(closed("a", cost_usd=None), usage=usage, reported_usd=None, price_id=None, price_date=None)
    account.put(unpriced, opened("b"))
    cost = Decimal(3) * 900 / 1_000_000 + Decimal(15) * 40 / 1_000_000
    assert (
        f"1 entry would cost {cost.normalize()} USD instead of 0, and instead of the unknown cost of 1\n"
        == account.run("rate")
    )
    store = sqlite_store(account.ledger)
    store.open()
    assert store.entries(Query())[-1].cost_usd is None
    assert f"1 entry now costs {cost.normalize()}" in account.run("rate", "--apply")
    assert store.entries(Query())[-1].cost_usd == cost
    store.close()
    assert account.run("rate") == "every entry's cost is what today's prices make it\n"


def test_what_nobody_prices_any_more_keeps_its_cost(account: Account) -> None:
    """A provider that has left the configuration was paid all the same."""
    gone = closed("a", provider="gone")
    account.put(replace(gone, usage=Usage(input=900, output=40), reported_usd=None))
    assert "every entry's cost is" in account.run("rate", "--apply")
    assert "0.00357" in account.run()


def test_a_file_is_migrated(account: Account) -> None:
    """Made, where there was none."""
    assert f"schema {REVISION}" in account.run("migrate")
    assert account.ledger.exists()


def test_a_database_that_is_not_there_is_said_in_words(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With status 1, and without its password."""
    document = json.loads(account.file.read_text())
    document["ledger"] = {"url": f"postgresql://someone:canary@/x?host={tmp_path}"}
    account.file.write_text(json.dumps(document))
    said = account.run("migrate", status=1)
    assert "canary" not in said
    assert "pointsman: " in said
