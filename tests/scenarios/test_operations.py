"""What is asked beside chat lives the same life: failover, breakers, the ledger, errors in the caller's dialect."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from struct import unpack
from typing import Any

import pytest

from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import answer, event, raw, silence, speak, status
from tests.fakes.served import Served, remote, served
from tests.fakes.turn import Script, Turn
from tests.scenarios.scene import LIMIT_S, scenario

VECTOR = [0.5, -1.25, 3.0]
WELL = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
    "model": "embed-1",
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


def says(body: object, code: int = 200) -> Script:
    """A whole answer of any operation."""
    return status(code, body=body)


def config(*providers: ScriptedProvider, model: object = "embed-1", **sections: Any) -> dict[str, Any]:
    """Providers `p0`, `p1`, ... that have one model, and the group `vectors` over them."""
    names = [f"p{number}" for number in range(len(providers))]
    name = model["name"] if isinstance(model, dict) else model
    return {
        "providers": {key: remote(provider, models=[model]) for key, provider in zip(names, providers, strict=True)},
        "failover_groups": {"vectors": {"targets": [f"{key}:{name}" for key in names]}},
        "retry": {"base_delay_ms": 1, "jitter": False},
        **sections,
    }


async def ask(router: Served, path: str, body: object, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of one call."""
    async with router.http.post(f"{router.url}{path}", json=body, headers=headers) as response:
        text = await response.read()
        return response.status, json.loads(text), dict(response.headers)


