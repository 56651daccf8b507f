"""Requests: canon -> Converse. The model and whether to stream are in the URL, so the body says neither."""

from __future__ import annotations

import re

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Tool, ToolChoice
from router.wire.anthropic_messages.effort import ThinkingPlan
from router.wire.anthropic_messages.lowering import lower_schema as lower_format
from router.wire.bedrock_converse.inference import inference, model_fields, plan_for
from router.wire.bedrock_converse.lowering import lower_schema
from router.wire.bedrock_converse.models import Traits, traits_of
from router.wire.bedrock_converse.schema import ENCODER, OBJECT, Block
from router.wire.bedrock_converse.turns import MarkBook, TurnWriter
from router.wire.dialect import Ask, Encoded
from router.wire.members import UNREADABLE, joined

ANSWER_TOOL = "pointsman_answer"
"""The tool that a model must call where that is the only way to hold its answer to a schema. `reply.py` and `stream.py`
show its input as the text it is."""

_ELSEWHERE = frozenset({"model", "modelId", "stream"})

_PASSED = ("guardrailConfig", "performanceConfig", "promptVariables")
"""Members of a caller's body that mean nothing but to this service, and are objects."""

_MODEL_FIELDS = "additionalModelRequestFields"
_FIELD_PATHS = "additionalModelResponseFieldPaths"

_TIERS = {tier: tier for tier in ("default", "flex", "priority", "reserved")} | {"standard_only": "default"}
_UNSPOKEN_TIER = "auto"

_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_MOST_METADATA = 16

