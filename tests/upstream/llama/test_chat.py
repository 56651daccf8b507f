"""What a body may ask of the embedded model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.upstream.llama.chat import BadAsk, ChatAsk, decode_ask, grammar_schema


def ask(**fields: Any) -> ChatAsk:
    """A body with one message."""
    return decode_ask(json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}).encode())


def test_the_temperature_is_openais_where_the_caller_is_silent() -> None:
    """The binding's own default of 0.2 would make every answer another one than asked for; 0 stays 0."""
    assert (ask().heat, ask(temperature=0).heat, ask(temperature=None).heat) == (1.0, 0.0, 1.0)


def test_both_names_of_the_limit_are_understood() -> None:
    """The newer one wins."""
    assert (ask().limit, ask(max_tokens=5).limit, ask(max_tokens=5, max_completion_tokens=7).limit) == (None, 5, 7)


def test_stop_may_be_one_or_many_but_not_empty() -> None:
    """An empty stop string is found everywhere."""
    assert (ask(stop="a").stops, ask(stop=["a", "", "b"]).stops, ask().stops) == (("a",), ("a", "b"), ())


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param({"type": "text"}, None, id="text"),
        pytest.param({"type": "json_object"}, {}, id="any object"),
        pytest.param(
            {"type": "json_object", "schema": {"type": "array"}}, {"type": "array"}, id="llama.cpp's spelling"
        ),
        pytest.param({"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}}, {"a": 1}, id="schema"),
    ],
)
def test_a_response_format_becomes_a_schema(wanted: Any, schema: Any) -> None:
    """An empty schema is any JSON object; None is free text."""
    assert grammar_schema(ask(response_format=wanted)) == schema


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"n": 2}, "n", id="two answers"),
        pytest.param({"logprobs": True}, "logprobs", id="logprobs"),
        pytest.param({"logit_bias": {"50256": -100}}, "logit_bias", id="logit bias"),
        pytest.param({"modalities": ["text", "audio"]}, "modalities", id="audio"),
        pytest.param({"functions": [{"name": "f"}]}, "functions", id="functions"),
        pytest.param({"temperature": 3}, "temperature", id="too hot"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="no tokens"),
        pytest.param({"seed": "x"}, "seed", id="no number"),
        pytest.param({"stop": 3}, "stop", id="no string"),
        pytest.param({"messages": []}, "messages", id="no messages"),
        pytest.param({"tool_choice": "required"}, "tool_choice", id="required of none"),
        pytest.param(
            {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice", id="unknown tool"
        ),
        pytest.param({"tools": [{"type": "function"}]}, "tools", id="tool without a function"),
        pytest.param({"response_format": {"type": "xml"}}, "response_format.type", id="unknown format"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(fields: dict[str, Any], param: str) -> None:
    """A parameter without effect would be a promise broken in silence."""
    with pytest.raises(BadAsk) as told:
        ask(**fields)
    assert told.value.param == param


@pytest.mark.parametrize(
    "fields",
    [{"n": 1}, {"logprobs": False}, {"logit_bias": {}}, {"modalities": ["text"]}, {"user": "u", "metadata": {}}],
    ids=str,
)
def test_a_parameter_that_asks_for_nothing_special_is_no_fault(fields: dict[str, Any]) -> None:
    """Client libraries send defaults."""
    assert ask(**fields).model == "m"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"m"}', b'{"model":"\xff","messages":[]}'], ids=repr)
def test_what_is_no_chat_body_is_the_callers_fault(body: bytes) -> None:
    """Never an exception that would end the worker."""
    with pytest.raises(BadAsk):
        decode_ask(body)
