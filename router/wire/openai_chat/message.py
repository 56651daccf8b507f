"""Turns of a conversation between OpenAI's messages and canon's.

Three things differ. A tool's answer is a message here and a part there. A tool's answer can hold only text here, so
its pictures and documents follow in a user message once all tools have answered. Thinking is no part of OpenAI's
protocol; it travels in the fields that DeepSeek and OpenRouter made common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw

from router.canon.request import (
    Audio,
    CacheMark,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from router.errors import Refused
from router.wire.media import source_at, url_of
from router.wire.openai_chat.schema import (
    NULL,
    AssistantMessage,
    AudioData,
    AudioPart,
    Content,
    ContentPart,
    DeveloperMessage,
    ExtraContent,
    FilePart,
    FileRef,
    FunctionMessage,
    FunctionSaid,
    GoogleExtra,
    ImagePart,
    ImageUrl,
    MarkedPart,
    ReasoningDetail,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    ToolSaid,
    UserMessage,
    WireMessage,
)
from router.wire.results import in_words
from router.wire.signatures import unpack_id

FAMILY = "openai-chat"
"""Whose thinking and citations come from a server of this dialect."""

GOOGLE = "gemini"
"""Whose thought signatures travel in `extra_content.google`. To callers everybody's travel in the id of the call."""


def decode_messages(messages: Iterable[WireMessage]) -> tuple[Message, ...]:
    """Wire -> canon, one for one. Raises `Refused` for what no other dialect could be told."""
    said = []
    calls: dict[str, str] = {}
    for place, message in enumerate(messages):
        match message:
            case SystemMessage() | DeveloperMessage() | UserMessage():
                role = Role(str(message.__struct_config__.tag))
                said.append(Message(role=role, parts=_parts(message.content), name=message.name))
            case AssistantMessage():
                parts = _assistant_parts(message, place)
                calls.update({part.name: part.id for part in parts if isinstance(part, ToolCall)})
                said.append(Message(role=Role.ASSISTANT, parts=parts, name=message.name))
            case ToolMessage():
                said.append(_tool_message(message.tool_call_id, message.content, message.name, place))
            case FunctionMessage():
                call_id = calls.get(message.name, message.name)
                said.append(_tool_message(call_id, message.content, message.name, place))
    return tuple(said)


def arguments_text(function: FunctionSaid) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    arguments = function.arguments
    return msgspec.json.encode(arguments).decode() if isinstance(arguments, dict) else arguments or ""


def decode_details(details: Iterable[ReasoningDetail]) -> tuple[Reasoning, ...]:
    """OpenRouter's thinking items; pieces of one text that a client kept apart are put together again."""
    blocks: list[Reasoning] = []
    last: ReasoningDetail | None = None
    for detail in details:
        block = Reasoning(
            text=detail.text or "",
            signature=detail.signature,
            redacted=detail.data,
            family=detail.format,
            id=detail.id,
        )
        same = last is not None and detail.data is None and last.data is None and detail.index == last.index
        if same and detail.index is not None and blocks[-1].signature is None:
            block = msgspec.structs.replace(block, text=blocks[-1].text + block.text)
            blocks.pop()
        blocks.append(block)
        last = detail
    return tuple(blocks)


def encode_detail(thought: Reasoning, index: int) -> ReasoningDetail:
    """Sealed thinking in OpenRouter's form, so that a client that sends it back keeps a tool loop alive."""
    if thought.redacted is not None:
        return ReasoningDetail(
            type="reasoning.encrypted", data=thought.redacted, format=thought.family, id=thought.id, index=index
        )
    return ReasoningDetail(
        type="reasoning.text",
        text=thought.text,
        signature=thought.signature,
        format=thought.family,
        id=thought.id,
        index=index,
    )


