"""Requests: read just enough to route, pass on untouched, or translate both ways."""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from msgspec import Raw

from router.canon.request import ChatRequest, Message, OutputFormat, Role, Sampling, Text, Thinking, Tool, ToolChoice
from router.errors import Reason, Refused
from router.wire.aliases import Aliases
from router.wire.dialect import Ask, Encoded
from router.wire.gpt import admitted
from router.wire.ids import short_user
from router.wire.members import (
    ENCODER,
    FLAG,
    NULL,
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
from router.wire.openai_responses.item import ItemWriter, decode_input
from router.wire.openai_responses.schema import (
    ASIDES,
    KINDS,
    REQUEST,
    STATE,
    TOOL,
    ItemAside,
    ReasoningOptions,
    RequestBody,
    TextFormat,
    ToolChoiceBody,
    ToolDef,
)
from router.wire.openai_responses.thought import without_foreign
from router.wire.strictness import held_to

_SEALED_THINKING = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"

_HARMLESS: dict[str, tuple[bytes, ...]] = {
    "store": (b"false",),
    "background": (b"false",),
    "truncation": (b'"disabled"',),
    "stream_options": (b'{"include_obfuscation":false}', b'{"include_obfuscation": false}', b"{}"),
}
"""Members that say what other protocols do anyway: leaving them out loses nothing."""

_LEAST_TOKENS = 16  # of an answer: a bound below is refused (`integer_below_min_value`)
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Members that stand for text which is stored at a provider; only a provider of this dialect can be told."""

_TEXT = re.compile(rb'\s*"')
_REFERENCE = re.compile(rb'"item_reference"')
_ASIDE = re.compile(rb'"(?:phase|namespace)"')

_UNTHINKING = re.compile(r"gpt-[34]|chat", re.I)
"""Models that refuse to be asked for sealed thinking, having none: gpt-3.5, gpt-4*, *-chat-latest."""

ALIASES = Aliases("max_output_tokens")


def peek(body: bytes) -> Ask:
    """Read what routing needs; every other member stays as the caller wrote it.

    `previous_response_id` stays among the fields: a provider of this dialect may know it, and no other can.

    Raises:
        Refused: the body is no JSON object, lacks `model` or `input`, a member read here has a wrong type, or it asks
            for what needs a store: `background`, or an item by reference.
    """
    fields = read_members(body)
    requirements = take_requirements(fields)
    renamed = ALIASES.rename(fields)
    fields = renamed.fields
    model = read_model(fields)
    given = required(fields, "input")
    if not _TEXT.match(given):
        check_objects(given, "input")
        _check_references(given)
    if read_optional(FLAG, fields, "background"):
        raise Refused("answers in the background are not kept here: ask with `background` false", param="background")
    read_optional(STATE, fields, "previous_response_id")
    return Ask(
        model=model,
        stream=bool(read_optional(FLAG, fields, "stream")),
        # The last event of every stream carries it.
        include_usage=True,
        requirements=requirements,
        fields=fields,
        aliases=renamed.told,
        context_tokens=renamed.context_tokens,
        unsaid=renamed.unsaid,
    )


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect, values and order untouched, but for two things.

    `model` is the target's. What an answer of another family left in the history is taken out: it would be refused.
    """
    patched = {"model": model, "input": without_foreign(ask.fields["input"])}
    return joined({**ask.fields, **patched})


def decode_request(ask: Ask) -> ChatRequest:
    """The whole request in canon. Raises `Refused`, naming the field, for what no other dialect could be told."""
    for name in _ELSEWHERE:
        if ask.fields.get(name, NULL) != NULL:
            raise Refused(
                f"`{name}` points to what another provider stores: send the whole conversation in `input`",
                reason=Reason.INEXPRESSIBLE,
                param=name,
            )
    body = read_member(REQUEST, Raw(joined(ask.fields)), "")
    messages = decode_input(body.input)
    if body.instructions is not None:
        messages = (Message(role=Role.SYSTEM, parts=(Text(text=body.instructions),)), *messages)
    tools = tuple(_tool(raw, f"tools[{place}]") for place, raw in enumerate(body.tools or ()))
    choice, allowed = _choice(body.tool_choice)
    return ChatRequest(
        model=body.model,
        messages=messages,
        tools=tools if allowed is None else tuple(tool for tool in tools if tool.name in allowed),
        tool_choice=choice,
        parallel_tool_calls=body.parallel_tool_calls,
        output=_output(body.text.format if body.text else None),
        sampling=Sampling(
            max_tokens=body.max_output_tokens,
            context_tokens=ask.context_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            logprobs=_LOGPROBS in (body.include or ()),
            top_logprobs=body.top_logprobs,
        ),
        thinking=_thinking(body.reasoning),
        stream=ask.stream,
        include_usage=ask.include_usage,
        service_tier=body.service_tier,
        user=body.user if body.user is not None else body.safety_identifier,
        prompt_cache_key=body.prompt_cache_key,
        metadata=tuple((body.metadata or {}).items()),
        extra=_extra(ask, body),
    )


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """The request in this protocol's words, and by path what those could not say.

    Nothing is stored at the provider, so thinking is asked for sealed: it must come back with the next turn.
    """
    request, refused = admitted(request, model)
    writer = ItemWriter()
    body: dict[str, object] = {"model": model, "input": writer.write(request.messages)}
    lost = writer.lost
    if tools := _encoded_tools(request.tools, lost):
        body["tools"] = tools
        body["tool_choice"] = _encoded_choice(request.tool_choice, request.tools)
        body["parallel_tool_calls"] = request.parallel_tool_calls
    body["text"] = _encoded_output(request.output, lost)
    body["reasoning"] = _encoded_thinking(request.thinking, lost)
    body.update(_encoded_sampling(request.sampling, lost))
    body["include"] = _encoded_include(request, model)
    body["service_tier"] = request.service_tier
    body["user"] = short_user(request.user)
    body["prompt_cache_key"] = request.prompt_cache_key
    body["metadata"] = dict(request.metadata) or None
    body["store"] = False
    body["stream"] = True if request.stream else None
    lost += [*refused, *(f"extra.{name}" for name, _ in request.extra)]
    said = {name: value for name, value in body.items() if value is not None}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


# Reading.


def _check_references(given: Raw) -> None:
    """Refuse items by reference. Only a body that holds the word is looked at: it may be megabytes."""
    if not _REFERENCE.search(given):
        return
    kinds = read_member(KINDS, given, "input")
    for place, item in enumerate(kinds):
        if item.type == "item_reference":
            raise Refused(
                "items are not stored here: send the item itself instead of a reference to it", param=f"input[{place}]"
            )


def _tool(raw: Raw, path: str) -> Tool:
    tool = read_member(TOOL, raw, path)
    if tool.type not in ("function", "custom"):
        return Tool(name=tool.type, kind="server", raw=raw)
    if not tool.name:
        raise Refused(f"`{path}.name` is missing", param=f"{path}.name")
    if tool.type == "custom":
        return Tool(name=tool.name, description=tool.description, kind="custom", raw=raw)
    return Tool(
        name=tool.name,
        description=tool.description,
        parameters=None if tool.parameters == NULL else tool.parameters,
        strict=tool.strict,
    )


_MODES: dict[str, Literal["auto", "none", "any"]] = {"auto": "auto", "none": "none", "required": "any"}


def _choice(said: str | ToolChoiceBody | None) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """The tool choice, and the names it allows where it allows only some of the tools."""
    if said is None:
        return None, None
    if isinstance(said, str):
        return ToolChoice(mode=_mode(said)), None
    if said.type == "allowed_tools":
        allowed = frozenset(tool.name or tool.type for tool in said.tools or ())
        return ToolChoice(mode=_mode(said.mode or "auto")), allowed
    return ToolChoice(mode="named", name=said.name or said.type), None


def _mode(said: str) -> Literal["auto", "none", "any"]:
    if said not in _MODES:
        raise Refused(f"`tool_choice` must be none, auto, required or an object, not {said!r}", param="tool_choice")
    return _MODES[said]


def _output(said: TextFormat | None) -> OutputFormat | None:
    if said is None or said.type == "text":
        return None
    if said.type == "json_object":
        return OutputFormat(mode="json")
    if said.type != "json_schema" or said.name is None:
        raise Refused("`text.format` must be text, json_object or a json_schema with a name", param="text.format")
    return OutputFormat(
        mode="schema",
        name=said.name,
        schema=None if said.schema == NULL else said.schema,
        strict=said.strict,
        description=said.description,
    )


def _thinking(said: ReasoningOptions | None) -> Thinking | None:
    if said is None:
        return None
    summary = said.summary if said.summary is not None else said.generate_summary
    return None if said.effort is None and summary is None else Thinking(effort=said.effort, summary=summary)


def _extra(ask: Ask, body: RequestBody) -> tuple[tuple[str, Raw], ...]:
    """What canon has no word for and the caller did say."""
    known = RequestBody.__struct_fields__
    extra = [
        (name, value)
        for name, value in ask.fields.items()
        if name not in known
        and value != NULL
        and bytes(value) not in _HARMLESS.get(name, ())
        # What is kept here need not be stored there.
        and not (name == "store" and ask.kept is not None)
    ]
    if body.text is not None and body.text.verbosity != NULL:
        extra.append(("text.verbosity", body.text.verbosity))
    extra += unread(ask.fields.get("reasoning", NULL), ReasoningOptions.__struct_fields__, "reasoning")
    for place, tool in enumerate(body.tools or ()):
        extra += _beside(tool, f"tools[{place}]")
    extra += _asides(ask.fields["input"])
    wanted = [word for word in body.include or () if word not in (_SEALED_THINKING, _LOGPROBS)]
    if wanted:
        extra.append(("include", Raw(msgspec.json.encode(wanted))))
    return tuple(extra)


def _beside(tool: Raw, path: str) -> list[tuple[str, Raw]]:
    """What is said of a function beyond what canon knows; every other tool travels whole."""
    unsaid = unread(tool, ToolDef.__struct_fields__, path)
    return unsaid if unsaid and TOOL.decode(tool).type == "function" else []


def _asides(given: Raw) -> list[tuple[str, Raw]]:
    """What items say beside what they are. Only a body that holds such a word is looked at: it may be megabytes."""
    if not _ASIDE.search(given) or _TEXT.match(given):
        return []
    items: list[ItemAside] = read_member(ASIDES, given, "input")
    return [
        (f"input[{place}].{name}", value)
        for place, item in enumerate(items)
        for name, value in (("phase", item.phase), ("namespace", item.namespace))
        if value != NULL
    ]


# Writing.


def _encoded_tools(tools: tuple[Tool, ...], lost: list[str]) -> list[object]:
    encoded: list[object] = []
    for place, tool in enumerate(tools):
        path = f"tools[{place}]"
        if tool.cache is not None:
            lost.append(f"{path}.cache")
        match tool.kind:
            case "function":
                encoded.append(_encoded_function(tool, path, lost))
            case "custom":
                encoded.append(_encoded_custom(tool, path, lost))
            case "server":
                lost.append(path)
    return encoded


def _encoded_function(tool: Tool, path: str, lost: list[str]) -> dict[str, object]:
    """A function. `strict` is always said: here silence means true, in other protocols false."""
    nothing = {"type": "object", "properties": {}}
    parameters, strict = held_to(tool.parameters, tool.strict, path, lost)
    function: dict[str, object] = {
        "type": "function",
        "name": tool.name,
        "parameters": nothing if parameters is None else parameters,
        "strict": bool(strict) and parameters is not None,
    }
    return function if tool.description is None else {**function, "description": tool.description}


def _encoded_custom(tool: Tool, path: str, lost: list[str]) -> object:
    """A free-form tool as it was written, where it was written in this dialect."""
    if tool.raw is not None:
        if TOOL.decode(tool.raw).name is not None:
            return tool.raw
        lost.append(f"{path}.raw")
    custom: dict[str, object] = {"type": "custom", "name": tool.name}
    return custom if tool.description is None else {**custom, "description": tool.description}


def _encoded_choice(choice: ToolChoice | None, tools: tuple[Tool, ...]) -> object:
    if choice is None:
        return None
    if choice.mode != "named":
        return "required" if choice.mode == "any" else choice.mode
    custom = any(tool.name == choice.name and tool.kind == "custom" for tool in tools)
    return {"type": "custom" if custom else "function", "name": choice.name}


def _encoded_output(output: OutputFormat | None, lost: list[str]) -> object:
    if output is None:
        return None
    if output.mode == "json":
        return {"format": {"type": "json_object"}}
    schema, strict = held_to(output.schema, output.strict, "output", lost)
    format = {
        "type": "json_schema",
        "name": output.name or "answer",
        "schema": schema,
        "strict": strict,
        "description": output.description,
    }
    return {"format": {name: value for name, value in format.items() if value is not None}}


def _encoded_thinking(thinking: Thinking | None, lost: list[str]) -> object:
    """Effort and summary. A budget is not turned into an effort: the two are no measure of each other."""
    if thinking is None:
        return None
    switch = thinking.enabled if thinking.effort is None else None
    unsaid = (("budget_tokens", thinking.budget_tokens), ("enabled", switch))
    lost += [f"thinking.{name}" for name, value in unsaid if value is not None]
    said = {"effort": thinking.effort, "summary": thinking.summary}
    return {name: value for name, value in said.items() if value is not None} or None


_LIKELIHOODS = frozenset({"logprobs", "top_logprobs"})


def _encoded_sampling(sampling: Sampling, lost: list[str]) -> dict[str, object]:
    longest = sampling.max_tokens
    if longest is not None and longest < _LEAST_TOKENS:
        longest = _LEAST_TOKENS
        lost.append("sampling.max_tokens")
    unsaid = {"top_k": sampling.top_k, **sampling.rare, "stop": sampling.stop or None}
    lost += [f"sampling.{name}" for name, value in unsaid.items() if value is not None and name not in _LIKELIHOODS]
    return {
        "max_output_tokens": longest,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_logprobs": sampling.top_logprobs,
    }


def _encoded_include(request: ChatRequest, model: str) -> list[str] | None:
    include = [] if _UNTHINKING.search(model) else [_SEALED_THINKING]
    if request.sampling.logprobs:
        include.append(_LOGPROBS)
    return include or None
