"""Requests: read just enough to route, pass on untouched, or translate both ways."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Sampling, Thinking, Tool, ToolChoice
from router.errors import Refused
from router.wire.aliases import Aliases
from router.wire.anthropic_messages.clearing import cleared
from router.wire.anthropic_messages.effort import ThinkingPlan, plan_thinking
from router.wire.anthropic_messages.lowering import lower_schema
from router.wire.anthropic_messages.message import decode_messages, mark_of, type_of
from router.wire.anthropic_messages.models import Traits, traits_of
from router.wire.anthropic_messages.schema import (
    ENCODER,
    MAX_TOKENS,
    NULL,
    OBJECT,
    REQUEST,
    TOOL,
    FormatBody,
    OutputConfig,
    RequestBody,
    ToolChoiceBody,
    ToolDef,
)
from router.wire.anthropic_messages.writer import Block, MarkBook, MessageWriter, count_marks
from router.wire.dialect import Ask, Encoded
from router.wire.members import (
    FLAG,
    TEXT,
    UNREADABLE,
    check_objects,
    joined,
    read_member,
    read_members,
    read_model,
    read_optional,
    required,
    take_requirements,
    unread,
)

_TIERS = {"auto": "auto", "standard_only": "default"}
"""Anthropic's word -> the one others have for it."""

_TIERS_SAID = {said: word for word, said in _TIERS.items()} | {"standard_only": "standard_only"}

"""Canon's tier -> Anthropic's word."""

_SWITCHES = {"adaptive": True, "enabled": True, "disabled": False, "between_tools": False}
"""The kinds of thinking, by whether there is any."""

_SERVED = re.compile(r".*_\d{8}|mcp_toolset")
"""Types of tools that Anthropic defines or runs: a name and the date of its release."""

_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')

ALIASES = Aliases("max_tokens")


def peek(body: bytes) -> Ask:
    """Read what routing needs; every other member stays as the caller wrote it.

    Raises:
        Refused: the body is no JSON object, lacks `model`, `messages` or `max_tokens`, or one of these, `stream` or
            `router` has a wrong type. `max_tokens` 0 is right: it warms a cache.
    """
    ask = peek_uncounted(body)
    read_member(MAX_TOKENS, required(ask.fields, "max_tokens"), "max_tokens")
    return ask


def peek_uncounted(body: bytes) -> Ask:
    """As `peek`, for a request that need not bound its answer: it only asks to be counted. Raises `Refused`."""
    fields = read_members(body)
    requirements = take_requirements(fields)
    renamed = ALIASES.rename(fields)
    fields = renamed.fields
    model = read_model(fields)
    check_objects(required(fields, "messages"), "messages")
    return Ask(
        model=model,
        stream=bool(read_optional(FLAG, fields, "stream")),
        include_usage=True,
        requirements=requirements,
        fields=fields,
        aliases=renamed.told,
        context_tokens=renamed.context_tokens,
        unsaid=renamed.unsaid,
    )


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect: values and order untouched, the model the target's.

    What we put into answers that other families gave earlier is taken out of the messages, if there is any.
    """
    patched = {"model": model, "messages": cleared(ask.fields["messages"])}
    return joined({**ask.fields, **patched})


def decode_request(ask: Ask) -> ChatRequest:
    """The whole request in canon. Raises `Refused`, naming the field, for what no other dialect could be told."""
    body = read_member(REQUEST, _checked(joined(ask.fields)), "")
    # 0 warms a cache. Nobody else has a word for that; the shortest answer warms what caches by itself.
    warms = (("max_tokens", Raw(b"0")),) if body.max_tokens == 0 else ()
    tools = [_tool(raw, f"tools[{place}]") for place, raw in enumerate(body.tools or ())]
    unknown = [extra for _, extras in tools for extra in extras]
    choice, parallel = _choice(body.tool_choice)
    user, metadata = _metadata(body)
    thinking, unsaid = _thinking(body)
    known = RequestBody.__struct_fields__
    return ChatRequest(
        model=body.model,
        messages=decode_messages(body.system, body.messages),
        tools=tuple(tool for tool, _ in tools),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=_output(body),
        sampling=Sampling(
            max_tokens=body.max_tokens or (1 if warms else None),
            context_tokens=ask.context_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=body.stop_sequences or (),
        ),
        thinking=thinking,
        stream=ask.stream,
        include_usage=ask.include_usage,
        service_tier=_TIERS.get(body.service_tier, body.service_tier) if body.service_tier else None,
        user=user,
        metadata=metadata,
        extra=(
            *warms,
            *((name, value) for name, value in ask.fields.items() if name not in known),
            *unsaid,
            *unknown,
            *unread(ask.fields.get("output_config", NULL), OutputConfig.__struct_fields__, "output_config"),
        ),
    )


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """The request in Anthropic's words, and by path what those could not say."""
    lost: list[str] = []
    traits = traits_of(model)
    marks = MarkBook(count_marks(request), lost)
    tools = _encoded_tools(request.tools, traits, marks, lost)
    system, turns = MessageWriter(traits, marks, lost).write(request.messages)
    forced = request.tool_choice is not None and request.tool_choice.mode in ("any", "named") and bool(tools)
    plan = plan_thinking(request, traits, forced=forced and traits.forced_tools)
    lost += plan.lost
    choice, note = _encoded_choice(request, traits, lost) if tools else (None, None)
    system += [note] if note else []
    body: dict[str, object] = {
        "model": model,
        "max_tokens": plan.max_tokens,
        "system": _folded(system),
        "messages": turns,
        "tools": tools or None,
        "tool_choice": choice,
        "thinking": plan.thinking,
        "output_config": _encoded_output(request.output, plan, traits, lost),
        "metadata": None if request.user is None else {"user_id": request.user},
        "service_tier": _encoded_tier(request.service_tier, lost),
        "stream": True if request.stream else None,
    }
    body.update(_encoded_sampling(request.sampling, plan, traits, lost))
    lost += ["prompt_cache_key"] if request.prompt_cache_key is not None else []
    lost += [f"metadata.{name}" for name, _ in request.metadata]
    lost += [f"extra.{name}" for name, _ in request.extra]
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


