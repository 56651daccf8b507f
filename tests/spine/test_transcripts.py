"""The words of exchanges are kept for whoever asks for it, for nobody else, and go when they are told to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.messages import EraseUser, UserErased
from router.store.journal import Query, TranscriptRow
from router.store.sqlite import sqlite_store
from tests.fakes.loops import on_real_loops
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak, status
from tests.fakes.served import Served, routed, served, until

KEYS = {"kept": "k" * 20, "plain": "p" * 20, "refusing": "r" * 20}
CANARY = "a-canary-in-the-question"
SECRET = "provider-key-of-one-0001"
CONFIG: dict[str, Any] = {
    "keys": {
        "kept": {"key": KEYS["kept"], "transcripts": True, "owner": "team"},
        "plain": {"key": KEYS["plain"]},
        "refusing": {"key": KEYS["refusing"], "transcripts": False},
    },
    "transcripts": {"redact": [r"\b[A-Z]{2}\d{20}\b"], "max_chars": 256},
    "telemetry": {"log_level": "debug"},
}
ASKED = f"{CANARY}, pay DE12345678901234567890 with {SECRET}"


async def ask(router: Served, key: str, path: str = "/v1/chat/completions", **fields: Any) -> int:
    """Send one question to its end."""
    body = {"model": "chat", "messages": [{"role": "user", "content": ASKED}], "max_tokens": 50, **fields}
    headers = {"authorization": f"Bearer {KEYS[key]}"}
    async with router.http.post(router.url + path, json=body, headers=headers) as response:
        await response.read()
        return response.status


async def kept(router: Served, home: Path, entries: int) -> list[TranscriptRow]:
    """Every transcript in the store, the oldest first, once it has so many entries."""
    await until(lambda: router.in_flight == 0)
    await router.entries(entries)
    return in_store(home)


def in_store(home: Path) -> list[TranscriptRow]:
    """What the newest ledger under `home` has."""
    file = max(home.glob("*/ledger.sqlite"), key=lambda file: file.stat().st_mtime)
    store = sqlite_store(file, read_only=True)
    store.open()
    rows = store.transcripts(Query())[::-1]
    store.close()
    return list(rows)


def on_disk(home: Path, word: str) -> list[str]:
    """The files under `home` that hold it."""
    return [file.name for file in sorted(home.rglob("*")) if file.is_file() and word.encode() in file.read_bytes()]


def routing(provider: ScriptedProvider, **sections: Any) -> Mapping[str, Any]:
    """One provider with a key of its own, and `CONFIG`."""
    own = routed(provider)
    own["providers"]["one"]["api_key"] = SECRET
    return {**own, **CONFIG, **sections}


@on_real_loops
async def test_what_a_key_asks_for_is_kept_redacted_and_erased_with_its_user(tmp_path: Path) -> None:
    """Streamed and whole, passed through and translated, also of a failure; of no other key; and never in a log."""
    async with ScriptedProvider(speak("it is done")) as one, served(routing(one), tmp_path) as router:
        assert await ask(router, "plain", user="ann") == 200
        assert await ask(router, "kept", user="ann") == 200
        assert await ask(router, "kept", user="bob", stream=True) == 200
        assert await ask(router, "kept", "/v1/messages", metadata={"user_id": "ann"}, stream=True) == 200
        one.play(status(400))
        assert await ask(router, "kept", user="ann") == 400
        rows = await kept(router, tmp_path, 5)
        words = f"user: {CANARY}, pay [redacted] with [redacted]\n"
        assert [(row.user, row.end.value, row.asked, row.said) for row in rows] == [
            ("ann", "completed", words, "it is done"),
            ("bob", "completed", words, "it is done"),
            ("ann", "completed", words, "it is done"),
            ("ann", "refused", words, ""),
        ]
        assert {(row.key, row.owner, row.model) for row in rows} == {("kept", "team", "chat")}
        assert CANARY not in str(router.log.read) and CANARY not in str(await router.get("/providers/logs"))
        assert on_disk(tmp_path, SECRET) == []
        for user, gone, left in (("ann", 3, ["bob"]), ("bob", 1, [])):
            erased = await router.ref("ledger").ask(EraseUser(user=user, actor="test"))
            assert erased == UserErased(entries=gone + (user == "ann"), transcripts=gone)
            assert [row.user for row in await kept(router, tmp_path, 5)] == left
        assert on_disk(tmp_path, CANARY) == []


@on_real_loops
async def test_the_server_decides_for_keys_that_say_nothing(tmp_path: Path) -> None:
    """And a key that says no is heard."""
    on = {**CONFIG["transcripts"], "enabled": True}
    async with ScriptedProvider(speak("yes " * 200)) as one, served(routing(one, transcripts=on), tmp_path) as router:
        for key in ("plain", "refusing", "kept"):
            assert await ask(router, key) == 200
        rows = await kept(router, tmp_path, 3)
        assert [row.key for row in rows] == ["plain", "kept"]
        assert "characters are left out" in rows[0].said and len(rows[0].said) < 320


@on_real_loops
async def test_nothing_is_kept_unless_somebody_asks(tmp_path: Path) -> None:
    """No file under the router's home holds a word of a question or an answer."""
    async with ScriptedProvider(speak("an answer of many words")) as one, served(routed(one), tmp_path) as router:
        async with router.chat(messages=[{"role": "user", "content": CANARY}]) as response:
            assert response.status == 200
        assert await kept(router, tmp_path, 1) == []
        assert on_disk(tmp_path, CANARY) == on_disk(tmp_path, "many words") == []
