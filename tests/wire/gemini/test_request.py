"""Requests in Google's words: tools, choices, output, thinking, sampling, and what callers say in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from router.canon.request import (
    CacheMark,
    ChatRequest,
    Message,
    OutputFormat,
    Role,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolChoice,
)
from router.providers import find_kinds
from router.wire.dialect import Ask, Requirements
from router.wire.gemini import DIALECT, VERTEX, call_path

ZEN = find_kinds()["opencode"].spoken("https://opencode.ai/zen/v1", "gemini-3-pro").dialect
"""Who resells the Gemini API."""
USER = (Message(role=Role.USER, parts=(Text(text="hi"),)),)
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
TOOL = Tool(name="f", description="d", parameters=Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'))


def encoded(model: str = "gemini-2.5-flash", dialect: Any = DIALECT, **members: Any) -> tuple[Any, tuple[str, ...]]:
    """(the body without its contents, and without its wish not to be kept; what was lost) of a request."""
    done = dialect.encode_request(ChatRequest(model="public", messages=USER, **members), model)
    body = json.loads(done.body)
    assert body.pop("contents") == CONTENTS
    if body.get("store") is False:
        del body["store"]
    return body, done.lost


def config(model: str = "gemini-2.5-flash", **members: Any) -> Any:
    """Its `generationConfig`."""
    return encoded(model, **members)[0].get("generationConfig")


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-2.5-pro", False, "/models/gemini-2.5-pro:generateContent"),
        ("gemini-2.5-pro", True, "/models/gemini-2.5-pro:streamGenerateContent?alt=sse"),
        ("tunedModels/mine", False, "/tunedModels/mine:generateContent"),
        ("a?b#c", False, "/models/a%3Fb%23c:generateContent"),
    ],
)
def test_the_model_and_whether_to_stream_stand_in_the_path(model: str, stream: bool, path: str) -> None:
    """A name that holds a slash is complete; none can change the rest of the URL."""
    assert call_path(model, stream=stream) == path


def test_vertex_has_its_models_elsewhere() -> None:
    """Below the publisher."""
    path = call_path("gemini-2.5-pro", stream=True, collection="publishers/google/models")
    assert path == "/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse"


def test_a_plain_request_says_nothing_but_its_contents() -> None:
    """Neither the model nor whether to stream stand in the body."""
    assert encoded(stream=True) == ({}, ())


def test_a_body_of_this_dialect_passes_as_it_came() -> None:
    """All but what this gateway's callers need to name a model."""
    fields = {"model": Raw(b'"m"'), "contents": Raw(b"[ 1.0 ]"), "x_new": Raw(b"{}"), "stream": Raw(b"true")}
    ask = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields=fields)
    assert DIALECT.patch_request(ask, "up") == b'{"contents":[ 1.0 ],"x_new":{}}'


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="any"), {"mode": "ANY"}),
        (ToolChoice(mode="named", name="3d"), {"mode": "ANY", "allowedFunctionNames": ["3d"]}),
    ],
    ids=lambda said: getattr(said, "mode", ""),
)
def test_tools_are_one_entry_and_each_choice_has_its_mode(choice: ToolChoice, expected: object) -> None:
    """Scenario 81."""
    body, lost = encoded(tools=(TOOL, Tool(name="3d")), tool_choice=choice)
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
                {"name": "3d"},
            ]
        }
    ]
    assert body["toolConfig"] == {"functionCallingConfig": expected}
    assert lost == ()


def test_a_choice_without_tools_is_nothing() -> None:
    """It would be refused."""
    assert encoded(tool_choice=ToolChoice(mode="auto")) == ({}, ())


