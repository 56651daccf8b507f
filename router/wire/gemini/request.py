"""Requests, from canon to Google's body. The model and whether to stream stand in the URL: `call_path`."""

from __future__ import annotations

from urllib.parse import quote

from router.canon.request import ChatRequest, Tool, ToolChoice
from router.wire.dialect import Ask, Encoded
from router.wire.gemini.config import encode_config, encode_extra, lowered
from router.wire.gemini.lower import lower_parameters
from router.wire.gemini.message import MessageWriter
from router.wire.gemini.models import Model, model_named
from router.wire.gemini.schema import ENCODER
from router.wire.gemini.surface import GEMINI, Surface
from router.wire.members import joined

_MODES = {"auto": "AUTO", "none": "NONE", "any": "ANY", "named": "ANY"}

_TIERS = {"flex": "flex", "priority": "priority", "standard": "standard", "default": "standard"}
"""Service tiers of callers -> Google's. `auto` is what it does unasked."""

_OWN_TOOLS = {
    "google_search": "googleSearch",
    "googleSearch": "googleSearch",
    "code_execution": "codeExecution",
    "codeExecution": "codeExecution",
    "url_context": "urlContext",
    "urlContext": "urlContext",
    "google_maps": "googleMaps",
    "googleMaps": "googleMaps",
}
"""Tools Google runs itself, as callers name them."""


def call_path(model: str, *, stream: bool, collection: str = "models") -> str:
    """What follows the base URL, which ends in a version or, at Vertex, in a location.

    Args:
        model: a model's name; one that holds a slash names its own collection (`tunedModels/x`, `endpoints/1`).
        stream: whether to stream, as events.
        collection: `models`, or at Vertex `publishers/google/models`.
    """
    name = model if "/" in model else f"{collection}/{model}"
    return f"/{quote(name)}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"


def patch_request(ask: Ask, model: str) -> bytes:
    """The caller's own body for a target of the same dialect: untouched, since the model stands in the URL."""
    del model
    return joined({name: value for name, value in ask.fields.items() if name not in ("model", "stream")})


def encode_request(request: ChatRequest, model: str, surface: Surface = GEMINI) -> Encoded:
    """The request in Google's words, and by path what those could not say. `surface` is the service it goes to."""
    rules = model_named(model)
    writer = MessageWriter(rules, surface)
    body: dict[str, object] = {"contents": writer.write(request.messages)}
    lost = writer.lost
    if writer.system:
        body["systemInstruction"] = {"parts": writer.system}
    if tools := _tools(request.tools, rules, lost):
        body["tools"] = tools
        if request.tool_choice is not None and "functionDeclarations" in tools[0]:
            body["toolConfig"] = {"functionCallingConfig": _choice(request.tool_choice)}
    top, config = encode_extra(request.extra, surface, lost)
    config_said = {**encode_config(request, rules, lost), **config}
    if config_said:
        body["generationConfig"] = config_said
    body |= _tier(request.service_tier, surface, lost)
    body |= {"store": False} if surface.stores else {}
    body |= top
    lost += _unsaid(request)
    return Encoded(body=ENCODER.encode(body), lost=tuple(lost))


def _tools(tools: tuple[Tool, ...], model: Model, lost: list[str]) -> list[dict[str, object]]:
    """One entry with all functions; or Google's own tools, which most models refuse beside functions."""
    functions: list[object] = []
    own: list[dict[str, object]] = []
    has_functions = any(tool.kind == "function" for tool in tools)
    for place, tool in enumerate(tools):
        path = f"tools[{place}]"
        if tool.cache is not None:
            lost.append(f"{path}.cache")
        if tool.kind == "function":
            functions.append(_function(tool, path, model, lost))
        elif tool.kind == "server" and tool.name in _OWN_TOOLS and not has_functions:
            own.append({_OWN_TOOLS[tool.name]: {}})
        else:
            lost.append(path)
    return [{"functionDeclarations": functions}] if functions else own


def _function(tool: Tool, path: str, model: Model, lost: list[str]) -> dict[str, object]:
    said: dict[str, object] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.strict:
        lost.append(f"{path}.strict")
    plain = lower_parameters(tool.parameters, f"{path}.parameters")
    if tool.parameters is None:
        return said
    is_json, schema = lowered(tool.parameters, f"{path}.parameters", plain, model)
    lost += schema.lost
    if schema.schema is not None:
        said["parametersJsonSchema" if is_json else "parameters"] = schema.schema
    return said


def _choice(choice: ToolChoice) -> dict[str, object]:
    said: dict[str, object] = {"mode": _MODES[choice.mode]}
    if choice.mode == "named" and choice.name is not None:
        said["allowedFunctionNames"] = [choice.name]
    return said


def _tier(tier: str | None, surface: Surface, lost: list[str]) -> dict[str, object]:
    if tier is None or tier == "auto":
        return {}
    if tier in _TIERS and surface.takes_service_tier:
        return {"serviceTier": _TIERS[tier]}
    lost.append("service_tier")
    return {}


def _unsaid(request: ChatRequest) -> list[str]:
    """Members of a request for which Google has no word, where they are set and would change something."""
    unsaid = (
        ("parallel_tool_calls", request.parallel_tool_calls is False and bool(request.tools)),
        ("user", request.user),
        ("prompt_cache_key", request.prompt_cache_key),
        ("metadata", request.metadata),
    )
    return [name for name, value in unsaid if value]
