"""Converse and ConverseStream as on the wire: what comes back as Structs; what is sent is built block by block.

A block is an object with one member, named for what it is. Blocks are read as raw JSON first: one of a kind that
nobody has heard of must not fail the answer it stands in. Every event carries a member `p` of random length, skipped.

Source: botocore 1.44.5, `data/bedrock-runtime/2023-09-30/service-2.json`, and recorded traffic.
"""

from __future__ import annotations

from msgspec import Raw, Struct, field
from msgspec.json import Decoder, Encoder

NULL = Raw(b"null")

FAMILY = "bedrock-converse"
"""Whose citations and opaque parts come from a server of this dialect."""

Block = dict[str, object]
"""A content block to be sent; its one member says what it is."""


# Blocks of an answer.


class ToolUse(Struct, frozen=True, rename="camel"):
    """A tool call; `type` server_tool_use is one that the service ran itself. `input` is any JSON, mostly an object."""

    name: str = ""
    tool_use_id: str | None = None
    input: Raw = NULL
    type: str | None = None


class ReasoningText(Struct, frozen=True):
    """Thinking; only some models sign it."""

    text: str = ""
    signature: str | None = None


class Reasoned(Struct, frozen=True, rename="camel"):
    """Thinking, or in base64 what only its maker can read."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class CitedText(Struct, frozen=True):
    """A text that stands on sources."""

    text: str = ""


class Cited(Struct, frozen=True):
    """Text in pieces, and the sources it stands on."""

    content: tuple[CitedText, ...] = ()
    citations: tuple[Raw, ...] = ()


class SaidBlock(Struct, frozen=True, rename="camel"):
    """A block of an answer; of any other kind when nothing is set."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: Reasoned | None = None
    citations_content: Cited | None = None


# Answers.


class CacheDetail(Struct, frozen=True, rename="camel"):
    """What was written to the cache of one duration."""

    ttl: str = ""
    input_tokens: int | None = None


class UsageBody(Struct, frozen=True, rename="camel"):
    """Token counts; `inputTokens` holds no cached ones. The names with `Count` are Nova's own, behind InvokeModel."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_read_input_token_count: int | None = None
    cache_write_input_token_count: int | None = None
    cache_details: tuple[CacheDetail, ...] | None = None


class ModelFields(Struct, frozen=True):
    """Of the fields that were asked for by path only the one that this dialect asks for."""

    stop_sequence: str | None = None


class PromptRouter(Struct, frozen=True, rename="camel"):
    """Which model a prompt router chose."""

    invoked_model_id: str | None = None


class Trace(Struct, frozen=True, rename="camel"):
    """Of what the service tells of its own steps only which model answered."""

    prompt_router: PromptRouter | None = None


class Message(Struct, frozen=True):
    """What the model said."""

    content: tuple[Raw, ...] = ()


class Output(Struct, frozen=True):
    """Where the message stands."""

    message: Message | None = None


class Misread(Struct, frozen=True):
    """AWS's error for a call it does not know, which comes with a 200."""

    type: str | None = field(default=None, name="__type")


class ServiceTier(Struct, frozen=True):
    """In which tier it was served."""

    type: object = None


class ReplyBody(Struct, frozen=True, rename="camel"):
    """An answer that was not streamed."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: Raw = NULL
    additional_model_response_fields: Raw = NULL
    trace: Raw = NULL
    service_tier: ServiceTier | None = None
    misread: Misread | None = field(default=None, name="Output")


# Events of a stream.


class BlockStart(Struct, frozen=True, rename="camel"):
    """A block begins. `start` has one member, named for what the block is."""

    content_block_index: int
    start: dict[str, Raw] = {}


class InputDelta(Struct, frozen=True):
    """More JSON text of a tool call's input."""

    input: str | None = None


class ReasoningDelta(Struct, frozen=True, rename="camel"):
    """More thinking, its signature, or what only its maker can read."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class Delta(Struct, frozen=True, rename="camel"):
    """More of a block; one of these. The last two are of blocks that only this dialect has words for."""

    text: str | None = None
    tool_use: InputDelta | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: Raw = NULL
    tool_result: tuple[Raw, ...] | None = None
    image: Raw = NULL


class BlockDelta(Struct, frozen=True, rename="camel"):
    """More of a block."""

    content_block_index: int
    delta: Delta


class BlockStop(Struct, frozen=True, rename="camel"):
    """A block is whole."""

    content_block_index: int


class MessageStop(Struct, frozen=True, rename="camel"):
    """Why the model stopped."""

    stop_reason: str
    additional_model_response_fields: Raw = NULL


class Metadata(Struct, frozen=True, rename="camel"):
    """What it used; the last event of a stream."""

    usage: Raw = NULL
    service_tier: ServiceTier | None = None


# Errors.


class ErrorBody(Struct, frozen=True):
    """An error: with the HTTP status it is the header that names it, seldom `__type`."""

    message: str | None = None
    Message: str | None = None
    type: str | None = field(default=None, name="__type")
    originalMessage: str | None = None
    originalStatusCode: int | None = None


SAID_BLOCK = Decoder(SaidBlock)
TOOL_USE = Decoder(ToolUse)
USAGE = Decoder(UsageBody)
MODEL_FIELDS = Decoder(ModelFields)
TRACE = Decoder(Trace)
REPLY = Decoder(ReplyBody)
BLOCK_START = Decoder(BlockStart)
BLOCK_DELTA = Decoder(BlockDelta)
BLOCK_STOP = Decoder(BlockStop)
MESSAGE_STOP = Decoder(MessageStop)
METADATA = Decoder(Metadata)
ERROR = Decoder(ErrorBody)
OBJECT = Decoder(dict[str, Raw])
ENCODER = Encoder()
