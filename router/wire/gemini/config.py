"""How an answer is to be made, from canon to Google's `generationConfig`, and what callers may say in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Raw

from router.canon.request import ChatRequest, OutputFormat, Sampling, Thinking
from router.wire.gemini.lower import Lowered, lower_schema
from router.wire.gemini.models import Model
from router.wire.gemini.schema import MEMBERS, UNREADABLE
from router.wire.gemini.subset import json_subset
from router.wire.gemini.surface import Surface

MOST_STOPS = 5
"""Source: https://ai.google.dev/api/generate-content#GenerationConfig, read 2026-11."""

_SEEDS = 2**31

TOP = frozenset({"safetySettings", "cachedContent"})
CONFIG = frozenset(
    {"thinkingConfig", "responseModalities", "speechConfig", "imageConfig", "mediaResolution", "responseMimeType"}
    | {"responseSchema", "responseJsonSchema", "audioTimestamp", "enableAffectiveDialog"}
)
"""What callers of any dialect may say in Google's words, in the body or in its `generationConfig`."""

_LEVELS = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24_576}
_MOST = 24_576
_MOST_OF_PRO = 32_768
_LEAST_OF_PRO = 128
_LEAST_OF_LITE = 512
_DYNAMIC = -1
_LAST_MINIMAL_FLASH = (3, 6)
"""Source: https://ai.google.dev/gemini-api/docs/thinking, read 2026-11."""

_HUMP = re.compile(r"_([a-z])")


def encode_config(request: ChatRequest, model: Model, lost: list[str]) -> dict[str, object]:
    """Everything that goes into `generationConfig` but Google's own words."""
    config = _sampling(request.sampling, request.stream, lost)
    if request.output is not None:
        if request.tools and not model.mixes:
            lost.append("output")
        else:
            config |= _output(request.output, model, lost)
    if request.thinking is not None:
        config |= _thinking(request.thinking, model, lost)
    return config


def encode_extra(
    extra: tuple[tuple[str, Raw], ...], surface: Surface, lost: list[str]
) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """(for the body, for its `generationConfig`) of what callers said in Google's words; anything else is lost."""
    top: dict[str, Raw] = {}
    config: dict[str, Raw] = {}
    for path, name, value in _told(extra):
        if name in TOP or (name == "labels" and surface.takes_labels) or (name == "store" and surface.stores):
            top[name] = value
        elif name in CONFIG:
            config[name] = value
        else:
            lost.append(path)
    return top, config


def lowered(raw: Raw, path: str, plain: Lowered, model: Model) -> tuple[bool, Lowered]:
    """(whether it is JSON Schema, the schema): the form every model reads, unless only the other says what is meant."""
    if plain.rough and model.takes_json_schema:
        subset = json_subset(raw, path)
        if subset.schema is not None:
            return True, subset
    return False, plain


def _told(extra: tuple[tuple[str, Raw], ...]) -> Iterator[tuple[str, str, Raw]]:
    """(path, name in camel case, value), also of members inside `google` and `extra_body.google`, where Google's own
    OpenAI-like endpoint wants them."""
    pending = [(f"extra.{name}", name, value) for name, value in extra]
    while pending:
        path, name, value = pending.pop(0)
        inner = _members(value) if name in ("google", "extra_body") else None
        if inner is None:
            yield path, _HUMP.sub(lambda match: match[1].upper(), name), value
        else:
            pending += [(f"{path}.{key}", key, below) for key, below in inner.items()]


def _members(raw: Raw) -> dict[str, Raw] | None:
    try:
        return MEMBERS.decode(raw)
    except UNREADABLE:
        return None


