"""Requests: passed on untouched, or said in Cohere's words.

Source: https://docs.cohere.com/reference/chat and its OpenAPI document at 2026-08-20.
"""

from __future__ import annotations

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Sampling, Thinking, Tool, ToolChoice
from router.wire.cohere_v2.lowering import has_required, lower_schema
from router.wire.cohere_v2.message import MessageWriter
from router.wire.cohere_v2.schema import ENCODER
from router.wire.dialect import Ask, Encoded
from router.wire.members import joined

_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')

_BOUNDS: dict[str, tuple[str, float, float]] = {
    "temperature": ("temperature", 0.0, 1.0),
    "top_p": ("p", 0.01, 0.99),
    "top_k": ("k", 0, 500),
    "frequency_penalty": ("frequency_penalty", 0.0, 1.0),
    "presence_penalty": ("presence_penalty", 0.0, 1.0),
}
"""Canon's name -> Cohere's, and the least and the most it takes. What lies outside is refused, so it is moved to the
edge and named as lost."""

_OWN = frozenset({"documents", "citation_options", "safety_mode", "priority"})
"""What callers of any dialect may say in Cohere's words."""

_UNSAID = ("context_tokens", "min_p", "repetition_penalty", "logit_bias", "top_logprobs")
_MOST_STOPS = 5


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect, values and order untouched, the model the target's."""
    return joined({**ask.fields, "model": model})


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """The request in Cohere's words, and by path what those could not say."""
    tools = _offered(request)
    writer = MessageWriter(cites=request.output is None)
    body: dict[str, object] = {"model": model, "messages": writer.write(request.messages)}
    lost = writer.lost
    if writer.documents:
        body["documents"] = writer.documents
    body.update(_encoded_tools(request, tools, lost))
    body["response_format"] = _encoded_output(request.output, "tools" in body, lost)
    body["thinking"] = _encoded_thinking(request.thinking, lost)
    body.update(_encoded_sampling(request.sampling, lost))
    if request.stream:
        body["stream"] = True
    if request.parallel_tool_calls is False and tools:
        lost.append("parallel_tool_calls")
    unsaid = ("service_tier", "user", "prompt_cache_key", "metadata")
    lost += [name for name in unsaid if getattr(request, name)]
    own = {name: value for name, value in request.extra if name in _OWN and name not in body}
    lost += [f"extra.{name}" for name, _ in request.extra if name not in own]
    said = {**own, **{name: value for name, value in body.items() if value is not None}}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


def _offered(request: ChatRequest) -> list[tuple[int, Tool]]:
    """The tools that the model may call, with their places; the one that is named where only that one may be."""
    choice = request.tool_choice
    functions = [(place, tool) for place, tool in enumerate(request.tools) if tool.kind == "function"]
    if choice is None or choice.mode != "named":
        return functions
    return [(place, tool) for place, tool in functions if tool.name == choice.name] or functions


def _encoded_tools(request: ChatRequest, tools: list[tuple[int, Tool]], lost: list[str]) -> dict[str, object]:
    lost += [f"tools[{place}]" for place, tool in enumerate(request.tools) if tool.kind != "function"]
    lost += [f"tools[{place}].cache" for place, tool in tools if tool.cache is not None]
    if not tools:
        if request.tool_choice is not None and request.tool_choice.mode in ("any", "named"):
            lost.append("tool_choice")
        return {}
    strict = all(tool.strict and has_required(lower_schema(tool.parameters)) for _, tool in tools)
    if not strict:
        lost += [f"tools[{place}].strict" for place, tool in tools if tool.strict]
    return {
        "tools": [_encoded_tool(tool, strict) for _, tool in tools],
        "strict_tools": True if strict else None,
        "tool_choice": _encoded_choice(request.tool_choice, tools, lost),
    }


def _encoded_tool(tool: Tool, strict: bool) -> object:
    parameters = tool.parameters if tool.parameters is not None else _NO_PARAMETERS
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = lower_schema(parameters) if strict else parameters
    return {"type": "function", "function": function}


def _encoded_choice(choice: ToolChoice | None, tools: list[tuple[int, Tool]], lost: list[str]) -> str | None:
    """One tool is forced by offering no other; "auto" has no word, and is what happens without one."""
    if choice is None or choice.mode == "auto":
        return None
    if choice.mode == "named" and all(tool.name != choice.name for _, tool in tools):
        lost.append("tool_choice")
    return "NONE" if choice.mode == "none" else "REQUIRED"


def _encoded_output(output: OutputFormat | None, has_tools: bool, lost: list[str]) -> object:
    """JSON, or JSON that fits a schema, which is always held to strictly; neither where tools may be called."""
    if output is None:
        return None
    if has_tools:
        lost.append("output")
        return None
    if output.mode == "json":
        return {"type": "json_object"}
    if output.description is not None:
        lost.append("output.description")
    schema = lower_schema(output.schema)
    if schema is None:
        lost.append("output.schema")
        return {"type": "json_object"}
    return {"type": "json_object", "json_schema": schema}


def _encoded_thinking(thinking: Thinking | None, lost: list[str]) -> object:
    """On or off, with a budget. Of efforts Cohere knows only none and, as its compatible endpoint says, high."""
    if thinking is None:
        return None
    if thinking.summary is not None:
        lost.append("thinking.summary")
    if thinking.effort not in (None, "none", "high"):
        lost.append("thinking.effort")
    budget = thinking.budget_tokens
    if thinking.enabled is False or thinking.effort == "none" or budget == 0:
        return {"type": "disabled"}
    if thinking.enabled is None and thinking.effort is None and budget is None:
        return None
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _encoded_sampling(sampling: Sampling, lost: list[str]) -> dict[str, object]:
    said: dict[str, object] = {"max_tokens": sampling.max_tokens, "logprobs": sampling.logprobs or None}
    for name, (word, least, most) in _BOUNDS.items():
        value = getattr(sampling, name)
        if value is None:
            continue
        said[word] = min(max(value, least), most)
        if said[word] != value:
            lost.append(f"sampling.{name}")
    if sampling.seed is not None and sampling.seed >= 0:
        said["seed"] = sampling.seed
    elif sampling.seed is not None:
        lost.append("sampling.seed")
    said["stop_sequences"] = sampling.stop[:_MOST_STOPS] or None
    if len(sampling.stop) > _MOST_STOPS:
        lost.append("sampling.stop")
    lost += [f"sampling.{name}" for name in _UNSAID if getattr(sampling, name) is not None]
    if sampling.choices > 1:
        lost.append("sampling.choices")
    return said
