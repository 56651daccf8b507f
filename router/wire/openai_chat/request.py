"""Requests: read just enough to route, pass on untouched, or translate both ways."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Sampling, Thinking, Tool, ToolChoice
from router.errors import Refused
from router.wire.aliases import Aliases
from router.wire.dialect import Ask, Encoded
from router.wire.gpt import admitted
from router.wire.ids import short_user
from router.wire.members import (
    COUNT,
    FLAG,
    MEMBERS,
    check_objects,
    joined,
    read_member,
    read_members,
    read_model,
    read_optional,
    required,
    take_requirements,
)
from router.wire.openai_chat.history import without_signatures
from router.wire.openai_chat.message import MessageWriter, decode_messages
from router.wire.openai_chat.schema import (
    ENCODER,
    NULL,
    REQUEST,
    STREAM_OPTIONS,
    TOOL,
    FunctionDef,
    JsonSchema,
    Named,
    RequestBody,
    ResponseFormat,
    ToolChoiceBody,
)
from router.wire.strictness import held_to

_USAGE = Raw(b'{"include_usage":true}')

ALIASES = Aliases("max_tokens", "max_completion_tokens", stop_sequences=("stop",))


def peek(body: bytes) -> Ask:
    """Read what routing needs; every other member stays as the caller wrote it.

    Raises:
        Refused: the body is no JSON object, lacks `model` or `messages`, or a member read here has a wrong type.
    """
    fields = read_members(body)
    requirements = take_requirements(fields)
    renamed = ALIASES.rename(fields)
    fields = renamed.fields
    model = read_model(fields)
    check_objects(required(fields, "messages"), "messages")
    options = read_optional(STREAM_OPTIONS, fields, "stream_options")
    return Ask(
        model=model,
        stream=bool(read_optional(FLAG, fields, "stream")),
        include_usage=options.include_usage if options is not None else None,
        requirements=requirements,
        fields=fields,
        choices=max(1, read_optional(COUNT, fields, "n") or 1),
        aliases=renamed.told,
        context_tokens=renamed.context_tokens,
        unsaid=renamed.unsaid,
    )


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect, values and order untouched, but for three things.

    `model` is the target's. A stream whose caller said nothing about usage is asked to report it, on our own account.
    What we put into the ids of calls is taken out.
    """
    fields = ask.fields
    patched: dict[str, object] = {**fields, "model": model, "messages": without_signatures(fields["messages"])}
    if ask.stream and ask.include_usage is None:
        patched["stream_options"] = _usage_asked(fields.get("stream_options", NULL))
    return joined(patched)


def decode_request(ask: Ask) -> ChatRequest:
    """The whole request in canon. Raises `Refused`, naming the field, for what no other dialect could be told."""
    body = read_member(REQUEST, Raw(joined(ask.fields)), "")
    tools = tuple(_tool(raw, f"tools[{place}]") for place, raw in enumerate(body.tools or ()))
    tools += tuple(_function(function) for function in body.functions or ())
    choice, allowed = _choice(body)
    known = RequestBody.__struct_fields__
    user = body.user if body.user is not None else body.safety_identifier
    return ChatRequest(
        model=body.model,
        messages=decode_messages(body.messages),
        tools=tools if allowed is None else tuple(tool for tool in tools if tool.name in allowed),
        tool_choice=choice,
        parallel_tool_calls=body.parallel_tool_calls,
        output=_output(body.response_format),
        sampling=_sampling(body, ask.context_tokens),
        thinking=None if body.reasoning_effort is None else Thinking(effort=body.reasoning_effort),
        stream=ask.stream,
        include_usage=ask.include_usage,
        service_tier=body.service_tier,
        user=user,
        prompt_cache_key=body.prompt_cache_key,
        metadata=tuple((body.metadata or {}).items()),
        extra=tuple((name, value) for name, value in ask.fields.items() if name not in known),
    )


def encode_request(request: ChatRequest, model: str, formats: frozenset[str] = frozenset()) -> Encoded:
    """The request in OpenAI's words, and by path what those could not say.

    Args:
        formats: whose sealed thinking the server takes back, by the names it gave them.
    """
    request, refused = admitted(request, model)
    writer = MessageWriter(formats)
    body: dict[str, object] = {"model": model, "messages": writer.write(request.messages)}
    lost = writer.lost
    if tools := _encoded_tools(request.tools, lost):
        body["tools"] = tools
        body["tool_choice"] = _encoded_choice(request.tool_choice, request.tools)
        body["parallel_tool_calls"] = request.parallel_tool_calls
    body["response_format"] = _encoded_output(request.output, lost)
    body["reasoning_effort"] = _encoded_thinking(request.thinking, lost)
    body.update(_encoded_sampling(request.sampling, lost))
    body["service_tier"] = request.service_tier
    body["user"] = short_user(request.user)
    body["prompt_cache_key"] = request.prompt_cache_key
    body["metadata"] = dict(request.metadata) or None
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": request.include_usage is not False}
    lost += [*refused, *(f"extra.{name}" for name, _ in request.extra)]
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


# Reading.


def _usage_asked(options: Raw) -> Raw:
    """The caller's stream options with `include_usage` put to true."""
    if options == NULL:
        return _USAGE
    members = MEMBERS.decode(options)
    return Raw(joined({**members, "include_usage": Raw(b"true")}))


