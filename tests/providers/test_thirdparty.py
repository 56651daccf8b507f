"""A kind from another package: `thirdparty/` is what its author writes, an installer does the rest."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest

from router.app import kind_rules
from router.providers import GROUP, find_kinds
from router.settings import BUILT_IN, ConfigInvalid, load
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, status
from tests.fakes.served import routed, served

PACKAGE = Path(__file__).parent / "thirdparty"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, entries: dict[str, str] | None = None) -> None:
    """What pip would write for the package: metadata in a folder of the path, beside the package itself."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    made = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    made.mkdir()
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {value}" for name, value in (entries or project["entry-points"][GROUP]).items()]
    (made / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.syspath_prepend(str(folder))


def test_an_installed_kind_is_found_beside_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is gone again when its package is."""
    assert "acme" not in find_kinds()
    install(tmp_path, monkeypatch)
    assert set(find_kinds()) == {*BUILT_IN, "acme"}
    monkeypatch.undo()
    assert "acme" not in find_kinds()


def test_an_installed_kind_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own address, headers, quirks and errors, and no line of ours that names it."""
    install(tmp_path, monkeypatch)
    asyncio.run(_served(tmp_path))


async def _served(home: Path) -> None:
    sold_out = {"error": {"message": "Sorry, anvils are sold out"}}
    async with ScriptedProvider(answer("beep"), status(403, body=sold_out)) as provider:
        config: dict[str, Any] = {
            "kind": "acme",
            "base_url": provider.base_url,
            "api_key": "k-1",
            "models": [{"name": "m", "upstream": "anvil"}],
        }
        async with served({"providers": {"main": config}}, home) as router:
            async with router.chat(model="main:m", max_completion_tokens=5, user="Wile") as response:
                assert response.status == 200
                assert response.headers["x-router-lost"] == "user"
                assert (await response.json())["choices"][0]["message"]["content"] == "beep"
            async with router.chat(model="main:m") as response:
                assert (await response.json())["error"]["metadata"]["reason"] == "quota_exhausted"
        turn = provider.turns[0]
        assert turn.path == "/v1/models/anvil/complete"
        assert (turn.headers["x-acme-key"], turn.headers["x-acme-client"]) == ("k-1", "pointsman")
        assert (turn.asked()["max_tokens"], "user" in turn.asked()) == (5, False)


def test_a_kind_that_cannot_be_imported_keeps_no_other_from_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged when a router starts, and a configuration that wants it is told why it cannot be had."""
    install(tmp_path, monkeypatch, entries={"acme": "acme_gone:KIND"})
    asyncio.run(_served_without(tmp_path))
    with pytest.raises(ConfigInvalid, match=r"providers\.main\.kind: .*No module named 'acme_gone'"):
        load({"providers": {"main": {"kind": "acme"}}}, {}, kind_rules())


async def _served_without(home: Path) -> None:
    async with ScriptedProvider(answer("beep")) as provider, served(routed(provider), home) as router:
        async with router.chat() as response:
            assert response.status == 200
        assert [line["kind"] for line in router.log.read if line["event"] == "kind broken"] == ["acme"]


_WRONG = {
    "no kind": ({"acme": "acme_pointsman:DIALECT"}, "must lead to a Kind, not Dialect"),
    "a kind we have": ({"openai": "router.providers.openai:KIND"}, "brings the kind 'openai' once more"),
}


@pytest.mark.parametrize(("entries", "words"), _WRONG.values(), ids=_WRONG)
def test_an_entry_point_that_brings_no_new_kind_is_refused(
    entries: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took the place of another kind would get its keys."""
    install(tmp_path, monkeypatch, entries=entries)
    with pytest.raises(TypeError, match=words):
        find_kinds()
