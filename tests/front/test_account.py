"""The account over HTTP: whoever may read it reads all of it, and whom it forgets it forgets everywhere."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, routed, served, until

KEPT: dict[str, Any] = {"transcripts": {"enabled": True}}


async def told(router: Served, *users: str) -> None:
    """One question of each of these, and all of them in the account."""
    for user in users:
        async with router.chat(user=user, messages=[{"role": "user", "content": f"says {user}"}]) as response:
            assert response.status == 200
    await until(lambda: router.in_flight == 0)
    await router.entries(len(users))


async def pages(router: Served, path: str) -> list[dict[str, Any]]:
    """Every page of it, one row at a time."""
    found, cursor = [], ""
    while cursor is not None:
        code, page = await router.get(f"{path}&limit=1{cursor and f'&cursor={cursor}'}")
        assert code == 200, page
        found.append(page)
        cursor = page["next"]
    return found


async def erase(router: Served, body: object) -> tuple[int, Any]:
    """Ask for it."""
    async with router.http.post(f"{router.url}/ledger/erase", json=body) as response:
        return response.status, await response.json()


@on_uvloop
async def test_an_end_user_is_exported_and_erased_over_http(tmp_path: Path) -> None:
    """Page by page, entries and words, of that user alone; then nothing of theirs is left, and the acts name nobody."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **KEPT), tmp_path) as router:
        await told(router, "ann", "bob", "ann")
        export = await pages(router, "/ledger/export?user=ann")
        entries = [row for page in export for row in page["entries"]]
        words = [row for page in export for row in page["transcripts"]]
        assert [row["user"] for row in entries] == ["ann", "ann"] and len({row["attempt"] for row in entries}) == 2
        assert [row["asked"] for row in words] == ["user: says ann\n"] * 2
        assert await erase(router, {"user": "ann"}) == (200, {"entries": 2, "transcripts": 2, "cached": 0})
        assert [page["next"] for page in await pages(router, "/ledger/export?user=ann")] == ["words", None]
        kept = [row["user"] for page in await pages(router, "/ledger/entries?model=m") for row in page["rows"]]
        assert kept == ["", "bob", ""]
        _, audit = await router.get("/audit")
        acts = [(act["act"], act["subject"]) for act in audit["rows"] if act["act"].startswith("user.")]
        assert acts.count(("user.erased", "an end user")) == 1 and acts.count(("user.exported", "an end user")) >= 2
        assert "ann" not in str(audit) and all(act["actor"].startswith("http ") for act in audit["rows"][:1])


@on_uvloop
async def test_words_are_read_by_who_may_and_that_is_an_act(tmp_path: Path) -> None:
    """Filtered as they are asked for; a caller's own key opens none of it."""
    keys = {"team": {"key": "t" * 20}, "other": {"key": "o" * 20}}
    async with ScriptedProvider(speak()) as one:
        config = routed(one, keys=keys, admin={"key": "a" * 20}, **KEPT)
        async with served(config, tmp_path) as router:
            for key in keys.values():
                headers = {"authorization": f"Bearer {key['key']}"}
                body = {"model": "chat", "messages": [{"role": "user", "content": "why"}]}
                async with router.http.post(f"{router.url}/v1/chat/completions", json=body, headers=headers) as got:
                    assert got.status == 200
                async with router.http.get(f"{router.url}/ledger/transcripts", headers=headers) as got:
                    assert got.status == 401
            admin = {"authorization": f"Bearer {'a' * 20}"}
            async with router.http.get(f"{router.url}/ledger/transcripts?key=team", headers=admin) as got:
                page = await got.json()
            assert [(row["key"], row["asked"]) for row in page["rows"]] == [("team", "user: why\n")]
            async with router.http.get(f"{router.url}/audit?act=transcripts.read", headers=admin) as got:
                (act,) = (await got.json())["rows"]
            assert (act["subject"], act["outcome"]) == ("key team", "done")


def rename(home: Path, before: str, after: str) -> None:
    """Give a table of the newest store another name."""
    file = max(home.glob("*/ledger.sqlite"), key=lambda file: file.stat().st_mtime_ns)
    with sqlite3.connect(file) as other:
        other.execute(f"ALTER TABLE {before} RENAME TO {after}")
    other.close()


@on_uvloop
async def test_a_store_that_refuses_makes_no_half_export(tmp_path: Path) -> None:
    """Export and erasure are 503 then, a page says that it is not all, and nothing is erased by half."""
    async with ScriptedProvider(speak()) as one, served(routed(one, **KEPT), tmp_path) as router:
        await told(router, "ann")
        rename(tmp_path, "transcripts", "hidden")
        _, page = await router.get("/ledger/transcripts")
        assert (page["rows"], page["complete"], page["next"]) == ([], False, None)
        code, _ = await router.get("/ledger/export?user=ann&cursor=words")
        assert (code, (await erase(router, {"user": "ann"}))[0]) == (503, 503)
        rename(tmp_path, "hidden", "transcripts")
        assert await erase(router, {"user": "ann"}) == (200, {"entries": 1, "transcripts": 1, "cached": 0})


_REFUSED: dict[str, Any] = {
    "nobody": ("/ledger/export", "user"),
    "an empty name": ("/ledger/export?user=", "user"),
    "no cursor": ("/ledger/export?user=a&cursor=wordsx", "cursor"),
    "no cursor of entries": ("/ledger/entries?cursor=x", "cursor"),
    "no filter": ("/ledger/transcripts?provider=one", "provider"),
}


@on_uvloop
async def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A filter that was mistyped must not show everything, nor erase it."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        for path, param in _REFUSED.values():
            code, body = await router.get(path)
            assert (code, body["error"]["param"]) == (400, param), path
        bodies: tuple[object, ...] = ({}, {"user": ""}, {"user": 1}, {"user": "a", "usr": "b"}, [])
        for wrong in bodies:
            code, body = await erase(router, wrong)
            assert (code, body["error"]["param"]) == (400, "user"), wrong


@on_uvloop
async def test_a_user_is_found_by_the_name_that_callers_wrote(tmp_path: Path) -> None:
    """However much of it the account keeps; and a name of which it keeps nothing is not everybody without one."""
    long = "n" * 300
    kept = {**KEPT, "cache": {"enabled": True}}
    async with ScriptedProvider(speak()) as one, served(routed(one, **kept), tmp_path) as router:
        await told(router, long, "bob", "")
        await until(lambda: router.assembly._cached.value.entries == 3)
        assert (await erase(router, {"user": "\0"}))[0] == 400
        async with router.http.post(f"{router.url}/cache/purge", json={"user": "\0"}) as response:
            assert response.status == 400
        assert (await router.get(f"/ledger/export?user={long}"))[1]["entries"]
        gone = {"entries": 1, "transcripts": 1, "cached": 1}
        assert await erase(router, {"user": long}) == (200, gone)
        assert router.assembly._cached.value.entries == 2
