"""The official SDKs, as they are, for what is not chat: embeddings, moderations, images, counts and lists of models."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from struct import pack
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import event, speak, status
from tests.fakes.served import remote, routed, served
from tests.fakes.turn import Script, Turn

VECTOR = [0.5, -1.25, 3.0]


def says(body: object, code: int = 200) -> Script:
    """A whole answer of any operation."""
    return status(code, body=body)


async def embeds(turn: Turn) -> None:
    """OpenAI's own answer: base64 where it is asked for, one vector for each text."""
    asked = turn.asked()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    packed = b64encode(pack("<3f", *VECTOR)).decode()
    form: Any = packed if asked.get("encoding_format") == "base64" else VECTOR
    # Out of order, as the protocol allows: the places tell.
    data = [{"object": "embedding", "index": place, "embedding": form} for place in reversed(range(len(texts)))]
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    await says({"object": "list", "data": data, "model": asked["model"], "usage": usage})(turn)


COHERE = {"name": "m", "upstream": "cohere.embed", "operations": ["embeddings"]}

PROVIDERS: dict[str, tuple[Script, dict[str, Any], str]] = {
    "in base64": (embeds, {}, "/v1/embeddings"),
    "in numbers": (says({"data": [{"index": 0, "embedding": VECTOR}], "usage": None}), {}, "/v1/embeddings"),
    "ollama": (
        says({"model": "m", "embeddings": [VECTOR], "prompt_eval_count": 2}),
        {"kind": "ollama"},
        "/v1/api/embed",
    ),
    "gemini": (
        says({"embeddings": [{"values": VECTOR}]}),
        {"kind": "gemini", "api_key": "k"},
        "/v1/models/m:batchEmbedContents",
    ),
    "cohere": (
        says({"embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 2}}}),
        {"kind": "cohere", "api_key": "k"},
        "/v1/v2/embed",
    ),
    "cohere at bedrock": (
        status(200, {"x-amzn-bedrock-input-token-count": "2"}, {"embeddings": {"float": [VECTOR]}}),
        {"kind": "bedrock", "api_key": "k", "models": [COHERE]},
        "/v1/model/cohere.embed/invoke",
    ),
    "titan": (
        says({"embedding": VECTOR, "inputTextTokenCount": 2}),
        {"kind": "bedrock", "api_key": "k"},
        "/v1/model/m/invoke",
    ),
}


@pytest.mark.parametrize(("script", "keys", "path"), PROVIDERS.values(), ids=PROVIDERS)
@on_uvloop
async def test_openais_client_reads_vectors_of_every_provider(
    script: Script, keys: dict[str, Any], path: str, tmp_path: Path
) -> None:
    """Asked as its client asks, for base64, and asked for numbers."""
    async with ScriptedProvider(script) as provider:
        base_url = f"http://127.0.0.1:{provider.port}/v1"
        model = {"name": "m", "operations": ["embeddings"]}
        config = {"providers": {"p": {**remote(provider), "base_url": base_url, "models": [model], **keys}}}
        async with (
            served(config, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
        ):
            usual = await client.embeddings.create(model="m", input="hi")
            numbers = await client.embeddings.create(model="auto", input=["hi"], encoding_format="float")
            assert [usual.data[0].embedding, numbers.data[0].embedding] == [VECTOR, VECTOR]
            assert usual.usage.prompt_tokens in ((2,) if keys.get("kind") == "bedrock" else (0, 2))
            # Ollama's base URL may end in the version of its other protocol.
            assert provider.turns[0].path in (path, path.removeprefix("/v1"))


@on_uvloop
async def test_many_texts_come_back_in_their_order(tmp_path: Path) -> None:
    """Also where the provider sends them in another, and for token ids."""
    async with (
        ScriptedProvider(embeds) as provider,
        served(routed(provider), tmp_path) as router,
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
    ):
        reply = await client.embeddings.create(model="chat", input=["a", "b", "c"])
        assert sorted(one.index for one in reply.data) == [0, 1, 2]
        await client.embeddings.create(model="chat", input=[[1, 2], [3]], dimensions=3)
        assert provider.turns[1].asked()["input"] == [[1, 2], [3]]
        assert provider.turns[1].asked()["dimensions"] == 3


def vectors_of(texts: list[str]) -> list[list[float]]:
    """What stands in for a model: a text's number and its length."""
    return [[float(text), len(text)] for text in texts]


async def bedrock_embeds(turn: Turn) -> None:
    """As Cohere answers at Bedrock, without a count."""
    await says({"embeddings": {"float": vectors_of(turn.asked()["texts"])}})(turn)


async def cohere_embeds(turn: Turn) -> None:
    """As Cohere answers, and no more than 96 texts."""
    texts = turn.asked()["texts"]
    if len(texts) > 96:
        await says({"message": "too many texts"}, 400)(turn)
    usage = {"billed_units": {"input_tokens": len(texts)}}
    await says({"embeddings": {"float": vectors_of(texts)}, "meta": usage})(turn)


async def gemini_embeds(turn: Turn) -> None:
    """As the Gemini API answers, and no more than 100 texts."""
    texts = [each["content"]["parts"][0]["text"] for each in turn.asked()["requests"]]
    if len(texts) > 100:
        await says({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "at most 100"}}, 400)(turn)
    usage = {"promptTokenCount": len(texts)}
    await says({"embeddings": [{"values": one} for one in vectors_of(texts)], "usageMetadata": usage})(turn)


async def vertex_embeds(turn: Turn) -> None:
    """As Vertex answers, and one text of this model."""
    (one,) = turn.asked()["instances"]
    values = {"values": vectors_of([one["content"]])[0], "statistics": {"token_count": 1}}
    await says({"predictions": [{"embeddings": values}]})(turn)


async def titan_embeds(turn: Turn) -> None:
    """As Titan answers, one text."""
    await says({"embedding": vectors_of([turn.asked()["inputText"]])[0], "inputTextTokenCount": 1})(turn)


BOUNDS: dict[str, tuple[Script, str, str, int]] = {
    "cohere": (cohere_embeds, "cohere", "m", 96),
    "gemini": (gemini_embeds, "gemini", "m", 100),
    "cohere at bedrock": (bedrock_embeds, "bedrock", "cohere.embed", 96),
    "titan": (titan_embeds, "bedrock", "amazon.titan-embed-text-v2:0", 1),
    "vertex": (vertex_embeds, "vertex", "gemini-embedding-001", 1),
}


def narrow_and_wide(kind: str, model: str, narrow: ScriptedProvider, wide: ScriptedProvider) -> dict[str, Any]:
    """A group of a provider with a bound, and one without."""
    offer = [{"name": model, "operations": ["embeddings"]}]
    base_url = f"http://127.0.0.1:{narrow.port}"
    return {
        "providers": {
            "narrow": {"kind": kind, "api_key": "k", "base_url": base_url, "models": offer},
            "wide": remote(wide, models=[{"name": "w", "operations": ["embeddings"]}]),
        },
        "failover_groups": {"both": {"targets": [f"narrow:{model}", "wide:w"]}},
    }


@pytest.mark.parametrize(("script", "kind", "model", "most"), BOUNDS.values(), ids=BOUNDS)
@on_uvloop
async def test_more_texts_than_a_provider_takes_are_several_requests(
    script: Script, kind: str, model: str, most: int, tmp_path: Path
) -> None:
    """Of one attempt: every text has its own vector, and all tokens are counted; far too many go to another target."""
    texts = [str(number) for number in range(2 * most + 1)]
    async with ScriptedProvider(script) as bound, ScriptedProvider(embeds) as free:
        config = narrow_and_wide(kind, model, bound, free)
        async with (
            served(config, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0) as client,
        ):
            asked = await client.embeddings.with_raw_response.create(model=f"narrow:{model}", input=texts)
            reply = asked.parse()
            assert [one.embedding for one in reply.data] == vectors_of(texts)
            # Bedrock counts for Cohere in a header, which no translator sees.
            assert reply.usage.prompt_tokens == (0 if model == "cohere.embed" else len(texts))
            assert len(bound.turns) == 3 and asked.headers["x-router-attempts"] == "1"
            too_many = ["1"] * (32 * most + 1)
            with pytest.raises(openai.BadRequestError, match=f"at most {32 * most} inputs"):
                await client.embeddings.create(model=f"narrow:{model}", input=too_many)
            moved = await client.embeddings.create(model="both", input=too_many)
            assert (len(moved.data), len(bound.turns), len(free.turns)) == (len(too_many), 3, 1)


def spoils(number: int, script: Script) -> Script:
    """The scripted provider, but for the answer to its request of this number, which `script` gives."""
    asked = 0

    async def answer(turn: Turn) -> None:
        nonlocal asked
        asked += 1
        await (script if asked == number else cohere_embeds)(turn)

    return answer


SPOILT: dict[str, Script] = {
    "an error": says({"message": "oops"}, 400),
    "a vector too few": says({"embeddings": {"float": [VECTOR] * 95}}),
}


@pytest.mark.parametrize("script", SPOILT.values(), ids=SPOILT)
@on_uvloop
async def test_one_spoilt_answer_of_several_fails_all_of_them(script: Script, tmp_path: Path) -> None:
    """Nobody gets vectors that may be another text's."""
    async with ScriptedProvider(spoils(2, script)) as bound, ScriptedProvider(embeds) as free:
        config = narrow_and_wide("cohere", "m", bound, free)
        async with (
            served(config, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused", max_retries=0) as client,
        ):
            with pytest.raises(openai.APIStatusError):
                await client.embeddings.create(
                    model="narrow:m", input=["1"] * 200, extra_body={"router": {"max_attempts": 1}}
                )
            assert len(bound.turns) == 2


@on_uvloop
async def test_openais_client_reads_verdicts_pictures_and_errors(tmp_path: Path) -> None:
    """Moderations without a model, pictures, and a refusal in the provider's words."""
    verdict = {"flagged": True, "categories": {"hate": True}, "category_scores": {"hate": 0.9}}
    moderation = says({"id": "modr-1", "model": "omni-moderation-latest", "results": [verdict]})
    usage = {"input_tokens": 4, "output_tokens": 9, "total_tokens": 13}
    picture = says({"created": 7, "data": [{"b64_json": "AAA="}], "usage": usage})
    refusal = says({"error": {"message": "safety system", "code": "moderation_blocked"}}, 400)
    async with ScriptedProvider(moderation, picture, refusal) as provider:
        models = ["omni-moderation-latest", "gpt-image-1"]
        async with (
            served({"providers": {"p": remote(provider, models=models)}}, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
        ):
            judged = await client.moderations.create(input="...")
            assert judged.results[0].flagged
            assert judged.results[0].categories.hate
            made = await client.images.generate(model="gpt-image-1", prompt="a cat", size="1024x1024")
            assert made.data is not None and b64decode(made.data[0].b64_json or "") == b"\0\0"
            assert made.usage is not None and made.usage.total_tokens == 13
            assert provider.turns[1].asked()["size"] == "1024x1024"
            with pytest.raises(openai.BadRequestError) as caught:
                await client.images.generate(model="gpt-image-1", prompt="a bad cat")
            assert "safety system" in str(caught.value)
            assert len(provider.turns) == 3


async def _pictures(turn: Turn) -> None:
    await turn.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
    for kind in ("image_generation.partial_image", "image_generation.completed"):
        said = {"type": kind, "b64_json": "AAA=", "created_at": 7, "partial_image_index": 0}
        await turn.chunk(f"event: {kind}\n".encode() + event(said))
    await turn.chunk(b"")


@on_uvloop
async def test_openais_client_reads_a_stream_of_pictures(tmp_path: Path) -> None:
    """An unfinished one, then the whole one."""
    async with (
        ScriptedProvider(_pictures) as provider,
        served({"providers": {"p": remote(provider, models=["gpt-image-1"])}}, tmp_path) as router,
        AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
    ):
        events = await client.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=1)
        assert [one.type async for one in events] == ["image_generation.partial_image", "image_generation.completed"]


COUNTERS: dict[str, tuple[dict[str, Any], object]] = {
    "anthropic": ({"kind": "anthropic", "api_key": "k"}, {"input_tokens": 14}),
    "gemini": ({"kind": "gemini", "api_key": "k"}, {"totalTokens": 14}),
    "bedrock": ({"kind": "bedrock", "api_key": "k"}, {"inputTokens": 14}),
    "responses": ({"kind": "openai-responses", "api_key": "k"}, {"object": "x", "input_tokens": 14}),
}


@pytest.mark.parametrize(("keys", "reply"), COUNTERS.values(), ids=COUNTERS)
@on_uvloop
async def test_anthropics_client_counts_at_every_provider_that_can(
    keys: dict[str, Any], reply: object, tmp_path: Path
) -> None:
    """In the provider's own words, with the system prompt and the tools."""
    async with ScriptedProvider(says(reply)) as provider:
        config = {"providers": {"p": {**keys, "base_url": f"http://127.0.0.1:{provider.port}", "models": ["m"]}}}
        async with (
            served(config, tmp_path) as router,
            AsyncAnthropic(base_url=router.url, api_key="unused") as client,
        ):
            counted = await client.messages.count_tokens(
                model="m",
                system="Be brief.",
                messages=[{"role": "user", "content": "hi"}],
                tools=[{"name": "f", "input_schema": {"type": "object"}}],
            )
            assert counted.input_tokens == 14
            assert b"Be brief." in provider.turns[0].body and b'"f"' in provider.turns[0].body


@on_uvloop
async def test_anthropics_client_lists_models_page_by_page(tmp_path: Path) -> None:
    """Its own paging ends, with every name once; one name is found, and an unknown one is a 404 of its own."""
    async with ScriptedProvider(speak()) as provider:
        names = [f"claude-{number}" for number in range(30)]
        async with (
            served({"providers": {"p": remote(provider, models=names)}}, tmp_path) as router,
            AsyncAnthropic(base_url=router.url, api_key="unused") as client,
        ):
            listed = [model.id async for model in client.models.list(limit=7)]
            assert len(listed) == len(set(listed)) == 61
            assert {"auto", "p:claude-0", "claude-29"} <= set(listed)
            before = await client.models.list(limit=3, before_id=listed[5])
            assert [model.id for model in before.data] == listed[2:5]
            assert (await client.models.retrieve("claude-3")).display_name == "claude-3"
            with pytest.raises(anthropic.NotFoundError) as caught:
                await client.models.retrieve("claude-none")
            assert caught.value.body is not None and dict(caught.value.body)["type"] == "error"  # type: ignore[call-overload]
        async with (
            served({"providers": {"p": remote(provider, models=names)}}, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as openais,
        ):
            assert len([model.id async for model in openais.models.list()]) == 61


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("after_id=nobody", "after_id"),
        ("after_id=a&before_id=b", "before_id"),
    ],
)
@on_uvloop
async def test_a_page_that_cannot_be_is_refused_in_anthropics_words(query: str, param: str, tmp_path: Path) -> None:
    """400, in the error body its clients read."""
    async with ScriptedProvider(speak()) as provider, served(routed(provider), tmp_path) as router:
        headers = {"anthropic-version": "2023-06-01"}
        async with router.http.get(f"{router.url}/v1/models?{query}", headers=headers) as response:
            body = await response.json()
        assert (response.status, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
        assert param in body["error"]["message"]
