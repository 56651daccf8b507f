"""The configuration over HTTP: read again, changed entry by entry, and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import speak
from tests.fakes.served import Served, remote, routed, served
from tests.scenarios.scene import asked_for

KEY = "sk-canary-0123456789"


class Asked:
    """What came back."""

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def body(self) -> Any:
        """As JSON."""
        return json.loads(self.text)


async def ask(router: Served, method: str, path: str, body: object = None, **headers: str) -> Asked:
    """One request of an operator."""
    async with router.http.request(method, router.url + path, json=body, headers=headers) as response:
        return Asked(response.status, response.headers, await response.text())


def contents(folder: Path) -> list[bytes]:
    """What is in every file below it."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@on_uvloop
async def test_a_provider_is_added_changed_and_removed_while_serving(tmp_path: Path) -> None:
    """Each change is in force when its answer comes, and its entry reads as it was written."""
    async with (
        ScriptedProvider(speak("one")) as one,
        ScriptedProvider(speak("two")) as two,
        served(routed(one), tmp_path) as router,
    ):
        added = await ask(router, "POST", "/config/providers", {"name": "new", **remote(two)})
        assert (added.status, added.body["providers"]["added"]) == (201, ["new"])
        async with router.chat(model="new:m") as response:
            assert (response.status, response.headers["x-router-config"]) == (200, added.body["version"])
        assert (await ask(router, "POST", "/config/providers", {"name": "new", **remote(two)})).status == 409

        patched = await ask(router, "PATCH", "/config/providers/new", {"models": ["m", "n"], "max_queue": 3})
        assert patched.body["providers"]["changed"] == ["new"]
        entry = (await ask(router, "GET", "/config/providers/new")).body
        assert entry == {**remote(two), "models": ["m", "n"], "max_queue": 3}
        put = await ask(router, "PUT", "/config/providers/new", remote(two))
        assert put.status == 200
        async with router.chat(model="new:n") as response:
            assert response.status == 404

        group = await ask(router, "PUT", "/config/groups/pair", {"targets": ["one:m", "new:m"]})
        assert (group.status, group.body["groups"]["added"]) == (200, ["pair"])
        assert (await ask(router, "DELETE", "/config/providers/new")).status == 422  # the group needs it
        assert (await ask(router, "DELETE", "/config/groups/pair")).status == 200
        assert (await ask(router, "DELETE", "/config/providers/new")).status == 200
        assert (await ask(router, "GET", "/config/providers/new")).status == 404
        assert (await ask(router, "PATCH", "/config/providers/new", {})).status == 404
        async with router.chat(model="new:m") as response:
            assert response.status == 404


@on_uvloop
async def test_a_change_survives_a_restart_and_is_exported(tmp_path: Path) -> None:
    """The file of the operator is as it was; what is exported loads to the same configuration."""
    async with ScriptedProvider(speak()) as one:
        config = {**routed(one), "ledger": {"path": str(tmp_path / "ledger.sqlite")}}
        async with served(config, tmp_path) as router:
            await ask(router, "PUT", "/config/providers/two", {**remote(one), "api_key": KEY})
            await ask(router, "PATCH", "/config/groups/chat", {"targets": ["two:m", "one:m"]})
        async with served(config, tmp_path) as router:
            async with router.chat() as response:
                assert (response.status, response.headers["x-router-provider"]) == (200, "two")
            assert asked_for(one.turns[-1])[0] == f"Bearer {KEY}"
            exported = await ask(router, "GET", "/config?format=yaml")
        tree = yaml.safe_load(exported.text)
        assert tree["providers"]["two"]["api_key"] == "secret:two/api_key"
        (tmp_path / "changes.json").unlink()
        async with served(tree, tmp_path) as router:
            async with router.chat() as response:
                assert (response.status, response.headers["x-router-provider"]) == (200, "two")
            assert asked_for(one.turns[-1])[0] == f"Bearer {KEY}"


