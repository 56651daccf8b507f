"""Anthropic's Messages API exactly as on the wire, as wide as the servers that imitate it make it.

Blocks are read in two steps, their `type` first: a type nobody has heard of must not fail the message it stands in.
Unknown fields are skipped. Names are the wire's, so they are not explained here.

Source: https://platform.claude.com/docs/en/api/messages, read 2026-11, and anthropic-sdk-python 0.121.0, `types/`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder, Encoder

NULL = Raw(b"null")


class Typed(Struct, frozen=True):
    """Of a block, a delta or an event only what it is."""

    type: str


# Blocks.


class CacheControl(Struct, frozen=True):
    """`type` is always ephemeral."""

    ttl: str | None = None


class TextBlock(Struct, frozen=True, kw_only=True):
    """Text, of any role; `citations` in an answer."""

    text: str
    citations: tuple[Raw, ...] | None = None
    cache_control: CacheControl | None = None


class MediaSource(Struct, frozen=True, kw_only=True):
    """`type` is base64, url, file, text or content; each has a member of its own."""

    type: str
    data: str | None = None
    media_type: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | tuple[Raw, ...] | None = None


class CitationsConfig(Struct, frozen=True):
    """Whether a document is to be cited."""

    enabled: bool | None = None


class ImageBlock(Struct, frozen=True, kw_only=True):
    """A picture."""

    source: MediaSource
    cache_control: CacheControl | None = None


class DocumentBlock(Struct, frozen=True, kw_only=True):
    """A document."""

    source: MediaSource
    title: str | None = None
    context: str | None = None
    citations: CitationsConfig | None = None
    cache_control: CacheControl | None = None


class SearchResultBlock(Struct, frozen=True, kw_only=True):
    """What the caller's own search found."""

    source: str
    title: str
    content: tuple[TextBlock, ...]
    citations: CitationsConfig | None = None
    cache_control: CacheControl | None = None


class ToolUseBlock(Struct, frozen=True, kw_only=True):
    """A tool call. `input` is an object; facades leave out the id."""

    name: str
    id: str | None = None
    input: Raw = NULL
    cache_control: CacheControl | None = None


class ToolResultBlock(Struct, frozen=True, kw_only=True):
    """What a tool answered."""

    tool_use_id: str
    content: str | tuple[Raw, ...] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, frozen=True, kw_only=True):
    """Thinking; empty text with a signature is thinking that is not shown."""

    thinking: str
    signature: str | None = None


class BegunBlock(Struct, frozen=True, kw_only=True):
    """Text or thinking as a stream begins it: with nothing yet, for which some servers say null."""

    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citations: tuple[Raw, ...] | None = None


class RedactedBlock(Struct, frozen=True, kw_only=True):
    """Thinking that only its maker can read."""

    data: str


# Answers.


class CacheCreation(Struct, frozen=True):
    """What was written to which cache."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(Struct, frozen=True):
    """What of the answer was thinking."""

    thinking_tokens: int | None = None


class Iteration(Struct, frozen=True):
    """One of the rounds behind an answer, with counts of its own."""

    type: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None


class UsageBody(Struct, frozen=True):
    """Token counts; `input_tokens` holds no cached ones."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    service_tier: object = None
    iterations: tuple[Iteration, ...] | None = None


class MessageBody(Struct, frozen=True):
    """An answer; in `message_start` without content yet."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: tuple[Raw, ...] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Raw = NULL
    error: Raw = NULL


class DeltaBody(Struct, frozen=True):
    """What a delta adds, of every type of delta, `message_delta` included."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Raw = NULL
    content: Raw = NULL
    encrypted_content: Raw = NULL
    stop_reason: str | None = None
    stop_sequence: str | None = None


class StreamEvent(Struct, frozen=True):
    """One event of a stream, of every type."""

    type: str | None = None
    index: int | None = None
    message: MessageBody | None = None
    content_block: Raw = NULL
    delta: DeltaBody | None = None
    usage: Raw = NULL
    error: Raw = NULL


# Requests.


class WireMessage(Struct, frozen=True, kw_only=True):
    """One turn; `role` is user, assistant, or on newer models system."""

    role: str
    content: str | tuple[Raw, ...]


class ToolDef(Struct, frozen=True, kw_only=True):
    """A tool on offer; a `type` other than custom is one that Anthropic defines or runs."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: Raw = NULL
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceBody(Struct, frozen=True, kw_only=True):
    """`type` is auto, any, none or tool."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingBody(Struct, frozen=True, kw_only=True):
    """`type` is adaptive, enabled, disabled or between_tools."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None
    block_binding: Raw = NULL


class FormatBody(Struct, frozen=True, kw_only=True):
    """`type` is json_schema."""

    type: str
    schema: Raw = NULL


class OutputConfig(Struct, frozen=True, kw_only=True):
    """What the text must look like, and how hard to try."""

    effort: str | None = None
    format: FormatBody | None = None


class RequestBody(Struct, frozen=True, kw_only=True):
    """A request. What is not listed here is unknown to canon and travels in `extra`."""

    model: str
    messages: tuple[WireMessage, ...]
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    system: str | tuple[Raw, ...] | None = None
    tools: tuple[Raw, ...] | None = None
    tool_choice: ToolChoiceBody | None = None
    thinking: ThinkingBody | None = None
    output_config: OutputConfig | None = None
    output_format: FormatBody | None = None
    stop_sequences: tuple[str, ...] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: dict[str, Raw] | None = None
    service_tier: str | None = None
    stream: bool | None = None


class CountBody(Struct, frozen=True, kw_only=True):
    """The answer to count_tokens."""

    input_tokens: Annotated[int, Meta(ge=0)]


class ErrorInside(Struct, frozen=True):
    """What stands inside Anthropic's error object."""

    type: str
    message: str = ""


class ErrorBody(Struct, frozen=True):
    """Anthropic's error object."""

    error: ErrorInside


TYPED = Decoder(Typed)
TEXT_BLOCK = Decoder(TextBlock)
IMAGE_BLOCK = Decoder(ImageBlock)
DOCUMENT_BLOCK = Decoder(DocumentBlock)
SEARCH_RESULT_BLOCK = Decoder(SearchResultBlock)
TOOL_USE_BLOCK = Decoder(ToolUseBlock)
TOOL_RESULT_BLOCK = Decoder(ToolResultBlock)
THINKING_BLOCK = Decoder(ThinkingBlock)
BEGUN_BLOCK = Decoder(BegunBlock)
REDACTED_BLOCK = Decoder(RedactedBlock)
USAGE = Decoder(UsageBody)
MESSAGE = Decoder(MessageBody)
EVENT = Decoder(StreamEvent)
REQUEST = Decoder(RequestBody)
TOOL = Decoder(ToolDef)
MAX_TOKENS = Decoder(Annotated[int, Meta(ge=0)])
COUNT = Decoder(CountBody)
ERROR = Decoder(ErrorBody)
OBJECT = Decoder(dict[str, Raw])
ENCODER = Encoder()
