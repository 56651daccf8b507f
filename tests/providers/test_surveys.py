"""What the kinds' lists of models reveal: as they were recorded where they were, else as they are documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.canon.ability import Ability, Traits
from router.providers import find_kinds
from router.providers.knowledge import known_of
from router.providers.survey import FoundModel, Question, Unanswered
from tests.wire.recorded import FOLDER

KINDS = find_kinds()
VISION, TOOLS, SCHEMA = Ability.VISION, Ability.TOOLS, Ability.JSON_SCHEMA
REASONING, DOCUMENTS, AUDIO, PREFILL = Ability.REASONING, Ability.DOCUMENTS, Ability.AUDIO, Ability.PREFILL


def surveyed(kind: str, *answers: object, base_url: str | None = None) -> tuple[list[Question], dict[str, FoundModel]]:
    """What a kind asks, and what it finds where these bodies answer, the last one for all that is left."""
    found_kind = KINDS[kind]
    make = found_kind.spoken(base_url or found_kind.base_url or "", "").survey
    assert make is not None
    survey = make(base_url or found_kind.base_url or "https://h.example/v1")
    bodies = [None if answer is None else json.dumps(answer).encode() for answer in answers]
    asked: list[Question] = []
    try:
        asked.append(next(survey))
        while True:
            asked.append(survey.send(bodies.pop(0) if len(bodies) > 1 else bodies[0]))
    except StopIteration as done:
        return asked, {model.name: model for model in done.value}


def recorded(stem: str) -> Any:
    """The body of a recorded list."""
    file = FOLDER / f"{stem}.json"
    if not file.exists():
        pytest.skip("the recordings are not here")
    return json.loads(json.loads(file.read_text())["response"]["body"])


def test_mistrals_list_tells_what_its_models_can() -> None:
    """As it was recorded: windows and abilities, and which do not chat."""
    asked, found = surveyed("mistral", recorded("mistral-openai-models-json-models-dbeb4248"))
    assert [question.url for question in asked] == ["https://api.mistral.ai/v1/models"]
    medium = found["mistral-medium-2508"]
    assert medium.traits.context_window == 131072 and medium.chats
    assert medium.traits.can == (VISION, TOOLS) and medium.traits.cannot == (AUDIO,)
    assert not all(model.chats for model in found.values())


def test_geminis_list_is_read_page_by_page() -> None:
    """The recorded page is the last one; what does not answer text is known as such."""
    page = recorded("gemini-models-json-models-82ab4b2a")
    first = {"models": [{"name": "models/gemini-9", "inputTokenLimit": 5}], "nextPageToken": "a/b"}
    asked, found = surveyed("gemini", first, page)
    assert [question.url.partition("?")[2] for question in asked] == ["pageSize=1000", "pageSize=1000&pageToken=a%2Fb"]
    assert found["gemini-9"].chats and found["gemini-9"].traits.context_window == 5
    assert not found["veo-3.1-fast-generate-preview"].chats
    native = found["gemini-2.5-flash-native-audio-latest"].traits
    assert (native.context_window, native.max_output, native.can) == (131072, 8192, (REASONING,))


def test_anthropics_list_is_read_page_by_page() -> None:
    """Older entries tell names only, newer ones what they can."""
    newer = {
        "type": "model",
        "id": "claude-opus-5",
        "max_input_tokens": 1000000,
        "max_tokens": 128000,
        "capabilities": {
            "image_input": {"supported": True},
            "structured_outputs": {"supported": False},
            "thinking": {"supported": True, "types": {"adaptive": {"supported": True}}},
        },
    }
    page = recorded("anthropic-models-json-models-fda61497")
    asked, found = surveyed("anthropic", {"data": [newer], "has_more": True, "last_id": "claude-opus-5"}, page)
    assert asked[1].url == "https://api.anthropic.com/v1/models?limit=1000&after_id=claude-opus-5"
    assert found["claude-3-haiku-20240307"].traits == Traits()
    assert found["claude-opus-5"].traits == Traits(
        can=(VISION, REASONING), cannot=(SCHEMA,), context_window=1000000, max_output=128000
    )


@pytest.mark.parametrize(
    ("kind", "base_url", "stem"),
    [
        ("openai", None, "openai-models-json-models-3e2ef5af"),
        ("perplexity", None, "perplexity-openai-models-json-models-7959aaaa"),
        ("bedrock", "https://bedrock-mantle.us-east-1.api.aws/v1", "bedrock-openai-models-json-models-b7eea523"),
    ],
    ids=["openai", "perplexity", "bedrock"],
)
def test_a_list_of_names_is_a_list(kind: str, base_url: str | None, stem: str) -> None:
    """At the very address where it was recorded, every name of it."""
    asked, found = surveyed(kind, recorded(stem), base_url=base_url)
    recording = json.loads((FOLDER / f"{stem}.json").read_text())
    assert asked[0].url.endswith(recording["request"]["path"])
    assert list(found) == list(dict.fromkeys(entry["id"] for entry in recorded(stem)["data"]))


def test_perplexitys_list_tells_prices() -> None:
    """In USD for a million tokens, as text."""
    _, found = surveyed("perplexity", recorded("perplexity-openai-models-json-models-7959aaaa"))
    traits = found["anthropic/claude-haiku-4-5"].traits
    assert (traits.input_per_mtok, traits.output_per_mtok) == ("1", "5")


def test_openrouters_list_tells_everything() -> None:
    """Prices are for one token there, and the window is that of the provider it would take."""
    model = {
        "id": "a/b",
        "context_length": 200000,
        "architecture": {"input_modalities": ["text", "image"]},
        "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
        "top_provider": {"context_length": 128000, "max_completion_tokens": 16384},
        "supported_parameters": ["tools", "max_tokens"],
    }
    router = {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}, "supported_parameters": []}
    _, found = surveyed("openrouter", {"data": [model, router]})
    assert found["a/b"].traits == Traits(
        can=(TOOLS, VISION, DOCUMENTS),
        cannot=(SCHEMA, REASONING, AUDIO),
        context_window=128000,
        max_output=16384,
        input_per_mtok="2.5",
        output_per_mtok="10",
    )
    assert found["openrouter/auto"].traits == Traits(can=(DOCUMENTS,))


def test_ollama_is_asked_for_each_model() -> None:
    """What is not among a model's capabilities it cannot; one whose page does not come keeps its name."""
    tags = {"models": [{"name": "qwen3:8b"}, {"name": "nomic-embed-text", "capabilities": ["embedding"]}]}
    shown = {
        "capabilities": ["completion", "tools", "thinking"],
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
    }
    asked, found = surveyed("ollama", tags, shown, None)
    assert [(question.url, question.body) for question in asked] == [
        ("http://127.0.0.1:11434/api/tags", b""),
        ("http://127.0.0.1:11434/api/show", b'{"model":"qwen3:8b"}'),
        ("http://127.0.0.1:11434/api/show", b'{"model":"nomic-embed-text"}'),
    ]
    assert found["qwen3:8b"].traits == Traits(can=(TOOLS, REASONING), cannot=(VISION, AUDIO), context_window=40960)
    assert not found["nomic-embed-text"].chats