@on_uvloop
async def test_a_key_that_is_given_is_nowhere_in_the_clear(tmp_path: Path) -> None:
    """Not in a file under `home`, not in any answer, not in the log; it is gone from the store with its provider."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        entry = {**remote(one), "api_key": KEY, "headers": {"x-team": f"{KEY}-header"}}
        answers = [await ask(router, "PUT", "/config/providers/two", entry)]
        for path in ("/config", "/config?format=yaml", "/config/providers", "/config/providers/two"):
            answers.append(await ask(router, "GET", path))
        shown = answers[-1].body
        assert shown["api_key"] == "secret:two/api_key"
        # a mask is what was there before, so that an entry that was read can be put back
        masked = {**shown, "api_key": "***", "max_queue": 9}
        answers.append(await ask(router, "PUT", "/config/providers/two", masked))
        assert [answer.status for answer in answers] == [200] * 6
        async with router.chat(model="two:m") as response:
            assert response.status == 200
        assert asked_for(one.turns[-1])[0] == f"Bearer {KEY}"
        said = "".join(answer.text for answer in answers) + json.dumps(router.log.read)
        files = contents(tmp_path)
        assert KEY not in said
        assert [content for content in files if KEY.encode() in content] == []
        for name in ("secrets.key", "secrets.sealed", "changes.json"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0
        size = (tmp_path / "secrets.sealed").stat().st_size
        await ask(router, "DELETE", "/config/providers/two")
        assert (tmp_path / "secrets.sealed").stat().st_size < size


@on_uvloop
async def test_a_change_that_is_not_valid_changes_nothing(tmp_path: Path) -> None:
    """Every fault is told by its path, nothing is kept, and a change over HTTP reads no file and no variable."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        before = (await ask(router, "GET", "/config")).headers["etag"]
        refused = await ask(router, "PUT", "/config/providers/one", {"kind": "openai-compatible", "max_queue": -1})
        assert refused.status == 422
        paths = [fault["path"] for fault in refused.body["error"]["faults"]]
        assert "providers.one.base_url" in paths and "providers.one.max_queue" in paths
        for stolen in ("file:/etc/hostname", "${HOME}"):
            reads = await ask(router, "PATCH", "/config/providers/one", {"api_key": stolen})
            assert (reads.status, reads.body["error"]["faults"][0]["path"]) == (422, "providers.one.api_key")
        reads = await ask(router, "PATCH", "/config/providers/one", {"base_url": "http://${HOME}.test/v1"})
        assert reads.status == 422
        bodies: tuple[object, ...] = ([], "text", {"name": 3})
        for body in bodies:
            assert (await ask(router, "POST", "/config/providers", body)).status == 400
        assert (await ask(router, "GET", "/config")).headers["etag"] == before
        assert not (tmp_path / "changes.json").exists()


@on_uvloop
async def test_what_the_file_says_in_vain_is_told_until_the_change_is_taken_back(tmp_path: Path) -> None:
    """By the reload's answer, the health report and the log; taking it back is guarded and audited as a change is."""
    async with ScriptedProvider(speak()) as one:
        config = routed(one)
        async with served(config, tmp_path) as router:
            await ask(router, "PATCH", "/config/providers/one", {"max_queue": 5})
            config["providers"]["one"] = {**remote(one), "max_queue": 7, "max_parallel": 3}
            reloaded = await ask(router, "POST", "/config/reload")
            where = {"section": "providers", "name": "one", "effect": "changed"}
            change = {**where, "hidden": ["max_queue"], "edited": ["max_queue"]}
            assert reloaded.body["changes"] == [change]
            assert (await ask(router, "GET", "/health/detailed")).body["config_changes"] == [change]
            (line,) = [line for line in router.log.read if line["event"].startswith("config entry hidden")]
            assert (line["level"], line["entry"], line["edited"]) == ("warning", "providers.one", ["max_queue"])
            config["providers"]["one"] = {**remote(one), "max_queue": 8, "max_parallel": 3}
            unmoved = await ask(router, "POST", "/config/reload")  # nothing else differs, and it is told all the same
            assert unmoved.body["changes"] == [change]

            back = "/config/providers/one/revert"
            assert (await ask(router, "POST", back, **{"if-match": '"another"'})).status == 412
            assert (await ask(router, "POST", back, **{"if-match": reloaded.headers["etag"]})).body["changes"] == []
            assert (await ask(router, "POST", "/config/providers/two/revert")).status == 404
            assert (await ask(router, "GET", "/config/providers/one")).body["max_queue"] == 8
            assert (await ask(router, "POST", back)).status == 404
            assert (await ask(router, "DELETE", "/config/groups/chat")).body["changes"][0]["effect"] == "removed"
            assert (await ask(router, "POST", "/config/groups/chat/revert")).body["groups"]["added"] == ["chat"]
            acts = [(line["act"], line["outcome"]) for line in router.log.read if line["event"] == "admin acted"]
            assert acts.count(("config.revert", "taken")) == 2 and ("config.revert", "missing") in acts


