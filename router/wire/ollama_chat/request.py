"""Requests: passed on untouched, or said in Ollama's words.

`stream` is always said, for Ollama streams unless told not to. `truncate` is always off: a conversation too long for
the model is an error then, on which a larger one can be asked, and not one whose beginning was quietly forgotten.

Source: github.com/ollama/ollama at 2026-08-21, `api/types.go`, `server/routes.go`, `server/prompt.go`.
"""

from __future__ import annotations

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Sampling, Thinking, Tool
from router.wire.dialect import Ask, Encoded
from router.wire.members import joined
from router.wire.ollama_chat.lowering import lower_parameters
from router.wire.ollama_chat.message import MessageWriter
from router.wire.ollama_chat.schema import ENCODER

_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')

_OPTIONS: dict[str, str] = {
    "max_tokens": "num_predict",
    "context_tokens": "num_ctx",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repeat_penalty",
}
"""Canon's name -> Ollama's, in `options`. Bounds are the model runner's own, which takes what it is given."""

_OWN = frozenset({"keep_alive", "shift", "think"})
"""What callers of any dialect may say in Ollama's words."""

_MOST_LOGPROBS = 20

_EFFORTS: dict[str, tuple[object, bool]] = {
    "none": (False, True),
    "minimal": ("low", False),
    "low": ("low", True),
    "medium": ("medium", True),
    "high": ("high", True),
    "xhigh": ("max", False),
    "max": ("max", True),
}
"""Effort -> (`think`, whether that says the same), as Ollama's own endpoint for OpenAI's clients has it."""


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect, values and order untouched, the model the target's."""
    return joined({**ask.fields, "model": model})


def encode_request(request: ChatRequest, model: str) -> Encoded:
    """The request in Ollama's words, and by path what those could not say."""
    writer = MessageWriter()
    body: dict[str, object] = {"model": model, "messages": writer.write(request.messages)}
    lost = writer.lost
    body["tools"] = _encoded_tools(request, lost) or None
    body["format"] = _encoded_output(request.output, lost)
    body["think"] = _encoded_thinking(request.thinking, lost)
    body["options"] = _encoded_options(request.sampling, lost) or None
    body["logprobs"] = request.sampling.logprobs or None
    body["top_logprobs"] = _bounded(request.sampling.top_logprobs, lost)
    body["stream"] = request.stream
    body["truncate"] = False
    if request.parallel_tool_calls is False and body["tools"]:
        lost.append("parallel_tool_calls")
    unsaid = ("service_tier", "user", "prompt_cache_key", "metadata")
    lost += [name for name in unsaid if getattr(request, name)]
    own = {name: value for name, value in request.extra if name in _OWN and body.get(name) is None}
    lost += [f"extra.{name}" for name, _ in request.extra if name not in own]
    said = {**own, **{name: value for name, value in body.items() if value is not None}}
    return Encoded(body=ENCODER.encode(said), lost=tuple(lost))


def _encoded_tools(request: ChatRequest, lost: list[str]) -> list[object]:
    """The tools the model may call. Nothing forces one, but naming one leaves no other, and "none" leaves none."""
    lost += [f"tools[{place}]" for place, tool in enumerate(request.tools) if tool.kind != "function"]
    functions = [(place, tool) for place, tool in enumerate(request.tools) if tool.kind == "function"]
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        return []
    if choice is not None and choice.mode != "auto":
        lost.append("tool_choice")
        functions = [(place, tool) for place, tool in functions if tool.name == choice.name] or functions
    for place, tool in functions:
        unsaid = (("strict", tool.strict), ("cache", tool.cache))
        lost += [f"tools[{place}].{name}" for name, value in unsaid if value]
    return [_encoded_tool(tool, f"tools[{place}]", lost) for place, tool in functions]


def _encoded_tool(tool: Tool, path: str, lost: list[str]) -> object:
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    parameters = None if tool.parameters is None else lower_parameters(tool.parameters)
    if parameters is None and tool.parameters is not None:
        lost.append(f"{path}.parameters")
    function["parameters"] = parameters or _NO_PARAMETERS
    return {"type": "function", "function": function}


def _encoded_output(output: OutputFormat | None, lost: list[str]) -> object:
    """Any JSON, or the schema itself, which a grammar always holds the answer to."""
    if output is None:
        return None
    if output.description is not None:
        lost.append("output.description")
    return "json" if output.mode == "json" or output.schema is None else output.schema


def _encoded_thinking(thinking: Thinking | None, lost: list[str]) -> object:
    """On, off or how much. A model that cannot think refuses everything but off, so silence stays silence."""
    if thinking is None:
        return None
    unsaid = (("budget_tokens", thinking.budget_tokens), ("summary", thinking.summary))
    lost += [f"thinking.{name}" for name, value in unsaid if value]
    if thinking.enabled is False or thinking.budget_tokens == 0:
        return False
    if thinking.effort is None:
        return True if thinking.enabled or thinking.budget_tokens else None
    think, is_same = _EFFORTS.get(thinking.effort, (True, False))
    if not is_same:
        lost.append("thinking.effort")
    return think


def _encoded_options(sampling: Sampling, lost: list[str]) -> dict[str, object]:
    options: dict[str, object] = {
        word: value for name, word in _OPTIONS.items() if (value := getattr(sampling, name)) is not None
    }
    if sampling.stop:
        options["stop"] = sampling.stop
    if sampling.logit_bias is not None:
        lost.append("sampling.logit_bias")
    if sampling.choices > 1:
        lost.append("sampling.choices")
    return options


def _bounded(top_logprobs: int | None, lost: list[str]) -> int | None:
    """How many likely tokens to show; more than Ollama shows is refused for the whole request."""
    if top_logprobs is not None and top_logprobs > _MOST_LOGPROBS:
        lost.append("sampling.top_logprobs")
        return _MOST_LOGPROBS
    return top_logprobs