def test_vllms_window_is_the_one_it_runs_with() -> None:
    """Adapters are models of their own."""
    entry = {"id": "qwen", "owned_by": "vllm", "max_model_len": 32768}
    _, found = surveyed("vllm", {"object": "list", "data": [entry, {"id": "qwen-lora", "parent": "qwen"}]})
    assert found["qwen"].traits.context_window == 32768 and set(found) == {"qwen", "qwen-lora"}


def test_llama_cpp_tells_the_window_of_one_request() -> None:
    """By its properties, not the length that the model was trained with."""
    models = {"data": [{"id": "m.gguf", "meta": {"n_ctx_train": 131072}}]}
    props = {"default_generation_settings": {"n_ctx": 8192}, "modalities": {"vision": False, "audio": False}}
    asked, found = surveyed("llamacpp-server", models, props)
    assert [question.url for question in asked] == ["http://127.0.0.1:8080/v1/models", "http://127.0.0.1:8080/props"]
    assert found["m.gguf"].traits == Traits(cannot=(VISION, AUDIO), context_window=8192)
    assert set(surveyed("llamacpp-server", models, None)[1]) == {"m.gguf"}


def test_lm_studio_tells_the_window_that_is_loaded() -> None:
    """By its own list; an older one has only OpenAI's."""
    loaded = {
        "key": "qwen",
        "type": "llm",
        "max_context_length": 131072,
        "capabilities": {"vision": False, "trained_for_tool_use": True},
        "loaded_instances": [{"id": "qwen", "config": {"context_length": 4096}}],
    }
    _, found = surveyed("lmstudio", {"models": [loaded, {"key": "e", "type": "embedding"}]})
    assert found["qwen"].traits == Traits(can=(TOOLS,), cannot=(VISION,), context_window=4096)
    assert not found["e"].chats
    asked, found = surveyed("lmstudio", None, {"data": [{"id": "old"}]})
    assert [question.url for question in asked][-1] == "http://127.0.0.1:1234/v1/models" and set(found) == {"old"}


def test_togethers_bare_list_tells_windows_and_prices() -> None:
    """A price of 0 is one that is not sold so."""
    models = [
        {"id": "a/b", "type": "chat", "context_length": 131072, "pricing": {"input": 0.88, "output": 0}},
        {"id": "a/e", "type": "embedding"},
    ]
    _, found = surveyed("together", models)
    assert found["a/b"].traits == Traits(context_window=131072, input_per_mtok="0.88")
    assert not found["a/e"].chats


def test_hugging_face_is_as_able_as_the_least_of_those_behind_it() -> None:
    """Whoever is fastest answers."""
    behind = [
        {"provider": "x", "status": "live", "context_length": 9000, "supports_tools": True},
        {"provider": "y", "status": "live", "context_length": 8000, "supports_tools": False},
        {"provider": "z", "status": "error", "context_length": 10},
    ]
    entry = {"id": "a/b", "architecture": {"input_modalities": ["text"]}, "providers": behind}
    _, found = surveyed("huggingface", {"data": [entry]})
    assert found["a/b"].traits == Traits(cannot=(VISION,), context_window=8000)


