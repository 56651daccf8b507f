"""Which losses in translation change what a request means.

A translator names by path what its dialect has no word for. Most of it is a hint, and an answer without it is still an
answer to what was asked: a cache mark, a seed, an effort, another provider's sealed thoughts. What stands in `MEANING`
is not: an answer that never saw the picture, or has not the form that a program will read, is an answer to another
question. Whether such a target is asked all the same is `OnLoss`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from router.canon.request import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Opaque,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

MEANING: dict[str, str] = {
    "tool_choice": "a call that is demanded, or forbidden",
    "tools[]": "a tool",
    "tools[].parameters": "what a tool takes",
    "tools[].raw": "the grammar that a tool's input must follow",
    "output": "the form of the answer",
    "output.schema": "the schema of the answer",
    "sampling.choices": "several choices",
    "sampling.stop": "where the answer must stop",
    "sampling.stop[]": "where the answer must stop",
    "sampling.logprobs": "log probabilities",
    "sampling.max_tokens": "how long the answer may be",
    "extra.audio": "an answer that is spoken",
    "extra.modalities": "an answer that is not only text",
    "extra.web_search_options": "a search",
    "extra.mcp_servers": "tools",
    "extra.prompt": "a prompt that another provider stores",
    "dimensions": "how many numbers a vector has",
    # What a provider refuses of its own dialect is named in that dialect's words, here those of OpenAI's.
    "n": "several choices",
    "stop": "where the answer must stop",
    "logprobs": "log probabilities",
    "response_format": "the form of the answer",
    "tools": "the tools",
    "functions": "the tools",
    "function_call": "a call that is demanded, or forbidden",
    "audio": "an answer that is spoken",
    "modalities": "an answer that is not only text",
    "web_search_options": "a search",
}
"""Path of a loss, every index left out -> what the answer would be given without. A part of a message is looked at."""

_INDEX = re.compile(r"\[\d+\]")
_PART = re.compile(r"messages\[(\d+)\]\.parts\[(\d+)\](?:\.parts\[(\d+)\])?")

_SPOKEN = (Text, Image, Document, Audio, ToolCall, ToolResult)
"""The parts that a conversation is made of. Thoughts, refusals and what a provider did on its own account are not."""


def meant(lost: Iterable[str], request: ChatRequest | None) -> tuple[str, ...]:
    """Those of the losses that change what is asked, in order, each once.

    Args:
        lost: paths as translators name them.
        request: what was translated; None where the target speaks the caller's dialect, and only its own words for
            members can have been lost.
    """
    return tuple(dict.fromkeys(path for path in lost if _is_meant(path, request)))


def _is_meant(path: str, request: ChatRequest | None) -> bool:
    found = _PART.fullmatch(path)
    if found is not None:
        return request is not None and _is_said(request, *found.groups())
    name = _INDEX.sub("[]", path)
    exception = _EXCEPT.get(name)
    return name in MEANING and not (exception is not None and request is not None and exception(request))


def _is_said(request: ChatRequest, turn: str, place: str, inner: str | None) -> bool:
    message = request.messages[int(turn)]
    part: Part = message.parts[int(place)]
    if inner is not None and isinstance(part, ToolResult):
        part = part.parts[int(inner)]
    # What only one provider has a word for is meant where the caller says it, not where a model once did.
    return isinstance(part, _SPOKEN) or (isinstance(part, Opaque) and message.role is not Role.ASSISTANT)


def _chooses_freely(request: ChatRequest) -> bool:
    return request.tool_choice is None or request.tool_choice.mode == "auto"


def _writes_only(request: ChatRequest) -> bool:
    said = dict(request.extra).get("modalities")
    return said is not None and bytes(said).replace(b" ", b"") == b'["text"]'


_EXCEPT: dict[str, Callable[[ChatRequest], bool]] = {
    "tool_choice": _chooses_freely,
    "extra.modalities": _writes_only,
}
"""Where the value that is lost is what happens without it."""
