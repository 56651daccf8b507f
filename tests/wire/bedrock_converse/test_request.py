"""Requests in Converse's words, judged by AWS's own description, family by family."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from router.canon.request import (
    ChatRequest,
    OutputFormat,
    Sampling,
    Thinking,
    Tool,
    ToolChoice,
)
from router.wire.bedrock_converse import DIALECT
from router.wire.bedrock_converse.models import traits_of
from router.wire.bedrock_converse.request import ANSWER_TOOL
from router.wire.dialect import Ask, Requirements
from tests.wire.bedrock_converse.asking import (
    CALLED,
    CLAUDE,
    CLAUDE_4,
    CLAUDE_NEW,
    CLAUDE_NEWEST,
    GPT,
    HELLO,
    HIDDEN,
    LLAMA,
    MARK,
    MISTRAL,
    NOVA,
    NOVA_2,
    POINT,
    WEATHER,
    request,
    said,
)


def test_tools_are_offered_with_what_the_family_takes() -> None:
    """No blank description; strict only where it is understood; other kinds are named as lost."""
    tools = (
        WEATHER,
        Tool(name="bare", description=" ", cache=MARK),
        Tool(name="strict", strict=True, parameters=Raw(b'{"type":"object","properties":{"n":{"minimum":1}}}')),
        Tool(name="free", kind="custom"),
        Tool(name="web", kind="server", raw=Raw(b"{}")),
    )
    kinds = ("tools[3]", "tools[4]")
    specs = said(request(tools=tools), lost=kinds)["toolConfig"]["tools"]
    assert specs[0]["toolSpec"] == {
        "name": "weather",
        "description": "tells it",
        "inputSchema": {"json": {"type": "object", "properties": {"a": {}}}},
    }
    assert specs[1]["toolSpec"] == {"name": "bare", "inputSchema": {"json": {"type": "object", "properties": {}}}}
    assert specs[2] == POINT
    assert specs[3]["toolSpec"]["strict"] is True
    assert specs[3]["toolSpec"]["inputSchema"]["json"]["additionalProperties"] is False
    lost = ("tools[1].cache", "tools[2].strict", *kinds)
    assert len(said(request(tools=tools), NOVA, lost=lost)["toolConfig"]["tools"]) == 3


@pytest.mark.parametrize(
    ("model", "choice", "expected"),
    [
        pytest.param(CLAUDE, ToolChoice(), None, id="auto is not said"),
        pytest.param(CLAUDE, ToolChoice(mode="any"), {"any": {}}, id="any"),
        pytest.param(CLAUDE, ToolChoice(mode="named", name="weather"), {"tool": {"name": "weather"}}, id="named"),
        pytest.param(NOVA, ToolChoice(mode="any"), {"any": {}}, id="Nova"),
        pytest.param(HIDDEN, ToolChoice(mode="any"), {"any": {}}, id="a hidden family"),
        pytest.param(MISTRAL, ToolChoice(mode="any"), {"any": {}}, id="Mistral"),
        pytest.param(MISTRAL, ToolChoice(mode="named", name="weather"), "lost", id="Mistral, named"),
        pytest.param(LLAMA, ToolChoice(mode="any"), "lost", id="Llama"),
        pytest.param(LLAMA, ToolChoice(), None, id="Llama, auto"),
        pytest.param(CLAUDE_NEWEST, ToolChoice(mode="any"), "lost", id="the newest Claude"),
    ],
)
def test_a_demand_for_a_call_is_made_where_it_is_heard(model: str, choice: ToolChoice, expected: object) -> None:
    """And is named as lost where not."""
    lost = ("tool_choice",) if expected == "lost" else ()
    config = said(request(tools=(WEATHER,), tool_choice=choice), model, lost=lost)["toolConfig"]
    assert config.get("toolChoice") == (None if expected == "lost" else expected)


def test_tools_are_not_offered_where_calls_are_forbidden() -> None:
    """The service has no word for none."""
    assert "toolConfig" not in said(request(tools=(WEATHER,), tool_choice=ToolChoice(mode="none")))


def test_calls_in_the_history_keep_a_tool_that_says_it_is_gone() -> None:
    """Without any tool they are refused; the model could still call one where calls are forbidden, and that is told."""
    config = said(request(HELLO, *CALLED))["toolConfig"]
    (spec,) = config["tools"]
    assert (spec["toolSpec"]["name"], list(config)) == ("weather", ["tools"])
    assert "do not call" in spec["toolSpec"]["description"]
    forbidden = request(HELLO, *CALLED, tools=(WEATHER,), tool_choice=ToolChoice(mode="none"))
    assert said(forbidden, lost=("tool_choice",))["toolConfig"] == config


# Thinking, drawing and form.


@pytest.mark.parametrize(
    ("model", "thinking", "fields", "lost"),
    [
        pytest.param(
            CLAUDE,
            Thinking(budget_tokens=2000),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            (),
            id="budget",
        ),
        pytest.param(
            CLAUDE_NEW,
            Thinking(effort="high"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            (),
            id="adaptive",
        ),
        pytest.param(GPT, Thinking(effort="xhigh"), {"reasoning_effort": "high"}, (), id="gpt-oss"),
        pytest.param(
            GPT, Thinking(enabled=False), {"reasoning_effort": "low"}, ("thinking.enabled",), id="gpt-oss, off"
        ),
        pytest.param(
            NOVA_2,
            Thinking(effort="low", summary="auto"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            ("thinking.summary",),
            id="Nova 2",
        ),
        pytest.param(NOVA_2, Thinking(enabled=False), None, (), id="Nova 2, off"),
        pytest.param(LLAMA, Thinking(effort="low"), None, ("thinking",), id="Llama"),
        pytest.param(LLAMA, Thinking(effort="none"), None, (), id="Llama, off"),
    ],
)
def test_each_family_is_told_how_much_to_think(
    model: str, thinking: Thinking, fields: object, lost: tuple[str, ...]
) -> None:
    """In its own fields; a budget lies below the bound of the answer."""
    body = said(request(thinking=thinking), model, lost=lost)
    assert body.get("additionalModelRequestFields") == fields
    if thinking.budget_tokens:
        assert body["inferenceConfig"]["maxTokens"] > thinking.budget_tokens


SAMPLED = Sampling(max_tokens=9, temperature=1.5, top_p=0.5, top_k=7, stop=("END", " "))


@pytest.mark.parametrize(
    ("model", "inference", "fields", "lost"),
    [
        pytest.param(
            CLAUDE,
            {"maxTokens": 9, "temperature": 1.0, "stopSequences": ["END"]},
            {"top_k": 7},
            ("temperature", "top_p", "stop"),
            id="Claude takes one",
        ),
        pytest.param(
            CLAUDE_NEW,
            {"maxTokens": 9, "stopSequences": ["END"]},
            None,
            ("temperature", "top_p", "stop", "top_k"),
            id="new Claudes take none",
        ),
        pytest.param(
            NOVA,
            {"maxTokens": 9, "temperature": 1.0, "topP": 0.5, "stopSequences": ["END", " "]},
            {"inferenceConfig": {"topK": 7}},
            ("temperature",),
            id="Nova nests",
        ),
        pytest.param(
            LLAMA,
            {"maxTokens": 9, "temperature": 1.0, "topP": 0.5, "stopSequences": ["END", " "]},
            None,
            ("temperature", "top_k"),
            id="Llama knows no top_k",
        ),
    ],
)
def test_each_family_draws_by_what_it_takes(
    model: str, inference: object, fields: object, lost: tuple[str, ...]
) -> None:
    """Out of range is brought in range and named; Claude is asked which stop sequence matched."""
    body = said(request(sampling=SAMPLED), model, lost=tuple(f"sampling.{name}" for name in lost))
    assert body["inferenceConfig"] == inference
    assert body.get("additionalModelRequestFields") == fields
    paths = ["/stop_sequence"] if "claude" in model else None
    assert body.get("additionalModelResponseFieldPaths") == paths


def test_while_a_model_thinks_it_draws_nothing() -> None:
    """What it would do by itself loses nothing unsaid."""
    thinking = Thinking(budget_tokens=1024)
    drawn = Sampling(max_tokens=5000, temperature=0.5, top_k=3)
    body = said(request(sampling=drawn, thinking=thinking), lost=("sampling.temperature", "sampling.top_k"))
    assert body["inferenceConfig"] == {"maxTokens": 5000}
    said(request(sampling=Sampling(temperature=1.0), thinking=thinking))


def test_sampling_that_nobody_here_knows_is_lost_by_name() -> None:
    """And nothing else is."""
    unknown = Sampling(
        min_p=0.1,
        seed=1,
        frequency_penalty=1,
        presence_penalty=1,
        repetition_penalty=1,
        choices=2,
        logprobs=True,
        top_logprobs=2,
        logit_bias=Raw(b"{}"),
    )
    names = "min_p seed frequency_penalty presence_penalty repetition_penalty logit_bias choices logprobs top_logprobs"
    assert "inferenceConfig" not in said(
        request(sampling=unknown), lost=tuple(f"sampling.{name}" for name in names.split())
    )


FORM = OutputFormat(
    mode="schema", name="city", description="d", schema=Raw(b'{"type":"object","properties":{"n":{"minimum":1}}}')
)


def test_a_form_is_sent_as_the_text_of_a_schema() -> None:
    """An object there is refused; for Claude in the words that its decoding knows."""
    (spec,) = [said(request(output=FORM))["outputConfig"]["textFormat"]]
    schema = spec["structure"]["jsonSchema"]
    assert (spec["type"], schema["name"], schema["description"]) == ("json_schema", "city", "d")
    assert json.loads(schema["schema"])["additionalProperties"] is False
    plain = said(request(output=FORM), GPT)["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert plain["schema"].encode() == bytes(FORM.schema or b"")


@pytest.mark.parametrize("model", [CLAUDE_4, CLAUDE_NEW, NOVA, NOVA_2])
def test_a_form_becomes_a_tool_where_there_is_no_other_way(model: str) -> None:
    """The model must call it; `reply.py` shows its input as the answer."""
    body = said(request(output=FORM), model)
    (spec,) = body["toolConfig"]["tools"]
    assert spec["toolSpec"]["name"] == ANSWER_TOOL
    assert "n" in spec["toolSpec"]["inputSchema"]["json"]["properties"]
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": ANSWER_TOOL}}
    assert "outputConfig" not in body


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        pytest.param(request(output=FORM, tools=(WEATHER,)), NOVA, id="beside the caller's tools"),
        pytest.param(request(HELLO, *CALLED, output=FORM), NOVA, id="beside calls in the history"),
        pytest.param(request(output=FORM), CLAUDE_NEWEST, id="a model that cannot be forced"),
        pytest.param(request(output=FORM), LLAMA, id="a model without either"),
        pytest.param(request(output=OutputFormat(mode="json")), CLAUDE, id="any JSON"),
    ],
)
def test_a_form_that_cannot_be_held_to_is_lost_by_name(asked: ChatRequest, model: str) -> None:
    """Whether that is good enough is for policy to say."""
    assert "outputConfig" not in said(asked, model, lost=("output",))


# Everything else.


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("default", {"type": "default"}),
        ("flex", {"type": "flex"}),
        ("auto", None),
        ("standard_only", {"type": "default"}),
    ],
)
def test_each_service_tier_has_its_word(tier: str, expected: object) -> None:
    """Which is not said where the service may choose."""
    assert said(request(service_tier=tier)).get("serviceTier") == expected


def test_labels_go_to_the_services_logs_where_they_fit() -> None:
    """Sixteen of them, in plain letters; the user is one. What does not fit is named, and so is what has no word."""
    metadata = (("team", "a b"), ("bad", "é"), ("long", "x" * 257))
    asked = request(
        metadata=metadata, user="u-1", prompt_cache_key="k", parallel_tool_calls=False, service_tier="scale"
    )
    lost = ("service_tier", "metadata.bad", "metadata.long", "parallel_tool_calls", "prompt_cache_key")
    assert said(asked, lost=lost)["requestMetadata"] == {"team": "a b", "user": "u-1"}
    many = tuple((f"k{n}", "v") for n in range(17))
    assert len(said(request(metadata=many), lost=("metadata.k16",))["requestMetadata"]) == 16


def test_members_that_only_this_service_knows_pass_through() -> None:
    """Guardrails among them; a caller's own model fields stand beside ours and win; all others are lost by name."""
    guardrail = Raw(b'{"guardrailIdentifier": "g", "guardrailVersion":"1","trace":"enabled"}')
    extra = (
        ("guardrailConfig", guardrail),
        ("performanceConfig", Raw(b'{"latency":"optimized"}')),
        ("additionalModelRequestFields", Raw(b'{"top_k":1,"x":2}')),
        ("additionalModelResponseFieldPaths", Raw(b'["/a"]')),
        ("promptVariables", Raw(b"[]")),
        ("x", Raw(b"1")),
    )
    encoded = DIALECT.encode_request(request(extra=extra, sampling=Sampling(top_k=5)), CLAUDE)
    assert b'"guardrailConfig":' + bytes(guardrail) in encoded.body
    body = json.loads(encoded.body)
    assert body["additionalModelRequestFields"] == {"top_k": 1, "x": 2}
    assert body["additionalModelResponseFieldPaths"] == ["/a"]
    assert encoded.lost == ("extra.promptVariables", "extra.x")