@pytest.mark.parametrize(
    ("model", "field"), [("gemini-2.5-pro", "parametersJsonSchema"), ("gemma-3-27b", "parameters")]
)
def test_a_map_is_said_as_json_schema_where_that_is_understood(model: str, field: str) -> None:
    """Elsewhere it is lowered, and named."""
    schema = {"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "integer"}}}}
    tool = Tool(name="f", parameters=Raw(json.dumps(schema).encode()))
    body, lost = encoded(model, tools=(tool,))
    declared = body["tools"][0]["functionDeclarations"][0]
    assert set(declared) == {"name", field}
    if field == "parameters":
        assert lost == ("tools[0].parameters.properties.m.additionalProperties",)
    else:
        assert (declared[field], lost) == (schema, ())


def test_tools_google_runs_itself_stand_alone() -> None:
    """Beside functions most models refuse them; those of others are named as lost, as is a free-form tool."""
    search = Tool(name="google_search", kind="server", raw=Raw(b"{}"))
    foreign = Tool(name="web_search_20250305", kind="server", raw=Raw(b"{}"))
    assert encoded(tools=(search, foreign)) == ({"tools": [{"googleSearch": {}}]}, ("tools[1]",))
    free = Tool(name="sh", kind="custom", cache=CacheMark())
    strict = Tool(name="g", strict=True)
    body, lost = encoded(tools=(strict, search, free), parallel_tool_calls=False)
    assert body["tools"] == [{"functionDeclarations": [{"name": "g"}]}]
    assert lost == ("tools[0].strict", "tools[1]", "tools[2].cache", "tools[2]", "parallel_tool_calls")


def test_output_formats_are_said_in_either_kind_of_schema() -> None:
    """JSON alone, a schema every model reads, and one that only the newer form can say."""
    assert config(output=OutputFormat(mode="json")) == {"responseMimeType": "application/json"}
    plain = Raw(b'{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}')
    assert config(output=OutputFormat(mode="schema", name="n", schema=plain, description="d")) == {
        "responseMimeType": "application/json",
        "responseSchema": {
            "description": "d",
            "type": "object",
            "properties": {"a": {"type": "string", "nullable": True}},
        },
    }
    rough = Raw(b'{"type":"object","properties":{"a":{"enum":[1,2]}}}')
    assert config(output=OutputFormat(mode="schema", schema=rough)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"enum": [1, 2]}}},
    }


def test_an_output_format_beside_tools_is_lost_where_the_model_refuses_both() -> None:
    """Before 3."""
    wish = {"output": OutputFormat(mode="json"), "tools": (TOOL,)}
    assert encoded("gemini-2.5-pro", **wish)[1] == ("output",)
    assert encoded("gemini-3-pro", **wish)[0]["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("gemini-2.5-flash", Thinking(effort="low"), {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-pro", Thinking(effort="max"), {"includeThoughts": True, "thinkingBudget": 32_768}),
        ("gemini-2.5-flash", Thinking(effort="none"), {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-pro", Thinking(enabled=False), {"includeThoughts": False, "thinkingBudget": 128}),
        ("gemini-2.5-flash", Thinking(budget_tokens=777), {"includeThoughts": True, "thinkingBudget": 777}),
        ("gemini-3-pro", Thinking(budget_tokens=777), {"includeThoughts": True, "thinkingBudget": 777}),
        ("gemini-3-pro", Thinking(effort="xhigh"), {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-flash", Thinking(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        ("gemini-3.8-flash", Thinking(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3.5-flash-lite", Thinking(effort="none"), {"includeThoughts": False, "thinkingLevel": "MINIMAL"}),
        ("gemini-4-argon", Thinking(effort="none"), {"includeThoughts": False, "thinkingLevel": "LOW"}),
        ("gemini-3-pro", Thinking(enabled=True), {"includeThoughts": True}),
    ],
)
def test_thinking_is_asked_for_as_the_model_knows_it(model: str, thinking: Thinking, expected: object) -> None:
    """By level or by budget, never both; the least that is allowed where it cannot be switched off."""
    assert config(model, thinking=thinking) == {"thinkingConfig": expected}


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("gemini-2.5-flash", 31_999, 24_576),
        ("gemini-2.5-pro", 64_000, 32_768),
        ("gemini-2.5-pro", 0, 128),
        ("gemini-2.5-flash-lite", 100, 512),
        ("gemini-2.5-flash-lite", 0, 0),
        ("gemini-2.5-flash", -1, -1),
    ],
)
def test_a_budget_that_no_model_takes_becomes_the_nearest(model: str, asked: int, sent: int) -> None:
    """Claude Code asks for 31999, which a model of smaller budgets answers with a 400."""
    body, lost = encoded(model, thinking=Thinking(budget_tokens=asked))
    assert body["generationConfig"]["thinkingConfig"]["thinkingBudget"] == sent
    assert lost == (() if sent == asked else ("thinking.budget_tokens",))


def test_a_seed_of_more_bits_is_left_out_and_named() -> None:
    """The whole request would be refused for it."""
    for seed in (2**31, -(2**31) - 1, 1_764_331_234_567):
        assert encoded("gemini-3-pro", sampling=Sampling(seed=seed)) == ({}, ("sampling.seed",))
    assert config("gemini-3-pro", sampling=Sampling(seed=2**31 - 1)) == {"seed": 2**31 - 1}


