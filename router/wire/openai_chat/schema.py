"""OpenAI's chat completions exactly as on the wire, as wide as the servers that imitate it make it.

Everything is optional that some server leaves out, and fields whose type differs between servers are `Raw` or a union.
Unknown fields are skipped. Names are the wire's, so they are not explained here.

Source: https://platform.openai.com/docs/api-reference/chat, read 2026-10, and recorded traffic of two dozen providers.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder, Encoder

from router.wire.members import Unchecked
from router.wire.tokens import TokenCounts

NULL = Raw(b"null")


# What a model says: parts of an answer, whole or as deltas.


class SaidPart(Struct, frozen=True):
    """A part of an answer where a server sends a list (Mistral): `text`, or `thinking` with parts of its own."""

    type: str = "text"
    text: str | None = None
    thinking: tuple[SaidPart, ...] | str | None = None


class FunctionSaid(Struct, frozen=True):
    """Some servers send `arguments` as an object instead of JSON text."""

    name: str | None = None
    arguments: str | dict[str, object] | None = None


class CustomSaid(Struct, frozen=True):
    """A call of a free-form tool."""

    name: str | None = None
    input: str | None = None


class GoogleExtra(Struct, frozen=True, omit_defaults=True):
    """Where Google's own compatible endpoint carries thought signatures."""

    thought_signature: str | None = None


class ExtraContent(Struct, frozen=True, omit_defaults=True):
    """Fields of other vendors on a tool call."""

    google: GoogleExtra | None = None


class ToolSaid(Struct, frozen=True):
    """A tool call or a piece of one; which is missing depends on the server."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionSaid | None = None
    custom: CustomSaid | None = None
    extra_content: ExtraContent | None = None


class ReasoningDetail(Struct, frozen=True, omit_defaults=True):
    """OpenRouter's form of thinking that must come back unchanged: `reasoning.text` or `reasoning.encrypted`."""

    type: str
    text: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None
    id: str | None = None
    index: int | None = None


class Said(Struct, frozen=True):
    """A message or a delta of an answer."""

    role: str | None = None
    content: str | tuple[SaidPart, ...] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: tuple[ReasoningDetail, ...] | None = None
    tool_calls: tuple[ToolSaid, ...] | None = None
    function_call: FunctionSaid | None = None
    annotations: tuple[Raw, ...] | None = None


# Answers.


class ChunkChoice(Struct, frozen=True):
    """`stop_reason` is vLLM's and `matched_stop` SGLang's stop sequence: text, or a token's number."""

    index: int | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: Raw = NULL
    error: Raw = NULL
    stop_reason: object = None
    matched_stop: object = None


class GroqExtra(Struct, frozen=True):
    """Groq's account of a stream, in a place of its own."""

    usage: Raw = NULL
    error: Raw = NULL


class Chunk(Struct, frozen=True):
    """One event of a stream. Azure's first one is blank, with id and model empty."""

    id: str | None = None
    object: str | None = None
    created: float | None = None
    model: str | None = None
    choices: tuple[ChunkChoice, ...] | None = None
    usage: Raw = NULL
    error: Raw = NULL
    x_groq: GroqExtra | None = None
    service_tier: Unchecked = None
    system_fingerprint: Unchecked = None


class ReplyChoice(Struct, frozen=True):
    """One choice of an answer that was not streamed."""

    message: Said
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Raw = NULL
    error: Raw = NULL
    stop_reason: object = None
    matched_stop: object = None


class ReplyBody(Struct, frozen=True):
    """An answer that was not streamed."""

    id: str | None = None
    object: str | None = None
    created: float | None = None
    model: str | None = None
    choices: tuple[ReplyChoice, ...] | None = None
    usage: Raw = NULL
    error: Raw = NULL
    success: bool | None = None
    service_tier: Unchecked = None
    system_fingerprint: Unchecked = None


# Requests.


class CacheControl(Struct, frozen=True):
    """Anthropic's cache mark as OpenRouter takes it."""

    ttl: str | None = None


class MarkedPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A content part that may end a cached prefix."""

    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: Raw = NULL


class TextPart(MarkedPart, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Text."""

    text: str


class RefusalPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="refusal"):
    """A refusal the model gave before."""

    refusal: str


class ImageUrl(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`url` may be a data URL."""

    url: str
    detail: str | None = None


class ImagePart(MarkedPart, frozen=True, kw_only=True, tag_field="type", tag="image_url"):
    """A picture; Mistral's clients send the URL bare."""

    image_url: ImageUrl | str


class FileRef(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`file_data` is a data URL, or at OpenRouter a plain URL."""

    file_id: str | None = None
    filename: str | None = None
    file_data: str | None = None


class FilePart(MarkedPart, frozen=True, kw_only=True, tag_field="type", tag="file"):
    """A document."""

    file: FileRef


class AudioData(Struct, frozen=True, kw_only=True):
    """`data` is base64."""

    data: str
    format: str


class AudioPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: AudioData


ContentPart = TextPart | RefusalPart | ImagePart | FilePart | AudioPart
Content = str | tuple[ContentPart, ...] | None


class SystemMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="system"):
    """The operator's instructions."""

    content: Content
    name: str | None = None


class DeveloperMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="developer"):
    """The same, to reasoning models."""

    content: Content
    name: str | None = None


class UserMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="user"):
    """What the user says."""

    content: Content
    name: str | None = None


class AssistantMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="assistant"):
    """An earlier answer, as clients send it back."""

    content: Content = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: tuple[ReasoningDetail, ...] | None = None
    tool_calls: tuple[ToolSaid, ...] | None = None
    function_call: FunctionSaid | None = None
    annotations: tuple[Raw, ...] | None = None
    audio: Raw = NULL


class ToolMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="tool"):
    """What a tool answered."""

    tool_call_id: str
    content: Content
    name: str | None = None


class FunctionMessage(Struct, frozen=True, kw_only=True, tag_field="role", tag="function"):
    """What a function answered, before tools had ids."""

    name: str
    content: Content = None


WireMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class FunctionDef(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None


class CustomDef(Struct, frozen=True, kw_only=True):
    """A free-form tool; its `format` is read from the whole only by who speaks it."""

    name: str
    description: str | None = None


class ToolDef(Struct, frozen=True, kw_only=True):
    """A tool on offer; types other than `function` and `custom` are the provider's own."""

    type: str
    function: FunctionDef | None = None
    custom: CustomDef | None = None


class Named(Struct, frozen=True, kw_only=True):
    """A tool by name."""

    name: str


class AllowedTools(Struct, frozen=True, kw_only=True):
    """The tools of the list the model may use now."""

    mode: str
    tools: tuple[ToolChoiceBody, ...]


class ToolChoiceBody(Struct, frozen=True, kw_only=True):
    """The object forms of `tool_choice`, and the entries of `allowed_tools`."""

    type: str
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schema the answer must fit."""

    name: str
    schema: Raw = NULL
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """`type` is text, json_object or json_schema."""

    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(Struct, frozen=True, kw_only=True):
    """Of the stream options only what the gateway must know."""

    include_usage: bool | None = None


class RequestBody(Struct, frozen=True, kw_only=True):
    """A request. What is not listed here is unknown to canon and travels in `extra`."""

    model: str
    messages: tuple[WireMessage, ...]
    tools: tuple[Raw, ...] | None = None
    tool_choice: str | ToolChoiceBody | None = None
    functions: tuple[FunctionDef, ...] | None = None
    function_call: str | Named | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    num_ctx: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: Raw = NULL
    stop: str | tuple[str, ...] | None = None
    n: Annotated[int, Meta(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, str] | None = None


CHUNK = Decoder(Chunk)
REPLY = Decoder(ReplyBody)
USAGE = Decoder(TokenCounts)
REQUEST = Decoder(RequestBody)
TOOL = Decoder(ToolDef)
STREAM_OPTIONS = Decoder(StreamOptions | None)
ENCODER = Encoder()