def _assistant_parts(message: AssistantMessage, place: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    if message.reasoning_details:
        parts += decode_details(message.reasoning_details)
    elif thought := message.reasoning_content or message.reasoning:
        parts.append(Reasoning(text=thought, family=FAMILY))
    if message.content != "":
        parts += _cited(_parts(message.content), message.annotations or ())
    if message.audio != NULL:
        parts.append(Opaque(raw=message.audio, family=FAMILY))
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    for number, call in enumerate(message.tool_calls or ()):
        parts.append(_tool_call(call, f"call_{place}_{number}"))
    if message.function_call is not None:
        call = ToolSaid(function=message.function_call)
        parts.append(_tool_call(call, f"call_{place}"))
    return tuple(parts)


def _cited(parts: tuple[Part, ...], sources: tuple[Raw, ...]) -> tuple[Part, ...]:
    """The parts with what their text stands on, at its end."""
    if not sources or not parts or not isinstance(parts[-1], Text):
        return parts
    return (*parts[:-1], msgspec.structs.replace(parts[-1], citations=sources))


def _tool_call(call: ToolSaid, made_up_id: str) -> ToolCall:
    """A call from the history; the old form has no id, so its place in the conversation makes one.

    Its signature is in its id, which every client sends back, or in a field that few do.
    """
    held = unpack_id(call.id or made_up_id)
    if call.custom is not None and call.type == "custom":
        return ToolCall(id=held.id, name=call.custom.name or "", arguments=call.custom.input or "", custom=True)
    google = call.extra_content.google if call.extra_content else None
    signature = held.signature or (google.thought_signature if google else None)
    function = call.function or FunctionSaid()
    return ToolCall(
        id=held.id,
        name=function.name or "",
        arguments=arguments_text(function),
        signature=signature,
        family=held.family or (GOOGLE if signature else None),
    )


def _tool_message(call_id: str, content: Content, name: str | None, place: int) -> Message:
    parts = []
    for part in _parts(content):
        if not isinstance(part, Text | Image | Document):
            raise Refused("a tool's answer holds text, images or files", param=f"messages[{place}].content")
        parts.append(part)
    result = ToolResult(call_id=unpack_id(call_id).id, parts=tuple(parts), name=name)
    return Message(role=Role.TOOL, parts=(result,))


def _parts(content: Content) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(part) for part in content)


def _part(part: ContentPart) -> Part:
    match part:
        case TextPart():
            return Text(text=part.text, cache=_mark(part))
        case RefusalPart():
            return Refusal(text=part.refusal)
        case ImagePart():
            image = part.image_url if isinstance(part.image_url, ImageUrl) else ImageUrl(url=part.image_url)
            return Image(source=source_at(image.url), detail=image.detail, cache=_mark(part))
        case FilePart():
            file = part.file
            source = Source(file_id=file.file_id) if file.file_id else source_at(file.file_data or "")
            return Document(source=source, name=file.filename, cache=_mark(part))
        case AudioPart():
            return Audio(data=part.input_audio.data, format=part.input_audio.format)


def _mark(part: MarkedPart) -> CacheMark | None:
    if part.cache_control is not None:
        return CacheMark(ttl=part.cache_control.ttl)
    return CacheMark() if part.prompt_cache_breakpoint != NULL else None


class MessageWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon.

    Args:
        formats: whose sealed thinking the server takes back as items.
    """

    def __init__(self, formats: frozenset[str] = frozenset()) -> None:
        self._formats = formats
        self.lost: list[str] = []
        self._media: list[object] = []

    def write(self, messages: Iterable[Message]) -> list[object]:
        """The messages in order; media out of tools' answers follow the last of those answers."""
        written: list[object] = []
        for place, message in enumerate(messages):
            path = f"messages[{place}]"
            results = [
                self._result(part, f"{path}.parts[{number}]")
                for number, part in enumerate(message.parts)
                if isinstance(part, ToolResult)
            ]
            written += results
            if len(results) < len(message.parts) or not message.parts:
                written += self._flushed()
                written.append(self._turn(message, path))
        return written + self._flushed()

    def _flushed(self) -> list[object]:
        media, self._media = self._media, []
        return [{"role": "user", "content": media}] if media else []

    def _result(self, result: ToolResult, path: str) -> object:
        self._lose(path, is_error=result.is_error, cache=result.cache)
        texts: list[object] = []
        for place, part in enumerate(in_words(result).parts):
            encoded = self._content(part, f"{path}.parts[{place}]")
            if encoded is not None:
                (texts if isinstance(encoded, TextPart) else self._media).append(encoded)
        return {"role": "tool", "tool_call_id": result.call_id, "content": _folded(texts, "")}

    def _turn(self, message: Message, path: str) -> object:
        content: list[object] = []
        thoughts: list[Reasoning] = []
        calls: list[object] = []
        for place, part in enumerate(message.parts):
            here = f"{path}.parts[{place}]"
            match part:
                case ToolResult():
                    continue
                case ToolCall():
                    calls.append(self._call(part, here))
                case Reasoning():
                    thoughts += self._thought(part, here)
                case _:
                    encoded = self._content(part, here)
                    content += [] if encoded is None else [encoded]
        # Null content is for an answer that is all tool calls; elsewhere servers refuse it.
        nothing = None if calls else ""
        turn: dict[str, object] = {"role": message.role, "content": _folded(content, nothing)}
        if message.name is not None:
            turn["name"] = message.name
        turn |= self._thinking(thoughts)
        if calls:
            turn["tool_calls"] = calls
        return turn

    def _thinking(self, thoughts: list[Reasoning]) -> dict[str, object]:
        """Thinking in the members it goes back in: as text, or as the items that the server sealed."""
        sealed = [thought for thought in thoughts if thought.family in self._formats]
        text = "".join(thought.text for thought in thoughts if thought.family not in self._formats)
        said: dict[str, object] = {"reasoning_content": text} if text else {}
        if sealed:
            said["reasoning_details"] = [encode_detail(thought, place) for place, thought in enumerate(sealed)]
        return said

    def _thought(self, part: Reasoning, path: str) -> list[Reasoning]:
        """Thinking goes back only to a server of this dialect: others' means nothing here and may be refused."""
        if part.family in self._formats:
            return [part]
        if part.family not in (None, FAMILY) or not part.text:
            self.lost.append(path)
            return []
        self._lose(path, signature=part.signature, redacted=part.redacted)
        return [part]

    def _call(self, part: ToolCall, path: str) -> object:
        self._lose(path, cache=part.cache)
        call = encode_call(part)
        if part.signature is not None and part.family != GOOGLE:
            self.lost.append(f"{path}.signature")
        return call

    def _content(self, part: Part, path: str) -> ContentPart | None:
        """One part in OpenAI's words, or None, named as lost."""
        match part:
            case Text():
                self._lose(path, cache=part.cache, citations=part.citations, signature=part.signature)
                return TextPart(text=part.text)
            case Refusal():
                return RefusalPart(refusal=part.text)
            case Image() if part.source.file_id is None:
                self._lose(path, cache=part.cache)
                return ImagePart(image_url=ImageUrl(url=url_of(part.source, "image/png"), detail=part.detail))
            case Document():
                return self._document(part, path)
            case Audio():
                return AudioPart(input_audio=AudioData(data=part.data, format=part.format))
        self.lost.append(path)
        return None

    def _document(self, part: Document, path: str) -> ContentPart | None:
        source = part.source
        self._lose(path, cache=part.cache, context=part.context, citations=part.citations)
        if source.file_id is not None:
            return FilePart(file=FileRef(file_id=source.file_id, filename=part.name))
        if source.data is None:
            self.lost.append(path)
            return None
        if source.media_type == "text/plain":
            self._lose(path, name=part.name)
            return TextPart(text=source.data)
        name = part.name or "document.pdf"
        return FilePart(file=FileRef(filename=name, file_data=url_of(source, "application/pdf")))

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self.lost += [f"{path}.{name}" for name, value in members.items() if value]


def encode_call(part: ToolCall) -> dict[str, object]:
    """A whole tool call; a function called without arguments gets the empty object that clients parse."""
    if part.custom:
        return {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    function = {"name": part.name, "arguments": part.arguments or "{}"}
    call: dict[str, object] = {"id": part.id, "type": "function", "function": function}
    if part.signature is not None and part.family == GOOGLE:
        call["extra_content"] = ExtraContent(google=GoogleExtra(thought_signature=part.signature))
    return call


def _folded(content: list[object], nothing: str | None) -> object:
    """Content as every server reads it: a string for a single text, a list for more, `nothing` for none."""
    if not content:
        return nothing
    first = content[0]
    return first.text if len(content) == 1 and isinstance(first, TextPart) else content


def texts(parts: Iterable[object]) -> Iterator[str]:
    """The texts among an answer's parts, in order."""
    return (part.text for part in parts if isinstance(part, Text))
