"""A chat request, as rich as any dialect can say it.

Sequences are tuples and every Struct is frozen, so a request can be shared by all attempts. What we do not know travels
in `extra` as raw JSON and reaches only targets that speak the dialect it came in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Raw, Struct


class CacheMark(Struct, frozen=True, kw_only=True):
    """A prompt-cache breakpoint behind the part that carries it. `ttl` in the provider's words ("5m", "1h"); None is
    its default."""

    ttl: str | None = None


class Source(Struct, frozen=True, kw_only=True):
    """Where a medium's bytes are. Exactly one of `url`, `data` (base64 text) and `file_id` is set."""

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    media_type: str | None = None


class Text(Struct, frozen=True, kw_only=True, tag="text", tag_field="kind"):
    """Plain text. `citations` are kept as the dialect's own JSON: they are only replayed to the family that made
    them."""

    text: str
    cache: CacheMark | None = None
    citations: tuple[Raw, ...] = ()
    signature: str | None = None


class Image(Struct, frozen=True, kw_only=True, tag="image", tag_field="kind"):
    """A picture. `detail` is OpenAI's hint (auto, low, high)."""

    source: Source
    detail: str | None = None
    cache: CacheMark | None = None


class Document(Struct, frozen=True, kw_only=True, tag="document", tag_field="kind"):
    """A PDF or other document; plain-text documents carry `source.data` with media type text/plain, unencoded."""

    source: Source
    name: str | None = None
    context: str | None = None
    citations: bool | None = None
    cache: CacheMark | None = None


class Audio(Struct, frozen=True, kw_only=True, tag="audio", tag_field="kind"):
    """Speech or sound as base64 `data`; `format` is wav, mp3, ..."""

    data: str
    format: str


class ToolCall(Struct, frozen=True, kw_only=True, tag="tool_call", tag_field="kind"):
    """The model asks for a tool. `arguments` is JSON text exactly as the model wrote it ("" means none were written).

    `signature` is an opaque thought signature that `family` wants back with the call (Gemini).
    """

    id: str
    name: str
    arguments: str
    custom: bool = False
    signature: str | None = None
    family: str | None = None
    cache: CacheMark | None = None


class Opaque(Struct, frozen=True, kw_only=True, tag="opaque", tag_field="kind"):
    """A part that only the dialect named `family` has a word for, whole as its JSON.

    E.g. a tool the provider ran itself, and what it found. Every other dialect names it as lost.
    """

    raw: Raw
    family: str


class ToolResult(Struct, frozen=True, kw_only=True, tag="tool_result", tag_field="kind"):
    """What a tool answered: text, images or documents. Never altered by schema lowering."""

    call_id: str
    parts: tuple[Text | Image | Document | Opaque, ...]
    is_error: bool = False
    name: str | None = None
    cache: CacheMark | None = None


class Reasoning(Struct, frozen=True, kw_only=True, tag="reasoning", tag_field="kind"):
    """The model's thinking. `signature` and `redacted` are opaque and valid only for the `family` that made them."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    family: str | None = None
    id: str | None = None


class Refusal(Struct, frozen=True, kw_only=True, tag="refusal", tag_field="kind"):
    """The model's own words of refusal."""

    text: str


Part = Text | Image | Document | Audio | ToolCall | ToolResult | Reasoning | Refusal | Opaque


class Role(StrEnum):
    """Who speaks. `TOOL` messages hold only `ToolResult` parts."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Message(Struct, frozen=True, kw_only=True):
    """One turn. Order of parts is the order they were said in."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(Struct, frozen=True, kw_only=True):
    """A tool the model may call. `parameters` is a JSON Schema as the caller wrote it; None when the tool takes
    nothing.

    `kind` custom is OpenAI's free-form tool; server is a tool the provider itself runs, held whole in `raw`.
    """

    name: str
    description: str | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "server"] = "function"
    raw: Raw | None = None
    cache: CacheMark | None = None


class ToolChoice(Struct, frozen=True, kw_only=True):
    """How free the model is to call tools: auto, none, any of them, or the one that is `named`."""

    mode: Literal["auto", "none", "any", "named"] = "auto"
    name: str | None = None


class OutputFormat(Struct, frozen=True, kw_only=True):
    """What the text must look like: any JSON, or JSON that fits `schema`."""

    mode: Literal["json", "schema"]
    name: str | None = None
    schema: Raw | None = None
    strict: bool | None = None
    description: str | None = None


class Sampling(Struct, frozen=True, kw_only=True):
    """How tokens are drawn. None leaves it to the provider. `max_tokens` bounds the answer, reasoning included.

    `context_tokens` is the window a server is asked to make room for, prompt and answer (Ollama's `num_ctx`).
    """

    max_tokens: int | None = None
    context_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: Raw | None = None
    stop: tuple[str, ...] = ()
    choices: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None

    @property
    def rare(self) -> dict[str, object]:
        """What only some protocols have words for, by name; None is what everybody gets without asking."""
        return {
            "min_p": self.min_p,
            "seed": self.seed,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "repetition_penalty": self.repetition_penalty,
            "logit_bias": self.logit_bias,
            "choices": self.choices if self.choices > 1 else None,
            "context_tokens": self.context_tokens,
            "logprobs": self.logprobs or None,
            "top_logprobs": self.top_logprobs,
        }


class Thinking(Struct, frozen=True, kw_only=True):
    """How much the model should think: by `effort` (none, minimal, low, medium, high, xhigh, max) or by
    `budget_tokens`.

    `summary` asks for a summary of it (auto, concise, detailed); `enabled` False switches it off where that can be
    said.
    """

    effort: str | None = None
    budget_tokens: int | None = None
    summary: str | None = None
    enabled: bool | None = None


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A whole request in no dialect. `model` is the name the caller used."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    sampling: Sampling = Sampling()
    thinking: Thinking | None = None
    stream: bool = False
    include_usage: bool | None = None
    service_tier: str | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, Raw], ...] = ()