@on_uvloop
async def test_a_change_made_for_another_configuration_is_refused(tmp_path: Path) -> None:
    """Of two operators who read the same one, the second is told that it has changed."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        tag = (await ask(router, "GET", "/config/providers/one")).headers["etag"]
        first = await ask(router, "PATCH", "/config/providers/one", {"max_queue": 5}, **{"if-match": tag})
        assert first.status == 200
        second = await ask(router, "PATCH", "/config/providers/one", {"max_queue": 6}, **{"if-match": tag})
        assert (second.status, second.headers["etag"]) == (412, first.headers["etag"])
        third = await ask(
            router, "PATCH", "/config/providers/one", {"max_queue": 6}, **{"if-match": second.headers["etag"]}
        )
        assert third.status == 200


@on_uvloop
async def test_every_act_is_in_the_log_with_its_outcome(tmp_path: Path) -> None:
    """Who, what, on what, and what became of it."""
    async with ScriptedProvider(speak()) as one, served(routed(one), tmp_path) as router:
        await ask(router, "POST", "/config/reload")
        await ask(router, "PATCH", "/config/providers/one", {"max_queue": 5})
        await ask(router, "DELETE", "/config/groups/none")
        acts = [
            (line["by"], line["act"], line["subject"], line["outcome"])
            for line in router.log.read
            if line["event"] == "admin acted"
        ]
        who = "http 127.0.0.1"
        assert acts[1:] == [
            (who, "config.patch", "providers.one", "taken"),
            (who, "config.remove", "failover_groups.none", "missing"),
        ]
        assert acts[0][:2] == (who, "config.reload")


@on_uvloop
async def test_administration_asks_for_its_key(tmp_path: Path) -> None:
    """On the callers' port; callers' own paths and liveness do not ask. What was denied is in the log."""
    async with ScriptedProvider(speak()) as one, served(routed(one, admin={"key": KEY}), tmp_path) as router:
        for path in ("/config", "/metrics", "/health/detailed", "/config/providers"):
            denied = await ask(router, "GET", path)
            assert (denied.status, "www-authenticate" in denied.headers) == (401, True)
            said = denied.body["error"]
            assert (said["type"], said["code"]) == ("authentication_error", "invalid_api_key")
            assert (await ask(router, "GET", path, **{"x-admin-key": KEY[:-1]})).status == 401
            assert (await ask(router, "GET", path, **{"x-admin-key": KEY})).status == 200
            assert (await ask(router, "GET", path, authorization=f"Bearer {KEY}")).status == 200
        for path in ("/livez", "/readyz", "/health", "/v1/models"):
            assert (await ask(router, "GET", path)).status == 200
        assert (
            await ask(router, "GET", "/config", **{"x-admin-key": KEY, "origin": "https://evil.test"})
        ).status == 403
        denied_lines = [line for line in router.log.read if line.get("act") == "access"]
        assert {line["outcome"] for line in denied_lines} == {"denied"}
        assert KEY not in json.dumps(router.log.read)


@on_uvloop
async def test_administration_has_a_listener_of_its_own(tmp_path: Path) -> None:
    """What operators ask is there, and nothing of it is on the callers' port; both tell whether the router lives."""
    async with ScriptedProvider(speak()) as one, served(routed(one, admin={"port": 0, "key": KEY}), tmp_path) as router:
        callers, operators = router.addresses
        for path in ("/config", "/metrics", "/health/detailed"):
            router.url = callers
            assert (await ask(router, "GET", path, **{"x-admin-key": KEY})).status == 404
            router.url = operators
            assert (await ask(router, "GET", path)).status == 401
            assert (await ask(router, "GET", path, **{"x-admin-key": KEY})).status == 200
        assert (await ask(router, "POST", "/v1/chat/completions", {})).status == 404
        router.url = callers
        assert (await ask(router, "GET", "/livez")).status == 200
        async with router.chat() as response:
            assert response.status == 200
