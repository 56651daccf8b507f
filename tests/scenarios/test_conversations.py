"""Line 87 and around it: conversations of `/v1/responses` that go on by the id of their last answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, speak, status
from tests.fakes.served import Caller, remote, routed, served
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import both, scenario


def stored(id: str, text: str, *, store: bool | None = True) -> Script:
    """An answer of a provider that speaks the Responses API, whole or as the stream's first and last events."""
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    whole = {"id": id, "object": "response", "created_at": 1, "model": "m", "status": "completed", "store": store}
    whole |= {"output": [{**item, "content": content}], "usage": usage}

    async def script(turn: Turn) -> None:
        delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
        events = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
            {**delta, "delta": text},
            {"type": "response.completed", "response": whole},
        ]
        streamed = turn.asked().get("stream")
        body = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
        body = body if streamed else json.dumps(whole).encode()
        kind = "text/event-stream" if streamed else "application/json"
        await turn.head(200, {"content-type": kind, "content-length": str(len(body))})
        await turn.send(body)

    return script


def holder(provider: ScriptedProvider) -> dict[str, Any]:
    """A provider that speaks the Responses API itself."""
    return remote(provider, kind="openai-responses", api_key="sk-test")


class Spoken:
    """One answer: its status and the response object, or the error."""

    def __init__(self, status: int, headers: dict[str, str], said: dict[str, Any]) -> None:
        self.status = status
        self.headers = headers
        self.id: str = said.get("id", "")
        self.said = said
        self.error: dict[str, Any] = said.get("error") or {}
        parts = [part for item in said.get("output", ()) for part in item.get("content") or ()]
        self.text = "".join(part.get("text", "") for part in parts)


async def say(router: Caller, text: str, streamed: bool = False, **fields: Any) -> Spoken:
    """One turn, heard to its end."""
    body = {"model": "chat", "input": text, "stream": streamed, **fields}
    async with router.http.post(f"{router.url}/v1/responses", json=body) as response:
        raw, headers = await response.read(), dict(response.headers)
    if response.content_type == "application/json":
        return Spoken(response.status, headers, json.loads(raw))
    events = [json.loads(line[6:]) for line in raw.split(b"\n") if line.startswith(b"data: ")]
    assert {event["response"]["id"] for event in events if "response" in event} == {events[-1]["response"]["id"]}
    return Spoken(response.status, headers, events[-1]["response"])