def test_coheres_list_tells_windows() -> None:
    """Page by page, and which do not chat."""
    page = {"models": [{"name": "r", "endpoints": ["rerank"]}], "next_page_token": "n"}
    last = {"models": [{"name": "c", "endpoints": ["chat"], "context_length": 256000, "features": ["vision"]}]}
    asked, found = surveyed("cohere", page, last)
    assert asked[1].url == "https://api.cohere.com/v1/models?page_size=1000&page_token=n"
    assert found["c"].traits == Traits(can=(VISION,), context_window=256000) and not found["r"].chats


_SURVEYED = sorted(kind.name for kind in KINDS.values() if kind.survey is not None)


@pytest.mark.parametrize("name", _SURVEYED)
@pytest.mark.parametrize("answer", [None, "text", {"error": {"message": "no"}}, 7], ids=["none", "text", "error", "7"])
def test_what_is_no_list_changes_nothing(name: str, answer: object) -> None:
    """A survey ends with that, whatever a server sends in the place of its list."""
    with pytest.raises(Unanswered):
        surveyed(name, answer)


_ODD: list[Any] = [
    None,
    7,
    "x",
    [],
    {"id": 7, "name": None, "key": []},
    {"id": "a", "name": "a", "key": "a", "providers": 3, "loaded_instances": 3},
]


@pytest.mark.parametrize("name", _SURVEYED)
def test_odd_entries_break_no_list(name: str) -> None:
    """Each is left out, or keeps its name."""
    _, found = surveyed(name, {"data": _ODD, "models": _ODD})
    assert set(found) <= {"a"}


_KNOWN = {
    "an older claude": ("anthropic", "claude-haiku-4-5-20251001", {PREFILL, VISION, SCHEMA}, {AUDIO}, 200_000),
    "a newer claude": ("anthropic", "claude-sonnet-5", {DOCUMENTS, REASONING}, {PREFILL, AUDIO}, 1_000_000),
    "claude in vertex": ("vertex", "claude-opus-4-8", {VISION, TOOLS}, {PREFILL}, 1_000_000),
    "gpt": ("openai", "gpt-4.1-mini", {VISION, TOOLS, SCHEMA}, {AUDIO, REASONING, PREFILL}, None),
    "gpt that hears": ("openai", "gpt-4o-audio-preview", {AUDIO}, {PREFILL}, None),
    "an old gpt": ("openai", "gpt-3.5-turbo", set(), {VISION, SCHEMA, DOCUMENTS}, None),
    "deepseek's blind one": ("deepseek", "deepseek-v4-pro", {TOOLS}, {VISION, SCHEMA}, 1_048_576),
    "deepseek's other": ("deepseek", "deepseek-flash", {VISION}, {SCHEMA}, 1_048_576),
    "glm that sees": ("zai", "glm-4.6v-flash", {VISION}, {SCHEMA}, None),
    "glm that does not": ("zai", "glm-4.6", {TOOLS}, {VISION}, None),
    "groq's llama": ("groq", "meta-llama/llama-4-scout-17b", {VISION}, {AUDIO}, None),
    "groq's other": ("groq", "llama-3.3-70b-versatile", set(), {VISION}, None),
}


@pytest.mark.parametrize(("kind", "model", "can", "cannot", "window"), _KNOWN.values(), ids=_KNOWN)
def test_what_is_known_without_asking(
    kind: str, model: str, can: set[Ability], cannot: set[Ability], window: int | None
) -> None:
    """By the kind's own table, the more special row first."""
    traits = known_of(KINDS[kind].known, model)
    assert can <= set(traits.can) and cannot <= set(traits.cannot)
    assert traits.context_window == window


def test_githubs_catalog_tells_what_its_models_take_and_can() -> None:
    """At the root of the host, also where an organisation pays; what embeds does not chat."""
    entry = {
        "id": "openai/gpt-4.1",
        "capabilities": ["streaming", "tool-calling"],
        "limits": {"max_input_tokens": 1048576, "max_output_tokens": 32768},
        "supported_input_modalities": ["text", "image"],
        "supported_output_modalities": ["text"],
        "rate_limit_tier": "high",
    }
    embeds = {"id": "openai/text-embedding-3-small", "rate_limit_tier": "embedding"}
    asked, found = surveyed("github-models", [entry, embeds], base_url="https://models.github.ai/orgs/o/inference")
    assert [question.url for question in asked] == ["https://models.github.ai/catalog/models"]
    model = found["openai/gpt-4.1"]
    assert (model.traits.can, model.traits.cannot) == ((TOOLS, VISION), (AUDIO,))
    assert (model.traits.context_window, model.traits.max_output) == (1048576, 32768)
    assert [name for name, one in found.items() if one.chats] == ["openai/gpt-4.1"]