def test_thinking_that_cannot_be_asked_for_is_named() -> None:
    """A model that does not think, and an effort nobody knows."""
    assert encoded("gemma-3-27b", thinking=Thinking(effort="high")) == ({}, ("thinking",))
    assert encoded("gemma-3-27b", thinking=Thinking(effort="none")) == ({}, ())
    for model in ("gemini-3-pro", "gemini-2.5-pro"):
        assert encoded(model, thinking=Thinking(effort="odd"))[1] == ("thinking.effort",)


def test_sampling_is_said_and_its_rest_named() -> None:
    """Five stop sequences at most; several answers only where they are not streamed."""
    sampling = Sampling(
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        min_p=0.1,
        seed=4,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        repetition_penalty=1.1,
        logit_bias=Raw(b"{}"),
        stop=("a", "b", "c", "d", "e", "f"),
        choices=2,
        logprobs=True,
        top_logprobs=3,
    )
    expected = {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 3,
        "seed": 4,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "responseLogprobs": True,
        "logprobs": 3,
    }
    lost = ("sampling.min_p", "sampling.repetition_penalty", "sampling.logit_bias", "sampling.stop[5]")
    assert encoded(sampling=sampling) == ({"generationConfig": {**expected, "candidateCount": 2}}, lost)
    assert encoded(sampling=sampling, stream=True) == ({"generationConfig": expected}, (*lost, "sampling.choices"))


def test_googles_own_words_reach_it_wherever_the_caller_put_them() -> None:
    """In the body, in `google`, or in `extra_body.google`; in either spelling, values untouched, ours overridden."""
    safety = Raw(b'[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]')
    body, lost = encoded(
        thinking=Thinking(effort="low"),
        extra=(
            ("safety_settings", safety),
            ("extra_body", Raw(b'{"google":{"thinking_config":{"thinking_budget":5},"odd":1}}')),
            ("google", Raw(b'{"cachedContent":"cachedContents/1","labels":{"a":"b"}}')),
            ("mediaResolution", Raw(b'"MEDIA_RESOLUTION_LOW"')),
            ("verbosity", Raw(b'"low"')),
        ),
    )
    assert body == {
        "safetySettings": json.loads(bytes(safety)),
        "cachedContent": "cachedContents/1",
        "generationConfig": {"thinkingConfig": {"thinking_budget": 5}, "mediaResolution": "MEDIA_RESOLUTION_LOW"},
    }
    assert lost == ("extra.verbosity", "extra.google.labels", "extra.extra_body.google.odd")


def test_the_services_take_different_words() -> None:
    """A tier stands in a header at Vertex; labels are known only there."""
    wish: dict[str, Any] = {"service_tier": "flex", "extra": (("labels", Raw(b'{"a":"b"}')),)}
    assert encoded(**wish) == ({"serviceTier": "flex"}, ("extra.labels",))
    assert encoded(dialect=VERTEX, **wish) == ({"labels": {"a": "b"}}, ("service_tier",))
    assert encoded(service_tier="auto") == ({}, ())
    assert encoded(service_tier="scale")[1] == ("service_tier",)


@pytest.mark.parametrize(
    ("dialect", "wish", "sent", "lost"),
    [
        pytest.param(DIALECT, None, False, (), id="unasked"),
        pytest.param(DIALECT, b"false", False, (), id="refused"),
        pytest.param(DIALECT, b"true", True, (), id="wished"),
        pytest.param(ZEN, None, None, (), id="resold"),
        pytest.param(VERTEX, None, None, (), id="Vertex"),
        pytest.param(VERTEX, b"true", None, ("extra.store",), id="wished of Vertex"),
    ],
)
def test_nothing_is_kept_at_google_unless_the_caller_wishes_it(
    dialect: Any, wish: bytes | None, sent: bool | None, lost: tuple[str, ...]
) -> None:
    """The Gemini API keeps prompts of newer projects by itself; Vertex does not know the word."""
    extra = () if wish is None else (("store", Raw(wish)),)
    done = dialect.encode_request(ChatRequest(model="public", messages=USER, extra=extra), "gemini-2.5-flash")
    assert (json.loads(done.body).get("store"), done.lost) == (sent, lost)


def test_who_asks_is_named_as_lost() -> None:
    """Google has no word for it."""
    lost = encoded(user="u", prompt_cache_key="k", metadata=(("a", "b"),))[1]
    assert lost == ("user", "prompt_cache_key", "metadata")