async def get(router: Caller, path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """Status and body of one of the other paths."""
    async with router.http.request(method, f"{router.url}/v1/responses/{path}") as response:
        return response.status, await response.json()


@both
@scenario
async def test_what_no_provider_stores_is_sent_whole_wherever_the_route_leads(streamed: bool, tmp_path: Path) -> None:
    """Three turns; the first target dies after the first, and the other goes on with all that was said."""
    one = ScriptedProvider(speak("blue"), status(503))
    async with one, ScriptedProvider(speak("red")) as two, served(routed(one, two), tmp_path) as router:
        first = await say(router, "Name a colour.", streamed)
        second = await say(router, "Another.", streamed, previous_response_id=first.id)
        third = await say(router, "A third.", streamed, previous_response_id=second.id)
        heard = [(message["role"], message["content"]) for message in two.turns[-1].asked()["messages"]]
    assert [first.text, second.text, third.text] == ["blue", "red", "red"]
    assert len({first.id, second.id, third.id}) == 3
    assert second.said["previous_response_id"] == first.id
    assert second.said["store"] is True
    assert heard == [
        ("user", "Name a colour."),
        ("assistant", "blue"),
        ("user", "Another."),
        ("assistant", "red"),
        ("user", "A third."),
    ]


@both
@scenario
async def test_line_87_what_a_provider_stores_is_sent_to_nobody_else(streamed: bool, tmp_path: Path) -> None:
    """Its id goes back to it while it is well; when it is down the caller is told who holds the conversation."""
    one = ScriptedProvider(stored("resp_one", "blue"), stored("resp_two", "red"), status(503))
    async with one, ScriptedProvider(stored("resp_x", "no")) as two:
        async with served(routed(holder(one), holder(two)), tmp_path) as router:
            first = await say(router, "Name a colour.", streamed)
            second = await say(router, "Another.", streamed, previous_response_id=first.id)
            asked = one.turns[1].asked()
            third = await say(router, "A third.", streamed, previous_response_id=second.id)
        assert not two.turns
    assert (first.id, second.id) == ("resp_one", "resp_two")
    assert (asked["previous_response_id"], asked["input"]) == ("resp_one", "Another.")
    assert third.status == 503
    assert "one holds this conversation" in third.error["message"]


@scenario
async def test_a_provider_that_says_it_stores_nothing_does_not_hold_the_conversation(tmp_path: Path) -> None:
    """Then it is ours, and goes on anywhere."""
    one = ScriptedProvider(stored("resp_one", "blue", store=False), status(503))
    async with one, ScriptedProvider(stored("resp_two", "red", store=False)) as two:
        async with served(routed(holder(one), holder(two)), tmp_path) as router:
            first = await say(router, "Name a colour.")
            second = await say(router, "Another.", previous_response_id=first.id)
        asked = two.turns[0].asked()
    assert second.text == "red"
    assert "previous_response_id" not in asked
    assert [item["role"] for item in asked["input"]] == ["user", "assistant", "user"]
    assert "id" not in asked["input"][1]


@pytest.mark.parametrize("previous", ["resp_unknown", ""])
@scenario
async def test_an_unknown_id_is_refused_before_anybody_is_asked(previous: str, tmp_path: Path) -> None:
    """In OpenAI's own words for it."""
    async with ScriptedProvider(stored("a", "b")) as one, ScriptedProvider(stored("a", "b")) as two:
        async with served(routed(holder(one), holder(two)), tmp_path) as router:
            heard = await say(router, "hi", previous_response_id=previous)
        assert not (one.turns or two.turns)
    assert heard.status == 400
    assert (heard.error["code"], heard.error["param"]) == ("previous_response_not_found", "previous_response_id")


@scenario
async def test_an_unknown_id_goes_to_the_one_target_that_its_caller_names(tmp_path: Path) -> None:
    """A provider's memory outlives ours; and what it answers can be gone on from."""
    async with ScriptedProvider(stored("resp_two", "red"), stored("resp_three", "green")) as one:
        async with served(routed(holder(one), holder(one)), tmp_path) as router:
            heard = await say(router, "hi", model="one:m", previous_response_id="resp_old")
            after = await say(router, "more", previous_response_id="resp_two")
        asked = [turn.asked()["previous_response_id"] for turn in one.turns]
    assert (heard.text, after.text, asked) == ("red", "green", ["resp_old", "resp_two"])


@scenario
async def test_an_unknown_id_is_unknown_to_a_target_that_stores_nothing(tmp_path: Path) -> None:
    """The one that its caller names speaks another dialect; nobody is asked, and the error is OpenAI's."""
    async with ScriptedProvider(answer("blue")) as one, served(routed(one), tmp_path) as router:
        heard = await say(router, "hi", previous_response_id="resp_old")
        assert not one.turns
    assert heard.status == 400
    assert (heard.error["code"], heard.error["param"]) == ("previous_response_not_found", "previous_response_id")


@scenario
async def test_a_model_that_does_not_lead_to_the_holder_is_refused(tmp_path: Path) -> None:
    """It could not go on there, and must not begin anew."""
    async with ScriptedProvider(stored("resp_one", "blue")) as one, ScriptedProvider(stored("x", "no")) as two:
        async with served(routed(holder(one), holder(two)), tmp_path) as router:
            first = await say(router, "Name a colour.")
            other = await say(router, "Another.", model="two:m", previous_response_id=first.id)
        assert not two.turns
    assert (other.status, other.error["code"]) == (400, "previous_response_not_found")


@scenario
async def test_who_wants_nothing_kept_gets_nothing_kept(tmp_path: Path) -> None:
    """`store: false`, and a router that keeps none."""
    off = {"conversations": {"enabled": False}}
    async with (
        ScriptedProvider(answer("blue")) as one,
        served(routed(one), tmp_path) as router,
        served(routed(one, **off), tmp_path) as bare,
    ):
        mine = await say(router, "hi", store=False)
        gone = await get(router, mine.id)
        later = await say(router, "on", previous_response_id=mine.id)
        theirs = await say(bare, "hi")
        never = await get(bare, theirs.id)
    assert (mine.said["store"], theirs.said["store"]) == (False, False)
    assert (gone[0], later.status, never[0]) == (404, 400, 404)


@both
@scenario
async def test_a_kept_answer_can_be_read_listed_and_deleted(streamed: bool, tmp_path: Path) -> None:
    """As often as asked for; and then no more."""
    async with ScriptedProvider(speak("blue")) as one, served(routed(one), tmp_path) as router:
        first = await say(router, "Name a colour.", streamed)
        second = await say(router, "Another.", streamed, previous_response_id=first.id)
        read = await get(router, second.id)
        listed = (await get(router, f"{second.id}/input_items?order=asc"))[1]
        page = (await get(router, f"{second.id}/input_items?limit=1"))[1]
        next_page = (await get(router, f"{second.id}/input_items?limit=9&after={page['last_id']}"))[1]
        bad = await get(router, f"{second.id}/input_items?limit=0")
        deleted = await get(router, first.id, "DELETE")
        again = await get(router, first.id, "DELETE")
        after = await say(router, "A third.", previous_response_id=second.id)
    assert read == (200, second.said)
    assert [item["role"] for item in listed["data"]] == ["user", "assistant", "user"]
    assert all(item["id"] and item["type"] == "message" for item in listed["data"])
    assert (listed["has_more"], page["has_more"], len(page["data"])) == (False, True, 1)
    assert [item["role"] for item in page["data"] + next_page["data"]] == ["user", "assistant", "user"]
    assert bad[0] == 400
    assert deleted == (200, {"id": first.id, "object": "response", "deleted": True})
    assert (again[0], again[1]["error"]["type"]) == (404, "invalid_request_error")
    assert "no response of this id" in again[1]["error"]["message"]
    assert after.status == 400


@scenario
async def test_a_deletion_that_was_not_made_is_not_reported(tmp_path: Path) -> None:
    """The provider still has it, and the caller must know."""
    async with ScriptedProvider(stored("resp_one", "blue")) as one, served(routed(holder(one)), tmp_path) as router:
        first = await say(router, "hi")
        deleted = await get(router, first.id, "DELETE")
        gone = await get(router, first.id)
    assert (deleted[0], gone[0]) == (400, 404)
    assert "one stores this response too" in deleted[1]["error"]["message"]


@scenario
async def test_a_restart_of_their_keeper_loses_conversations_and_nothing_else(tmp_path: Path) -> None:
    """Callers are told that the id is not known; new conversations begin."""
    async with ScriptedProvider(answer("blue")) as one, served(routed(one, one), tmp_path) as router:
        first = await say(router, "hi")
        await router.crash("conversations")
        lost = await say(router, "on", previous_response_id=first.id)
        fresh = await say(router, "hi again")
        on = await say(router, "on", previous_response_id=fresh.id)
    assert (lost.status, lost.error["code"]) == (400, "previous_response_not_found")
    assert on.status == 200


@scenario
async def test_a_conversation_that_was_evicted_is_not_known_and_says_so(tmp_path: Path) -> None:
    """The store is bounded: what was used least goes first, whole, and what stays can be gone on from."""
    small = {"conversations": {"max_bytes": 1_000_000}}
    async with ScriptedProvider(speak("blue")) as one, served(routed(one, one, **small), tmp_path) as router:
        old = await say(router, "x" * 400_000)
        new = await say(router, "y" * 400_000)
        more = await say(router, "z" * 400_000)
        lost = await say(router, "on", previous_response_id=old.id)
        held = [(await say(router, "on", previous_response_id=each.id)).status for each in (new, more)]
        read = (await get(router, old.id))[0]
    assert (lost.status, lost.error["code"]) == (400, "previous_response_not_found")
    assert (held, read) == ([200, 200], 404)


@scenario
async def test_what_is_anothers_is_not_there(tmp_path: Path) -> None:
    """Neither to go on from, nor to read, nor to delete, in the words for an id that never was."""
    keys = {"one": {"key": "client-key-number-one"}, "two": {"key": "client-key-number-two"}}
    async with ScriptedProvider(speak("blue")) as one, served(routed(one, keys=keys), tmp_path) as router:
        router.http.headers["authorization"] = "Bearer client-key-number-one"
        mine = await say(router, "hi")
        router.http.headers["authorization"] = "Bearer client-key-number-two"
        on = await say(router, "on", previous_response_id=mine.id)
        never = await say(router, "on", previous_response_id="resp_never")
        seen = [(await get(router, mine.id, method))[0] for method in ("GET", "DELETE")]
        router.http.headers["authorization"] = "Bearer client-key-number-one"
        still = await say(router, "on", previous_response_id=mine.id)
    assert on.error["message"] == never.error["message"].replace("resp_never", mine.id)
    assert (on.status, seen, still.status) == (400, [404, 404], 200)


@scenario
async def test_when_the_holder_is_gone_from_the_route_nobody_begins_anew(tmp_path: Path) -> None:
    """It was taken out of the configuration while it held a conversation: the caller is told who held it."""
    one = ScriptedProvider(stored("resp_one", "blue"))
    async with one, ScriptedProvider(stored("resp_x", "no")) as two:
        async with served(routed(holder(one), holder(two)), tmp_path) as router:
            first = await say(router, "Name a colour.")
            async with router.http.put(f"{router.url}/config/groups/chat", json={"targets": ["two:m"]}) as response:
                assert response.status == 200, await response.text()
            async with router.http.delete(f"{router.url}/config/providers/one") as response:
                assert response.status == 200, await response.text()
            gone = await say(router, "Another.", previous_response_id=first.id)
        assert not two.turns
    assert (gone.status, gone.error["code"]) == (400, "previous_response_not_found")
    assert "one holds this conversation" in gone.error["message"]
