"""An OpenAI chat body, as the embedded model understands it; what it cannot do is refused by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

_DEFAULT_TEMPERATURE = 1.0
"""OpenAI's. llama-cpp-python's own default is 0.2."""


class BadAsk(Exception):
    """The request cannot be served as it is. `param` names what is wrong with it, in the caller's words."""

    def __init__(self, message: str, *, param: str | None = None, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Function(Struct, frozen=True, kw_only=True):
    """A tool as OpenAI describes it. `parameters` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


class Tool(Struct, frozen=True, kw_only=True):
    """One entry of `tools`."""

    function: Function
    type: Literal["function"] = "function"


class _Named(Struct, frozen=True):
    name: str


class NamedChoice(Struct, frozen=True, kw_only=True):
    """`tool_choice` that names one tool."""

    function: _Named
    type: Literal["function"] = "function"


class _JsonSchema(Struct, frozen=True):
    schema: dict[str, Any] = field(default_factory=dict)
    name: str = ""


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """`response_format`. `schema` beside `json_object` is llama.cpp's own spelling of `json_schema`."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: _JsonSchema | None = None
    schema: dict[str, Any] | None = None


class _StreamOptions(Struct, frozen=True):
    include_usage: bool | None = None


class ChatAsk(Struct, frozen=True, kw_only=True):
    """The body. Fields that change nothing here (`user`, `metadata`, `store`) are not read.

    `top_k`, `min_p` and `repeat_penalty` are not OpenAI's; their defaults are llama.cpp's.
    """

    model: str
    messages: list[dict[str, Any]]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None

    @property
    def limit(self) -> int | None:
        """Tokens the answer may have; None is up to the end of the context."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """Stop strings, never empty ones: those would stop at once."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(stop for stop in given if stop)

    @property
    def heat(self) -> float:
        """The temperature to pass, always."""
        return _DEFAULT_TEMPERATURE if self.temperature is None else self.temperature

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk of usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def offered(self) -> tuple[Tool, ...]:
        """The tools the model may see: none where the caller forbids them."""
        return () if self.tool_choice == "none" else tuple(self.tools or ())

    @property
    def forced(self) -> tuple[Tool, ...]:
        """The tools of which one must be called; empty where the model may choose to answer in words."""
        if isinstance(self.tool_choice, NamedChoice):
            wanted = self.tool_choice.function.name
            return tuple(tool for tool in self.offered if tool.function.name == wanted)
        return self.offered if self.tool_choice == "required" else ()


_REFUSED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "n": (lambda value: value not in (None, 1), "the embedded model gives one answer at a time"),
    "logprobs": (bool, "the embedded model does not keep the logits of every token"),
    "top_logprobs": (bool, "the embedded model does not keep the logits of every token"),
    "logit_bias": (bool, "token ids of another tokenizer mean nothing to the embedded model"),
    "audio": (bool, "the embedded model answers in text"),
    "modalities": (lambda value: value not in (None, ["text"]), "the embedded model answers in text"),
    "functions": (bool, "use tools: functions is not served"),
    "function_call": (bool, "use tool_choice: function_call is not served"),
}
"""Parameters that would be silently without effect -> when they ask for something, and what is said."""

_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
    "max_tokens": (1, float("inf")),
    "max_completion_tokens": (1, float("inf")),
}

_ASKS = msgspec.json.Decoder(ChatAsk)


def decode_ask(body: bytes) -> ChatAsk:
    """Read and check a body. Raises `BadAsk` naming the parameter at fault."""
    try:
        ask = _ASKS.decode(body)
        extra: dict[str, Any] = msgspec.json.decode(body)
    except msgspec.MsgspecError as error:
        raise BadAsk(str(error), param=_param_of(str(error))) from error
    except UnicodeDecodeError as error:
        raise BadAsk("the body is not UTF-8") from error
    for name, (asks, why) in _REFUSED.items():
        if name in extra and asks(extra[name]):
            raise BadAsk(f"{name} is not supported: {why}", param=name, code="unsupported_parameter")
    for name, (low, high) in _RANGES.items():
        value = getattr(ask, name)
        if value is not None and not low <= value <= high:
            raise BadAsk(f"{name} must lie between {low:g} and {high:g}", param=name)
    _check_choice(ask)
    if not ask.messages:
        raise BadAsk("messages must not be empty", param="messages")
    return ask


def grammar_schema(ask: ChatAsk) -> dict[str, Any] | None:
    """The JSON schema that the answer must obey; None for free text. An empty schema is any JSON object."""
    if len(ask.forced) == 1:
        return ask.forced[0].function.parameters
    if ask.forced:
        return {"oneOf": [_call_schema(tool.function) for tool in ask.forced]}
    wanted = ask.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_schema":
        return wanted.json_schema.schema if wanted.json_schema else {}
    return wanted.schema or {}


def _call_schema(function: Function) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": function.name}, "arguments": function.parameters or {"type": "object"}},
        "required": ["name", "arguments"],
    }


def _check_choice(ask: ChatAsk) -> None:
    if isinstance(ask.tool_choice, NamedChoice) and not ask.forced:
        raise BadAsk(f"tool_choice names {ask.tool_choice.function.name}, which is not in tools", param="tool_choice")
    if ask.tool_choice == "required" and not ask.tools:
        raise BadAsk("tool_choice is required, but there are no tools", param="tool_choice")


def _param_of(message: str) -> str | None:
    """msgspec says where: "Expected `int`, got `str` - at `$.seed`"."""
    _, found, path = message.rpartition("at `$.")
    return path.rstrip("`").split("[")[0] if found else None