_GONE = "Not available any more: do not call it."


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body, values and order untouched; the model is in the URL, so `model` is only taken out."""
    return joined({name: value for name, value in ask.fields.items() if name not in _ELSEWHERE})


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """The request in Converse's words, as this model's family takes them, and by path what those could not say."""
    lost: list[str] = []
    traits = traits_of(model)
    marks = MarkBook(request, traits, lost)
    tools = _encoded_tools(request, traits, marks, lost)
    writer = TurnWriter(traits, marks, lost)
    system, turns = writer.write(request.messages)
    choice = _encoded_choice(request.tool_choice, traits, lost) if tools else None
    plan = plan_for(request, traits, forced=choice is not None)
    lost += plan.lost
    by_tool = _answers_by_tool(request, traits, plan, taken=bool(tools or writer.called))
    if by_tool and request.output is not None:
        tools, choice = [_answer_tool(request.output, traits)], {"tool": {"name": ANSWER_TOOL}}
    if not tools and writer.called:
        # Calls in the history are refused where no tools are named.
        tools = [_spec({"name": name, "description": _GONE}, lower_schema(None)) for name in writer.called]
        lost += ["tool_choice"] if _forbids(request) else []
    tool_config: Block = {"tools": tools, "toolChoice": choice} if choice is not None else {"tools": tools}
    body: dict[str, object] = {
        "messages": turns,
        "system": system or None,
        "inferenceConfig": inference(request.sampling, traits, plan, lost) or None,
        "toolConfig": tool_config if tools else None,
        "outputConfig": None if by_tool else _encoded_output(request.output, traits, lost),
        "serviceTier": _encoded_tier(request.service_tier, lost),
        "requestMetadata": _encoded_metadata(request, lost) or None,
        _MODEL_FIELDS: model_fields(request.sampling, traits, plan, lost),
        _FIELD_PATHS: ["/stop_sequence"] if traits.claude is not None and request.sampling.stop else None,
    }
    _pass_extra(request, body, lost)
    lost += ["parallel_tool_calls"] if request.parallel_tool_calls is False else []
    lost += ["prompt_cache_key"] if request.prompt_cache_key is not None else []
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


# Tools.


def _encoded_tools(request: ChatRequest, traits: Traits, marks: MarkBook, lost: list[str]) -> list[Block]:
    """The tools the model may call: none where the caller forbids it, since the service has no word for that."""
    encoded: list[Block] = []
    for place, tool in enumerate(() if _forbids(request) else request.tools):
        path = f"tools[{place}]"
        if tool.kind != "function":
            lost.append(path)
            continue
        encoded.append(_encoded_tool(tool, path, traits, lost))
        encoded += marks.point(tool.cache, path, tool=True)
    return encoded


def _encoded_tool(tool: Tool, path: str, traits: Traits, lost: list[str]) -> Block:
    spec: Block = {"name": tool.name}
    if tool.description is not None and tool.description.strip():
        spec["description"] = tool.description
    strict = bool(tool.strict) and traits.strict_tools
    if tool.strict and not strict:
        lost.append(f"{path}.strict")
    schema = lower_schema(tool.parameters, bare=traits.bare_schemas)
    if strict:
        return _spec({**spec, "strict": True}, lower_format(schema))
    return _spec(spec, schema)


def _spec(spec: Block, schema: Raw) -> Block:
    return {"toolSpec": {**spec, "inputSchema": {"json": schema}}}


def _forbids(request: ChatRequest) -> bool:
    return request.tool_choice is not None and request.tool_choice.mode == "none"


def _encoded_choice(choice: ToolChoice | None, traits: Traits, lost: list[str]) -> Block | None:
    """A demand for a call. That the model may choose is the default, which families without the member know too."""
    if choice is None or choice.mode in ("auto", "none"):
        return None
    if choice.mode not in traits.choices:
        lost.append("tool_choice")
        return None
    return {"any": {}} if choice.mode == "any" else {"tool": {"name": choice.name}}


# The form of the answer.


def _answers_by_tool(request: ChatRequest, traits: Traits, plan: ThinkingPlan, *, taken: bool) -> bool:
    """Whether the answer's schema becomes a tool: not beside the caller's tools, which the model then could not call,
    nor while it thinks, when no call can be demanded."""
    output = request.output
    wanted = output is not None and output.mode == "schema" and output.schema is not None
    return wanted and traits.formats == "tool" and not (taken or request.tools or plan.thinks)


def _answer_tool(output: OutputFormat, traits: Traits) -> Block:
    spec: Block = {"name": ANSWER_TOOL, "description": output.description or "Give your whole answer by this call."}
    return _spec(spec, lower_schema(output.schema, bare=traits.bare_schemas))


def _encoded_output(output: OutputFormat | None, traits: Traits, lost: list[str]) -> Block | None:
    """The schema, which travels as text. "Any JSON" has no word here."""
    if output is None:
        return None
    if output.mode != "schema" or output.schema is None or traits.formats != "native":
        lost.append("output")
        return None
    lowered = lower_format(output.schema) if traits.claude is not None else output.schema
    schema: Block = {"schema": bytes(lowered).decode()}
    schema |= {name: value for name, value in (("name", output.name), ("description", output.description)) if value}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


# Everything else.


def _encoded_tier(tier: str | None, lost: list[str]) -> Block | None:
    if tier is None or tier == _UNSPOKEN_TIER:
        return None
    if tier not in _TIERS:
        lost.append("service_tier")
        return None
    return {"type": _TIERS[tier]}


def _encoded_metadata(request: ChatRequest, lost: list[str]) -> dict[str, str]:
    """Labels for the service's own logs: few, short and in plain letters. The end user is one of them."""
    said: dict[str, str] = {}
    labels = [(f"metadata.{name}", name, value) for name, value in request.metadata]
    if request.user is not None:
        labels.append(("user", "user", request.user))
    for path, name, value in labels:
        fits = bool(name) and _METADATA.fullmatch(name) and _METADATA.fullmatch(value)
        if fits and name not in said and len(said) < _MOST_METADATA:
            said[name] = value
        else:
            lost.append(path)
    return said


def _pass_extra(request: ChatRequest, body: dict[str, object], lost: list[str]) -> None:
    """Members that only this service knows, whichever dialect they came in; a caller's own model fields win."""
    for name, raw in request.extra:
        members = _members(raw)
        if name in _PASSED and members is not None:
            body[name] = raw
        elif name == _MODEL_FIELDS and members is not None:
            ours = body[_MODEL_FIELDS]
            assert isinstance(ours, dict)
            body[_MODEL_FIELDS] = {**ours, **members}
        elif name == _FIELD_PATHS and bytes(raw).startswith(b"["):
            body[name] = raw
        else:
            lost.append(f"extra.{name}")
    body[_MODEL_FIELDS] = body[_MODEL_FIELDS] or None


def _members(raw: Raw) -> dict[str, Raw] | None:
    try:
        return OBJECT.decode(raw)
    except UNREADABLE:
        return None