# Reading.


def _checked(body: bytes) -> Raw:
    """The body, if it is text throughout: what is kept raw is not looked at again before it is translated."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Refused("the body is not valid UTF-8") from error
    return Raw(body)


def _tool(raw: Raw, path: str) -> tuple[Tool, list[tuple[str, Raw]]]:
    """A tool, and by path what of it canon has no word for."""
    tool: ToolDef = read_member(TOOL, raw, path)
    if tool.type not in (None, "custom"):
        return Tool(name=tool.name or tool.type or "", kind="server", raw=raw), []
    if tool.name is None:
        raise Refused(f"`{path}.name` is missing", param=f"{path}.name")
    read = Tool(
        name=tool.name,
        description=tool.description,
        parameters=None if tool.input_schema == NULL else tool.input_schema,
        strict=tool.strict,
        cache=mark_of(tool.cache_control),
    )
    return read, unread(raw, ToolDef.__struct_fields__, path)


_MODES: dict[str, Literal["auto", "none", "any", "named"]] = {
    "auto": "auto",
    "none": "none",
    "any": "any",
    "tool": "named",
}


def _choice(said: ToolChoiceBody | None) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several calls at once are welcome; None where it does not say."""
    if said is None:
        return None, None
    if said.type not in _MODES or (said.type == "tool" and not said.name):
        raise Refused("`tool_choice` must be auto, any, none, or tool with a name", param="tool_choice")
    several = None if said.disable_parallel_tool_use is None else not said.disable_parallel_tool_use
    return ToolChoice(mode=_MODES[said.type], name=said.name if said.type == "tool" else None), several


def _metadata(body: RequestBody) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """(the user, everything else): only the user is Anthropic's own, but facades send more."""
    members = {name: raw for name, raw in (body.metadata or {}).items() if raw != NULL}
    said = {name: read_member(TEXT, raw, f"metadata.{name}") for name, raw in members.items()}
    return said.pop("user_id", None), tuple(said.items())


def _thinking(body: RequestBody) -> tuple[Thinking | None, list[tuple[str, Raw]]]:
    """How much to think, and by path what of it canon has no word for."""
    effort = body.output_config.effort if body.output_config else None
    said = body.thinking
    if said is None:
        return (None if effort is None else Thinking(effort=effort)), []
    if said.type not in _SWITCHES:
        raise Refused("`thinking.type` must be adaptive, enabled or disabled", param="thinking.type")
    unsaid = [("thinking.block_binding", said.block_binding)] if said.block_binding != NULL else []
    return Thinking(
        effort=effort,
        budget_tokens=said.budget_tokens,
        summary="auto" if said.display in ("summarized", "updates") else None,
        enabled=_SWITCHES[said.type],
    ), unsaid


def _output(body: RequestBody) -> OutputFormat | None:
    """The form of the answer, in its place of today or of before."""
    said = (body.output_config.format if body.output_config else None) or body.output_format
    if said is None:
        return None
    if said.type != "json_schema" or said.schema == NULL:
        raise Refused("`output_config.format` must be a json_schema with a schema", param="output_config.format")
    return OutputFormat(mode="schema", schema=said.schema, strict=True)