FAULTS: dict[str, tuple[Script, dict[str, Any]]] = {
    "a 500": (says({"error": {"message": "boom"}}, 500), {}),
    "a 429": (says({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429), {}),
    "a wrong key": (says({"error": {"message": "no", "code": "invalid_api_key"}}, 401), {}),
    "a model it lacks": (says({"error": {"message": "no", "code": "model_not_found"}}, 404), {}),
    "no vector": (says({**WELL, "data": []}), {}),
    "an error in a 200": (says({"error": {"message": "boom", "type": "server_error"}}), {}),
    "a web page": (raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"), {}),
    "a cut body": (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n" + b'{"data":['), {}),
    "silence": (silence(), {"timeouts": {"first_byte_s": LIMIT_S}}),
}


@pytest.mark.parametrize(("fault", "keys"), FAULTS.values(), ids=FAULTS)
@scenario
async def test_embeddings_fail_over_like_chat(fault: Script, keys: dict[str, Any], tmp_path: Path) -> None:
    """Whatever is wrong with the first target, the second answers, and both tries are in the ledger."""
    async with ScriptedProvider(fault) as one, ScriptedProvider(says(WELL)) as two:
        made = config(one, two)
        made["providers"]["p0"] |= keys
        async with served(made, tmp_path) as router:
            code, body, headers = await ask(router, "/v1/embeddings", {"model": "vectors", "input": "hi"})
            assert (code, body["data"][0]["embedding"]) == (200, VECTOR)
            assert (headers["x-router-provider"], headers["x-router-attempts"]) == ("p1", "2")
            rows = await router.entries(2)
            assert [row.provider for row in rows] == ["p0", "p1"]
            assert str(rows[-1].end) == "completed"
            assert rows[-1].usage is not None and rows[-1].usage.input == 4


@scenario
async def test_a_request_the_first_target_refuses_is_asked_of_no_other(tmp_path: Path) -> None:
    """It is the caller's fault, said in the provider's words, and no breaker hears of it."""
    refusal = says({"error": {"message": "-1 is less than the minimum of 1", "type": "invalid_request_error"}}, 400)
    async with (
        ScriptedProvider(refusal) as one,
        ScriptedProvider(says(WELL)) as two,
        served(config(one, two), tmp_path) as router,
    ):
        code, body, _ = await ask(router, "/v1/embeddings", {"model": "vectors", "input": "hi", "dimensions": -1})
        assert (code, body["error"]["message"]) == (400, "-1 is less than the minimum of 1")
        assert two.turns == []


@scenario
async def test_a_body_passes_through_but_for_its_model(tmp_path: Path) -> None:
    """Numbers, spaces and members nobody knows, both ways."""
    said = b'{"object":"list", "data":[{"index":0,"embedding":[1e-3,2]}],"usage":{"prompt_tokens":1},"x":1}'
    reply = raw(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said), then="keep")
    async with ScriptedProvider(reply) as one, served(config(one), tmp_path) as router:
        body = b'{"model":"vectors","input":[1, 2],"encoding_format":"float","acme":{"a": 1.0}}'
        async with router.http.post(f"{router.url}/v1/embeddings", data=body) as response:
            assert await response.read() == said
        assert one.turns[0].body == body.replace(b'"vectors"', b'"embed-1"')
        assert one.turns[0].path == "/v1/embeddings"


@scenario
async def test_vectors_come_in_the_form_that_was_asked_for(tmp_path: Path) -> None:
    """A provider that only has numbers is made to answer in base64, which clients decode whatever comes."""
    async with ScriptedProvider(says(WELL)) as one, served(config(one), tmp_path) as router:
        asked = {"model": "vectors", "input": "hi", "encoding_format": "base64"}
        _, body, _ = await ask(router, "/v1/embeddings", asked)
        assert list(unpack("<3f", b64decode(body["data"][0]["embedding"]))) == VECTOR
        assert body["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


@scenario
async def test_auto_sends_embeddings_to_no_chat_model_and_chat_to_no_embedding_model(tmp_path: Path) -> None:
    """Names tell most, and an operator's word tells the rest."""
    async with ScriptedProvider(answer()) as talks, ScriptedProvider(says(WELL)) as embeds:
        models = {"talks": ["gpt-x", {"name": "strange", "operations": ["embeddings"]}], "embeds": ["nomic-embed-text"]}
        providers = {
            "talks": remote(talks, models=models["talks"]),
            "embeds": remote(embeds, models=models["embeds"]),
        }
        async with served({"providers": providers}, tmp_path) as router:
            code, _, headers = await ask(router, "/v1/embeddings", {"model": "auto", "input": "hi"})
            assert (code, headers["x-router-model"]) == (200, "nomic-embed-text")
            talk = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            code, _, headers = await ask(router, "/v1/chat/completions", talk)
            assert (code, headers["x-router-model"]) == (200, "gpt-x")
            code, body, _ = await ask(router, "/v1/chat/completions", {**talk, "model": "talks:strange"})
            assert (code, body["error"]["code"]) == (503, "no_target")
            assert len(talks.turns) == 1
            await ask(router, "/v1/embeddings", {"model": "gpt-x", "input": "hi"})
            assert talks.turns[-1].path == "/v1/embeddings", "nobody knows, so it is tried"


@scenario
async def test_a_name_without_a_target_for_it_does_not_exist_to_that_call(tmp_path: Path) -> None:
    """404 in the caller's dialect, and nobody is asked."""
    async with ScriptedProvider(speak()) as one:
        made = config(one, model={"name": "m", "operations": ["chat"]})
        async with served(made, tmp_path) as router:
            code, body, _ = await ask(router, "/v1/embeddings", {"model": "p0:m", "input": "hi"})
            assert (code, body["error"]["code"]) == (404, "model_not_found")
            code, body, _ = await ask(router, "/v1/rerank", {"model": "p0:m", "query": "q", "documents": ["a"]})
            assert (code, sorted(body)) == (404, ["code", "message", "param", "type"])
            assert one.turns == []


@pytest.mark.shows(85)
@scenario
async def test_a_prompt_is_estimated_where_nobody_counts(tmp_path: Path) -> None:
    """A number, said to be a guess, at no provider's cost and in no ledger; never a 500."""
    async with ScriptedProvider(speak()) as one, served(config(one, model="m"), tmp_path) as router:
        asked = {"model": "vectors", "messages": [{"role": "user", "content": "word " * 70}]}
        code, body, headers = await ask(router, "/v1/messages/count_tokens", asked)
        assert code == 200
        assert 70 <= body["input_tokens"] <= 130
        assert (headers["x-router-estimated"], headers["x-router-attempts"]) == ("true", "0")
        assert (one.turns, await router.entries(0)) == ([], ())


NO_COUNTER = {
    "a bare 404": says("not found", 404),
    "a 405": says({"detail": "Method Not Allowed"}, 405),
    "a 501": says({"error": {"message": "no", "type": "not_supported_error"}}, 501),
}


@pytest.mark.shows(85)
@pytest.mark.parametrize("reply", NO_COUNTER.values(), ids=NO_COUNTER)
@scenario
async def test_a_server_without_a_counter_is_no_failure(reply: Script, tmp_path: Path) -> None:
    """Servers that imitate Anthropic's protocol often lack this call."""
    async with ScriptedProvider(reply) as one:
        keys = {"kind": "anthropic-compatible", "base_url": f"http://127.0.0.1:{one.port}", "models": ["m"]}
        async with served({"providers": {"p0": keys}}, tmp_path) as router:
            asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            code, body, headers = await ask(router, "/v1/messages/count_tokens", asked)
            assert (code, headers["x-router-estimated"]) == (200, "true")
            assert body["input_tokens"] > 0
            assert [turn.path for turn in one.turns] == ["/v1/messages/count_tokens"]


@scenario
async def test_a_native_count_passes_through(tmp_path: Path) -> None:
    """Asked of the provider, with the caller's version, and not called an estimate."""
    async with ScriptedProvider(says({"input_tokens": 14})) as one:
        keys = {"kind": "anthropic-compatible", "base_url": f"http://127.0.0.1:{one.port}", "models": ["m"]}
        async with served({"providers": {"p0": keys}}, tmp_path) as router:
            asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            sent = {"anthropic-version": "2026-10-21"}
            code, body, headers = await ask(router, "/v1/messages/count_tokens", asked, **sent)
            assert (code, body, "x-router-estimated" in headers) == (200, {"input_tokens": 14}, False)
            assert one.turns[0].headers["anthropic-version"] == "2026-10-21"


@scenario
async def test_ranking_is_asked_in_coheres_form_of_any_server(tmp_path: Path) -> None:
    """Jina's answer in Cohere's words; without a count of searches none is told."""
    reply = {"id": "r1", "results": [{"index": 1, "relevance_score": 0.8}], "usage": {"total_tokens": 17}}
    async with ScriptedProvider(says(reply)) as one, served(config(one, model="rerank-1"), tmp_path) as router:
        asked = {"model": "vectors", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}
        code, body, _ = await ask(router, "/v1/rerank", asked)
        assert (code, body["results"]) == (200, [{"index": 1, "relevance_score": 0.8}])
        assert "billed_units" not in body["meta"]
        assert one.turns[0].asked() == {"model": "rerank-1", "query": "q", "documents": ["a", "b"], "top_n": 1}


@scenario
async def test_searches_are_billed_by_the_configured_price(tmp_path: Path) -> None:
    """One search unit of Cohere's, in the answer's header and in the ledger."""
    reply = {"id": "r", "results": [{"index": 0, "relevance_score": 1}], "meta": {"billed_units": {"search_units": 3}}}
    price = {"input_per_mtok": 0, "output_per_mtok": 0, "search_unit_usd": 0.002}
    async with ScriptedProvider(says(reply)) as one:
        keys = {"kind": "cohere", "api_key": "k", "base_url": f"http://127.0.0.1:{one.port}"}
        providers = {"p0": {**keys, "models": [{"name": "rerank-v3.5", "price": price}]}}
        async with served({"providers": providers}, tmp_path) as router:
            asked = {"model": "rerank-v3.5", "query": "q", "documents": ["a"]}
            code, body, headers = await ask(router, "/v2/rerank", asked)
            assert (code, body) == (200, reply)
            assert float(headers["x-router-cost-usd"]) == 0.006
            [row] = await router.entries(1)
            assert row.usage is not None and row.usage.search_units == 3


async def _pictures(turn: Turn) -> None:
    """Two unfinished pictures and the whole one."""
    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    for number in range(2):
        said = {"type": "image_generation.partial_image", "b64_json": "AA==", "partial_image_index": number}
        await turn.chunk(b"event: image_generation.partial_image\n" + event(said))
    usage = {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}
    done = {"type": "image_generation.completed", "b64_json": "AAA=", "usage": usage}
    await turn.chunk(b"event: image_generation.completed\n" + event(done))
    await turn.chunk(b"")


async def _cut_pictures(turn: Turn) -> None:
    """One unfinished picture, and the end of the connection."""
    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    await turn.chunk(event({"type": "image_generation.partial_image", "b64_json": "AA=="}))
    turn.cut()


@scenario
async def test_pictures_are_streamed_as_they_come(tmp_path: Path) -> None:
    """Unfinished ones too; tokens of pictures are counted as such."""
    async with ScriptedProvider(_pictures) as one, served(config(one, model="gpt-image-1"), tmp_path) as router:
        asked = {"model": "vectors", "prompt": "a cat", "stream": True, "partial_images": 2}
        async with router.http.post(f"{router.url}/v1/images/generations", json=asked) as response:
            text = await response.text()
        kinds = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
        assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
        [row] = await router.entries(1)
        assert row.usage is not None and str(row.end) == "completed"
        assert (row.usage.input, row.usage.image_output, row.usage.images) == (5, 100, 1)


@scenario
async def test_a_picture_that_was_cut_is_never_called_complete(tmp_path: Path) -> None:
    """An error event ends it."""
    async with ScriptedProvider(_cut_pictures) as one, served(config(one, model="gpt-image-1"), tmp_path) as router:
        asked = {"model": "vectors", "prompt": "a cat", "stream": True}
        async with router.http.post(f"{router.url}/v1/images/generations", json=asked) as response:
            text = await response.text()
        assert "image_generation.completed" not in text
        assert "provider_cut_stream" in text.splitlines()[-2]


@scenario
async def test_a_moderation_without_a_model_is_judged_by_whoever_can(tmp_path: Path) -> None:
    """OpenAI's clients may leave the model out."""
    verdict = {"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.9}}
    reply = {"id": "modr-1", "model": "omni-moderation", "results": [verdict]}
    async with ScriptedProvider(says(reply)) as one:
        made = config(one, model="omni-moderation-latest")
        async with served(made, tmp_path) as router:
            code, body, _ = await ask(router, "/v1/moderations", {"input": "..."})
            assert (code, body) == (200, reply)
            assert one.turns[0].asked() == {"input": "...", "model": "omni-moderation-latest"}