def _tool(raw: Raw, path: str) -> Tool:
    tool = read_member(TOOL, raw, path)
    if tool.type == "function" and tool.function is not None:
        return _function(tool.function)
    if tool.type == "custom" and tool.custom is not None:
        return Tool(name=tool.custom.name, description=tool.custom.description, kind="custom", raw=raw)
    if tool.type in ("function", "custom"):
        raise Refused(f"`{path}.{tool.type}` is missing", param=f"{path}.{tool.type}")
    return Tool(name=tool.type, kind="server", raw=raw)


def _function(function: FunctionDef) -> Tool:
    return Tool(
        name=function.name,
        description=function.description,
        parameters=None if function.parameters == NULL else function.parameters,
        strict=function.strict,
    )


_MODES: dict[str, Literal["auto", "none", "any"]] = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def _choice(body: RequestBody) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """The tool choice, and the names it allows where it allows only some of the tools."""
    said = body.tool_choice if body.tool_choice is not None else body.function_call
    if said is None:
        return None, None
    if isinstance(said, Named):
        return ToolChoice(mode="named", name=said.name), None
    if isinstance(said, str):
        return ToolChoice(mode=_mode(said)), None
    if said.allowed_tools is not None:
        return ToolChoice(mode=_mode(said.allowed_tools.mode)), frozenset(map(_name, said.allowed_tools.tools))
    return ToolChoice(mode="named", name=_name(said)), None


def _mode(said: str) -> Literal["auto", "none", "any"]:
    if said not in _MODES:
        raise Refused(f"`tool_choice` must be none, auto, required or an object, not {said!r}", param="tool_choice")
    return _MODES[said]


def _name(choice: ToolChoiceBody) -> str:
    named = choice.function or choice.custom
    return named.name if named is not None else choice.type


def _output(said: ResponseFormat | None) -> OutputFormat | None:
    if said is None or said.type == "text":
        return None
    if said.type == "json_object":
        return OutputFormat(mode="json")
    if said.type != "json_schema" or said.json_schema is None:
        raise Refused("`response_format` must be text, json_object or a json_schema", param="response_format")
    schema = said.json_schema
    return OutputFormat(
        mode="schema",
        name=schema.name,
        schema=None if schema.schema == NULL else schema.schema,
        strict=schema.strict,
        description=schema.description,
    )


def _sampling(body: RequestBody, context_tokens: int | None) -> Sampling:
    longest = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    return Sampling(
        max_tokens=longest,
        context_tokens=context_tokens if context_tokens is not None else body.num_ctx,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        min_p=body.min_p,
        seed=body.seed,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        repetition_penalty=body.repetition_penalty,
        logit_bias=None if body.logit_bias == NULL else body.logit_bias,
        stop=(body.stop,) if isinstance(body.stop, str) else body.stop or (),
        choices=body.n or 1,
        logprobs=bool(body.logprobs),
        top_logprobs=body.top_logprobs,
    )


# Writing.


def _encoded_tools(tools: tuple[Tool, ...], lost: list[str]) -> list[object]:
    encoded: list[object] = []
    for place, tool in enumerate(tools):
        path = f"tools[{place}]"
        if tool.cache is not None:
            lost.append(f"{path}.cache")
        match tool.kind:
            case "function":
                parameters, strict = held_to(tool.parameters, tool.strict, path, lost)
                function = FunctionDef(
                    name=tool.name,
                    description=tool.description,
                    parameters=parameters if parameters is not None else NULL,
                    strict=strict,
                )
                encoded.append({"type": "function", "function": function})
            case "custom":
                encoded.append(_encoded_custom(tool))
            case "server":
                lost.append(path)
    return encoded


def _encoded_custom(tool: Tool) -> object:
    """A free-form tool as it was written, where it was written in this dialect."""
    if tool.raw is not None and TOOL.decode(tool.raw).custom is not None:
        return tool.raw
    custom = {"name": tool.name, "description": tool.description or ""}
    return {"type": "custom", "custom": custom}


def _encoded_choice(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> object:
    if choice is None:
        return None
    if choice.mode != "named":
        return "required" if choice.mode == "any" else choice.mode
    custom = any(tool.name == choice.name and tool.kind == "custom" for tool in tools)
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": choice.name}}


def _encoded_output(output: OutputFormat | None, lost: list[str]) -> object:
    if output is None:
        return None
    if output.mode == "json":
        return {"type": "json_object"}
    form, strict = held_to(output.schema, output.strict, "output", lost)
    schema = JsonSchema(
        name=output.name or "answer",
        schema=form if form is not None else NULL,
        strict=strict,
        description=output.description,
    )
    return {"type": "json_schema", "json_schema": schema}


def _encoded_thinking(thinking: Thinking | None, lost: list[str]) -> str | None:
    """The effort. A budget is not turned into one: models that do not think refuse a request that names an effort."""
    if thinking is None:
        return None
    switch = thinking.enabled if thinking.effort is None else None
    unsaid = (("budget_tokens", thinking.budget_tokens), ("summary", thinking.summary), ("enabled", switch))
    lost += [f"thinking.{name}" for name, value in unsaid if value is not None]
    return thinking.effort


def _encoded_sampling(sampling: Sampling, lost: list[str]) -> dict[str, object]:
    names = ("top_k", "min_p", "repetition_penalty", "context_tokens")
    unsaid = tuple((name, getattr(sampling, name)) for name in names)
    lost += [f"sampling.{name}" for name, value in unsaid if value is not None]
    return {
        "max_completion_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "logit_bias": sampling.logit_bias,
        "stop": sampling.stop or None,
        "n": sampling.choices if sampling.choices > 1 else None,
        "logprobs": sampling.logprobs or None,
        "top_logprobs": sampling.top_logprobs,
    }