# Writing.


def _encoded_tools(tools: tuple[Tool, ...], traits: Traits, marks: MarkBook, lost: list[str]) -> list[object]:
    encoded: list[object] = []
    for place, tool in enumerate(tools):
        path = f"tools[{place}]"
        if tool.kind == "function":
            encoded.append(_encoded_function(tool, path, traits, marks, lost))
        elif tool.kind == "server" and tool.raw is not None and _SERVED.fullmatch(type_of(tool.raw)):
            encoded.append(tool.raw)
        else:
            lost.append(path)
    return encoded


def _encoded_function(tool: Tool, path: str, traits: Traits, marks: MarkBook, lost: list[str]) -> Block:
    strict = bool(tool.strict) and traits.formats
    if tool.strict and not strict:
        lost.append(f"{path}.strict")
    schema = _EMPTY_SCHEMA if tool.parameters is None else _typed(tool.parameters)
    block: Block = {"name": tool.name}
    if tool.description is not None:
        block["description"] = tool.description
    block["input_schema"] = lower_schema(schema) if strict else schema
    if strict:
        block["strict"] = True
    marks.put(block, tool.cache, path)
    return block


def _typed(schema: Raw) -> Raw:
    """A tool's schema as it came, but for the `type` that must be said."""
    try:
        members = OBJECT.decode(schema)
    except UNREADABLE:
        return _EMPTY_SCHEMA
    return schema if "type" in members else Raw(joined({"type": Raw(b'"object"'), **members}))


def _encoded_choice(request: ChatRequest, traits: Traits, lost: list[str]) -> tuple[Block | None, Block | None]:
    """(the choice, a word to the model): a model that cannot be forced to call is asked to, and that is named."""
    choice = request.tool_choice or ToolChoice()
    several = request.parallel_tool_calls
    if request.tool_choice is None and several is None:
        return None, None
    note: Block | None = None
    if choice.mode in ("any", "named") and not traits.forced_tools:
        lost.append("tool_choice")
        which = f"the tool `{choice.name}`" if choice.mode == "named" else "one of your tools"
        note = {"type": "text", "text": f"Answer by calling {which}."}
        choice = ToolChoice()
    said: Block = {"type": "tool" if choice.mode == "named" else choice.mode}
    if choice.mode == "named":
        said["name"] = choice.name
    if several is not None and choice.mode != "none":
        said["disable_parallel_tool_use"] = not several
    return said, note


def _encoded_output(
    output: OutputFormat | None, plan: ThinkingPlan, traits: Traits, lost: list[str]
) -> dict[str, object] | None:
    said: dict[str, object] = {}
    if plan.effort is not None:
        said["effort"] = plan.effort
    if output is not None:
        if output.mode == "schema" and output.schema is not None and traits.formats:
            said["format"] = FormatBody(type="json_schema", schema=lower_schema(output.schema))
            lost += ["output.description"] if output.description is not None else []
        else:
            lost.append("output")
    return said or None


def _encoded_tier(tier: str | None, lost: list[str]) -> str | None:
    if tier is not None and tier not in _TIERS_SAID:
        lost.append("service_tier")
    return _TIERS_SAID.get(tier or "")


def _encoded_sampling(sampling: Sampling, plan: ThinkingPlan, traits: Traits, lost: list[str]) -> dict[str, object]:
    """What of the sampling this model takes; newer ones take none, and none does while it thinks."""
    unsaid = sampling.rare
    said: dict[str, object] = {}
    wanted = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    for name, value in wanted.items():
        refused = traits.sampling == "none" or plan.thinks or (traits.sampling == "one" and _is_second(name, said))
        (unsaid if refused else said)[name] = value
    if sampling.temperature == 1:
        # What every model does by itself: not saying it loses nothing.
        unsaid.pop("temperature", None)
    if sampling.temperature is not None and sampling.temperature > 1 and "temperature" in said:
        said["temperature"] = 1.0
        lost.append("sampling.temperature")
    stop = tuple(word for word in sampling.stop if word.strip())
    lost += ["sampling.stop"] if len(stop) < len(sampling.stop) else []
    lost += [f"sampling.{name}" for name, value in unsaid.items() if value is not None]
    return {**said, "stop_sequences": stop or None}


def _is_second(name: str, said: dict[str, object]) -> bool:
    """Whether this would be the second of temperature and top_p."""
    return name == "top_p" and said.get("temperature") is not None


def _folded(system: list[Block]) -> object:
    """A string for a single text with nothing on it."""
    if len(system) == 1 and system[0].keys() == {"type", "text"}:
        return system[0]["text"]
    return system or None
