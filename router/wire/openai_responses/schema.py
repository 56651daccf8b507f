"""OpenAI's Responses exactly as on the wire, as wide as the servers that imitate it make it.

What a server says is read leniently: an event that cannot be read is left out, and the last one must never be. What a
client says is read strictly, so that a mistake is named. Unknown fields are skipped. Names are the wire's, so they are
not explained here.

Source: https://platform.openai.com/docs/api-reference/responses, read 2026-10, and recorded traffic of eight providers.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.members import NULL, Unchecked
from router.wire.tokens import CompletionDetails, CostDetails, PromptDetails

# What a model says: items of an answer, whole or on the way.


class SaidPart(Struct, frozen=True):
    """A part of a message (`output_text`, `refusal`) or of thinking (`summary_text`, `reasoning_text`)."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: tuple[Raw, ...] | None = None
    logprobs: Raw = NULL


class SaidItem(Struct, frozen=True):
    """An item of an answer. What differs between the kinds of items is `Raw`, so that none can spoil an event."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Raw = NULL
    input: Raw = NULL
    content: Raw = NULL
    summary: Raw = NULL
    encrypted_content: str | None = None


class IncompleteDetails(Struct, frozen=True):
    """Why an answer is not whole."""

    reason: str | None = None


class ResponseBody(Struct, frozen=True):
    """An answer, whole or as its stream's first and last events carry it."""

    id: str | None = None
    object: str | None = None
    created_at: float | None = None
    model: str | None = None
    status: str | None = None
    output: tuple[Raw, ...] | None = None
    tools: Raw = NULL
    incomplete_details: IncompleteDetails | None = None
    usage: Raw = NULL
    error: Raw = NULL
    service_tier: Unchecked = None


class StreamEvent(Struct, frozen=True):
    """Any event of a stream: which members it has depends on its type."""

    type: str | None = None
    output_index: int | None = None
    summary_index: int | None = None
    content_index: int | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    name: str | None = None
    arguments: Raw = NULL
    input: Raw = NULL
    logprobs: Raw = NULL
    annotation: Raw = NULL
    item: Raw = NULL
    response: ResponseBody | None = None
    error: Raw = NULL


class Numbered(Struct, frozen=True):
    """The number of an event."""

    sequence_number: int | None = None


class EchoedTool(Struct, frozen=True):
    """A tool the caller offered, as an answer repeats it."""

    type: str | None = None
    name: str | None = None


class UsageBody(Struct, frozen=True):
    """Token counts; the money is OpenRouter's and xAI's."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None
    cost: Raw = NULL
    is_byok: bool | None = None
    cost_details: CostDetails | None = None
    cost_in_usd_ticks: int | None = None


# Requests: parts of messages and of tools' answers.


class InputText(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    """What somebody says to the model."""

    text: str
    prompt_cache_breakpoint: Raw = NULL


class OutputText(Struct, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    """What the model said before."""

    text: str
    annotations: tuple[Raw, ...] | None = None


class BareText(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Text as clients of other protocols write it."""

    text: str


class RefusalPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="refusal"):
    """A refusal the model gave before."""

    refusal: str


class InputImage(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_image"):
    """A picture: `image_url` may be a data URL."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: Raw = NULL


class InputFile(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_file"):
    """A document: `file_data` is a data URL."""

    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    prompt_cache_breakpoint: Raw = NULL


class AudioData(Struct, frozen=True, kw_only=True):
    """`data` is base64."""

    data: str
    format: str


class InputAudio(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: AudioData


InputPart = InputText | OutputText | BareText | RefusalPart | InputImage | InputFile | InputAudio
Content = str | tuple[InputPart, ...]


# Requests: items.


class ItemKind(Struct, frozen=True):
    """What kind of item this is; a message need not say."""

    type: str | None = None


class ItemAside(Struct, frozen=True, kw_only=True):
    """What of an item no other protocol has a word for: where in the work a message stands, whose function it is."""

    phase: Raw = NULL
    namespace: Raw = NULL


class MessageItem(Struct, frozen=True, kw_only=True):
    """A message by anybody."""

    role: str
    content: Content


class FunctionCall(Struct, frozen=True, kw_only=True):
    """A function the model called before."""

    call_id: str
    name: str
    arguments: str = ""


class CustomCall(Struct, frozen=True, kw_only=True):
    """A free-form tool the model called before."""

    call_id: str
    name: str
    input: str = ""


class CallOutput(Struct, frozen=True, kw_only=True):
    """What a tool answered."""

    call_id: str
    output: Content


class ThoughtPart(Struct, frozen=True, kw_only=True):
    """A piece of thinking; `type` is summary_text or reasoning_text."""

    text: str
    type: str | None = None


class ReasoningItem(Struct, frozen=True, kw_only=True):
    """What the model thought before, readable or sealed."""

    id: str | None = None
    summary: tuple[ThoughtPart, ...] | None = None
    content: tuple[ThoughtPart, ...] | None = None
    encrypted_content: str | None = None


# Requests: what surrounds the items.


class ToolDef(Struct, frozen=True, kw_only=True):
    """A tool on offer; types other than `function` and `custom` are the provider's own."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None


class AllowedTool(Struct, frozen=True, kw_only=True):
    """An entry of `allowed_tools`."""

    type: str
    name: str | None = None


class ToolChoiceBody(Struct, frozen=True, kw_only=True):
    """The object forms of `tool_choice`."""

    type: str
    name: str | None = None
    mode: str | None = None
    tools: tuple[AllowedTool, ...] | None = None


class TextFormat(Struct, frozen=True, kw_only=True):
    """`type` is text, json_object or json_schema; the schema's members stand beside it."""

    type: str
    name: str | None = None
    schema: Raw = NULL
    strict: bool | None = None
    description: str | None = None


class TextOptions(Struct, frozen=True, kw_only=True):
    """What the text must look like."""

    format: TextFormat | None = None
    verbosity: Raw = NULL


class ReasoningOptions(Struct, frozen=True, kw_only=True):
    """How much to think, and what to tell of it; `generate_summary` is the old name."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class RequestBody(Struct, frozen=True, kw_only=True):
    """A request. What is not listed here is unknown to canon and travels in `extra`."""

    model: str
    input: str | tuple[Raw, ...]
    instructions: str | None = None
    tools: tuple[Raw, ...] | None = None
    tool_choice: str | ToolChoiceBody | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: tuple[str, ...] | None = None
    stream: bool | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, str] | None = None


class Placed(Struct, frozen=True):
    """Of an event what says where an answer stands: which item and part it is about, and these whole."""

    type: str = ""
    output_index: int = 0
    content_index: int = 0
    item: Raw = NULL
    part: Raw = NULL
    response: SaidItem | None = None


EVENT = Decoder(StreamEvent)
PLACED = Decoder(Placed)
ITEM = Decoder(SaidItem)
REPLY = Decoder(ResponseBody)
NUMBERED = Decoder(Numbered)
SAID_PARTS = Decoder(tuple[SaidPart, ...])
ECHOED_TOOLS = Decoder(tuple[EchoedTool, ...])
USAGE = Decoder(UsageBody)
REQUEST = Decoder(RequestBody)
KIND = Decoder(ItemKind)
KINDS = Decoder(list[ItemKind])
ASIDES = Decoder(list[ItemAside])
MESSAGE = Decoder(MessageItem)
FUNCTION_CALL = Decoder(FunctionCall)
CUSTOM_CALL = Decoder(CustomCall)
CALL_OUTPUT = Decoder(CallOutput)
REASONING = Decoder(ReasoningItem)
TOOL = Decoder(ToolDef)
STATE = Decoder(str | None)