def _sampling(sampling: Sampling, stream: bool, lost: list[str]) -> dict[str, object]:
    unsaid = (
        ("min_p", sampling.min_p),
        ("repetition_penalty", sampling.repetition_penalty),
        ("logit_bias", sampling.logit_bias),
        ("context_tokens", sampling.context_tokens),
    )
    lost += [f"sampling.{name}" for name, value in unsaid if value is not None]
    lost += ["sampling.seed"] if sampling.seed is not None and not _fits(sampling.seed) else []
    lost += [f"sampling.stop[{place}]" for place in range(MOST_STOPS, len(sampling.stop))]
    if sampling.choices > 1 and stream:
        # Several answers in one stream arrive incomplete.
        lost.append("sampling.choices")
    several = sampling.choices > 1 and not stream
    said: dict[str, object] = {
        "maxOutputTokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "seed": sampling.seed if sampling.seed is not None and _fits(sampling.seed) else None,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "stopSequences": sampling.stop[:MOST_STOPS] or None,
        "candidateCount": sampling.choices if several else None,
        "responseLogprobs": sampling.logprobs or None,
        "logprobs": sampling.top_logprobs if sampling.logprobs else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _fits(seed: int) -> bool:
    """Whether it is one of 32 bits: a request with any other is refused."""
    return -_SEEDS <= seed < _SEEDS


def _output(output: OutputFormat, model: Model, lost: list[str]) -> dict[str, object]:
    config: dict[str, object] = {"responseMimeType": "application/json"}
    if output.mode == "json" or output.schema is None:
        return config
    path = "output.schema"
    is_json, schema = lowered(output.schema, path, lower_schema(output.schema, path), model)
    lost += schema.lost
    if schema.schema is not None:
        about = {"description": output.description} if output.description else {}
        config["responseJsonSchema" if is_json else "responseSchema"] = {**about, **schema.schema}
    return config


def _thinking(thinking: Thinking, model: Model, lost: list[str]) -> dict[str, object]:
    """Thinking by level or budget, whichever the model knows; what it thinks is shown whenever it is asked to."""
    off = thinking.enabled is False or thinking.effort == "none"
    if not model.thinks:
        lost += [] if off else ["thinking"]
        return {}
    config: dict[str, object] = {"includeThoughts": not off}
    if off and not model.thinks_by_level:
        config["thinkingBudget"] = _LEAST_OF_PRO if model.is_pro else 0
    elif off:
        config["thinkingLevel"] = _least(model)
    elif thinking.budget_tokens is not None:
        config["thinkingBudget"] = _budget(thinking.budget_tokens, model, lost)
    elif thinking.effort is not None:
        config |= _effort(thinking.effort, model, lost)
    return {"thinkingConfig": config}


def _budget(tokens: int, model: Model, lost: list[str]) -> int:
    """The budget, or the nearest that a model of budgets takes: it refuses every other. 0 is off, -1 its own choice."""
    if model.thinks_by_level or tokens == _DYNAMIC:
        return tokens
    least = _LEAST_OF_PRO if model.is_pro else _LEAST_OF_LITE if model.is_lite and tokens else 0
    taken = min(max(tokens, least), _MOST_OF_PRO if model.is_pro else _MOST)
    lost += [] if taken == tokens else ["thinking.budget_tokens"]
    return taken


def _effort(effort: str, model: Model, lost: list[str]) -> dict[str, object]:
    if model.thinks_by_level:
        level = _least(model) if effort == "minimal" else _LEVELS.get(effort)
        lost += ["thinking.effort"] if level is None else []
        return {} if level is None else {"thinkingLevel": level}
    most = _MOST_OF_PRO if model.is_pro else _MOST
    budget = most if effort in ("xhigh", "max") else _BUDGETS.get(effort)
    lost += ["thinking.effort"] if budget is None else []
    return {} if budget is None else {"thinkingBudget": budget}


def _least(model: Model) -> str:
    """The least thinking a model of levels takes: newer ones and the large ones refuse MINIMAL."""
    minimal = model.is_lite or (model.is_flash and model.generation <= _LAST_MINIMAL_FLASH)
    return "MINIMAL" if minimal else "LOW"