def test_a_body_of_this_dialect_loses_its_model_and_nothing_else() -> None:
    """The model is in the URL, and so is whether to stream."""
    fields = {"model": Raw(b'"m"'), "messages": Raw(b"[ 1 ]"), "stream": Raw(b"true"), "x": Raw(b"1.0")}
    ask = Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields=fields)
    assert DIALECT.patch_request(ask, "other") == b'{"messages":[ 1 ],"x":1.0}'


@pytest.mark.parametrize(
    ("model", "same"),
    [
        pytest.param("anthropic.claude-sonnet-4-5-20250929-v1:0", CLAUDE, id="without a region"),
        pytest.param("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", CLAUDE, id="with another region"),
        pytest.param(
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0", CLAUDE, id="an ARN"
        ),
        pytest.param(
            "arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
            CLAUDE,
            id="a profile's ARN",
        ),
        pytest.param("global.amazon.nova-2-lite-v1:0", NOVA_2, id="Nova 2"),
        pytest.param("arn:aws:bedrock:us-east-1:1:provisioned-model/x", HIDDEN, id="another that hides it"),
    ],
)
def test_a_family_is_read_whatever_stands_around_the_model(model: str, same: str) -> None:
    """Regions come and go; an ARN may name the model or hide it."""
    assert traits_of(model) == traits_of(same)
