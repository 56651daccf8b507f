"""A conversation between the Responses API's items and canon's messages.

Here what a model said in one turn is several items: thinking, messages and calls, each by itself. In canon it is one
message, since other protocols want it so. A tool's answer is an item here and a part there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
from router.wire.members import NULL, read_member
from router.wire.openai_responses.schema import (
    CALL_OUTPUT,
    CUSTOM_CALL,
    FUNCTION_CALL,
    KIND,
    MESSAGE,
    REASONING,
    BareText,
    Content,
    InputAudio,
    InputFile,
    InputImage,
    InputPart,
    InputText,
    OutputText,
    RefusalPart,
)
from router.wire.openai_responses.thought import BREAK, FAMILY, seal, unseal
from router.wire.results import in_words
from router.wire.signatures import pack_id, unpack_id

_Item = dict[str, object] | Raw
_Placed = tuple[str, _Item]

_THOUGHT: _Item = {"type": "reasoning"}

_ROLES = {role.value: role for role in (Role.SYSTEM, Role.DEVELOPER, Role.USER, Role.ASSISTANT)}


_ANSWERS = ("_output", "_response")
"""How the names of items end that say what came of something the model asked for."""


def decode_input(said: str | Iterable[Raw]) -> tuple[Message, ...]:
    """The messages; items that only this protocol has a word for are `Opaque` parts.

    Raises:
        Refused: an item that cannot be read, or that points to something stored elsewhere.
    """
    if isinstance(said, str):
        return (Message(role=Role.USER, parts=(Text(text=said),)),)
    messages: list[Message] = []
    for place, raw in enumerate(said):
        path = f"input[{place}]"
        kind = read_member(KIND, raw, path).type or "message"
        message = _READERS[kind](raw, path) if kind in _READERS else _opaque(raw, kind)
        if message.role is Role.ASSISTANT and messages and messages[-1].role is Role.ASSISTANT:
            message = Message(role=Role.ASSISTANT, parts=messages.pop().parts + message.parts)
        messages.append(message)
    return tuple(messages)


def _message(raw: Raw, path: str) -> Message:
    item = read_member(MESSAGE, raw, path)
    role = _ROLES.get(item.role)
    if role is None:
        raise Refused(f"`{path}.role` must be one of {', '.join(_ROLES)}", param=f"{path}.role")
    silent = role is Role.ASSISTANT and item.content == ""
    return Message(role=role, parts=() if silent else _parts(item.content, f"{path}.content"))


def _function_call(raw: Raw, path: str) -> Message:
    item = read_member(FUNCTION_CALL, raw, path)
    return _call(ToolCall(id=item.call_id, name=item.name, arguments=item.arguments))


def _custom_call(raw: Raw, path: str) -> Message:
    item = read_member(CUSTOM_CALL, raw, path)
    return _call(ToolCall(id=item.call_id, name=item.name, arguments=item.input, custom=True))


def _call(call: ToolCall) -> Message:
    """A call with the signature that its id may hold."""
    held = unpack_id(call.id)
    call = msgspec.structs.replace(call, id=held.id, signature=held.signature, family=held.family)
    return Message(role=Role.ASSISTANT, parts=(call,))


def _call_output(raw: Raw, path: str) -> Message:
    item = read_member(CALL_OUTPUT, raw, path)
    parts = []
    for part in _parts(item.output, f"{path}.output"):
        if not isinstance(part, Text | Image | Document):
            raise Refused("a tool's answer holds text, images or files", param=f"{path}.output")
        parts.append(part)
    call_id = unpack_id(item.call_id).id
    return Message(role=Role.TOOL, parts=(ToolResult(call_id=call_id, parts=tuple(parts)),))


def _reasoning(raw: Raw, path: str) -> Message:
    item = read_member(REASONING, raw, path)
    texts = [part.text for part in (*(item.summary or ()), *(item.content or ()))]
    thought = unseal(BREAK.join(texts), item.encrypted_content, item.id)
    return Message(role=Role.ASSISTANT, parts=(thought,))


def _opaque(raw: Raw, kind: str) -> Message:
    role = Role.USER if kind.endswith(_ANSWERS) else Role.ASSISTANT
    return Message(role=role, parts=(Opaque(raw=raw, family=FAMILY),))


def _item_reference(_raw: Raw, path: str) -> Message:
    raise Refused("items are not stored here: send the item itself instead of a reference to it", param=path)


_READERS: dict[str, Callable[[Raw, str], Message]] = {
    "message": _message,
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
    "function_call_output": _call_output,
    "custom_tool_call_output": _call_output,
    "reasoning": _reasoning,
    "item_reference": _item_reference,
}


def _parts(content: Content, path: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(part, f"{path}[{place}]") for place, part in enumerate(content))


def _part(part: InputPart, path: str) -> Part:
    match part:
        case InputText():
            return Text(text=part.text, cache=_mark(part))
        case OutputText():
            return Text(text=part.text, citations=part.annotations or ())
        case BareText():
            return Text(text=part.text)
        case RefusalPart():
            return Refusal(text=part.refusal)
        case InputImage():
            source = _source(part.file_id, None, part.image_url, path)
            return Image(source=source, detail=part.detail, cache=_mark(part))
        case InputFile():
            source = _source(part.file_id, part.file_url, part.file_data, path)
            return Document(source=source, name=part.filename, cache=_mark(part))
        case InputAudio():
            return Audio(data=part.input_audio.data, format=part.input_audio.format)


def _source(file_id: str | None, url: str | None, data: str | None, path: str) -> Source:
    if file_id is not None:
        return Source(file_id=file_id)
    if url is not None:
        return Source(url=url)
    if data is None:
        raise Refused("a picture or file needs its data, a URL or a file id", param=path)
    return source_at(data)


def _mark(part: InputText | InputImage | InputFile) -> CacheMark | None:
    return CacheMark() if part.prompt_cache_breakpoint != NULL else None


class ItemWriter:
    """Canon -> items for one request. What cannot be said is added to `lost`, by its path in canon."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self._custom: set[str] = set()

    def write(self, messages: Iterable[Message]) -> list[object]:
        """The items in the order they were said."""
        items: list[object] = []
        for place, message in enumerate(messages):
            path = f"messages[{place}]"
            self._lose(path, name=message.name)
            items += self._followed(self._turn(message, path))
        return items

    def _turn(self, message: Message, path: str) -> list[_Placed]:
        """The items of one message, each with its path."""
        items: list[_Placed] = []
        content: list[object] = []

        def close() -> None:
            if content:
                items.append((path, {"role": message.role, "content": _folded(content)}))
                content.clear()

        for place, part in enumerate(message.parts):
            here = f"{path}.parts[{place}]"
            if isinstance(part, ToolCall | ToolResult | Reasoning | Opaque):
                item = self._item(part, here)
                if item is not None:
                    close()
                    items.append((here, item))
            elif (encoded := self._content(part, here, said=message.role is Role.ASSISTANT)) is not None:
                content.append(encoded)
        close()
        if not message.parts:
            items.append((path, {"role": message.role, "content": ""}))
        return items

    def _followed(self, items: list[_Placed]) -> list[object]:
        """Without the thinking that nothing follows: OpenAI refuses thinking apart from what it led to."""
        kept: list[object] = []
        for (path, item), (_, following) in zip(items, [*items, ("", _THOUGHT)][1:], strict=True):
            if _is_thought(item) and _is_thought(following):
                self.lost.append(path)
            else:
                kept.append(item)
        return kept

    def _item(self, part: ToolCall | ToolResult | Reasoning | Opaque, path: str) -> _Item | None:
        match part:
            case ToolCall():
                self._lose(path, cache=part.cache, signature=part.signature)
                if part.custom:
                    self._custom.add(part.id)
                return call_members(part)
            case ToolResult():
                return self._result(part, path)
            case Reasoning():
                return self._thought(part, path)
            case Opaque() if part.family == FAMILY:
                return part.raw
        self.lost.append(path)
        return None

    def _result(self, result: ToolResult, path: str) -> _Item:
        self._lose(path, is_error=result.is_error, cache=result.cache)
        parts = [self._content(part, f"{path}.parts[{place}]") for place, part in enumerate(in_words(result).parts)]
        said = [part for part in parts if part is not None]
        kind = "custom_tool_call_output" if result.call_id in self._custom else "function_call_output"
        return {"type": kind, "call_id": result.call_id, "output": _folded(said) if said else ""}

    def _thought(self, part: Reasoning, path: str) -> _Item | None:
        """Thinking goes back only to a server of this dialect: others' means nothing here and may be refused."""
        if part.family not in (None, FAMILY) or not (part.text or part.signature):
            self.lost.append(path)
            return None
        self._lose(path, redacted=part.redacted)
        item: dict[str, object] = {"type": "reasoning", "summary": []}
        if part.id is not None:
            item["id"] = part.id
        if part.signature is not None:
            item["summary"] = [{"type": "summary_text", "text": part.text}] if part.text else []
            item["encrypted_content"] = part.signature
        else:
            item["content"] = [{"type": "reasoning_text", "text": part.text}]
        return item

    def _content(self, part: Part, path: str, *, said: bool = False) -> object | None:
        """One part in this protocol's words, or None, named as lost. What the model `said` can only be text."""
        match part:
            case Text():
                self._lose(path, cache=part.cache, citations=part.citations, signature=part.signature)
                return {"type": "output_text" if said else "input_text", "text": part.text}
            case Refusal() if said:
                return {"type": "refusal", "refusal": part.text}
            case Image() if not said:
                self._lose(path, cache=part.cache)
                return _image(part)
            case Document() if not said:
                return self._document(part, path)
        self.lost.append(path)
        return None

    def _document(self, part: Document, path: str) -> object:
        source = part.source
        self._lose(path, cache=part.cache, context=part.context, citations=part.citations)
        if source.data is not None and source.media_type == "text/plain":
            self._lose(path, name=part.name)
            return {"type": "input_text", "text": source.data}
        if source.data is not None:
            name = part.name or "document.pdf"
            return {"type": "input_file", "filename": name, "file_data": url_of(source, "application/pdf")}
        # A name is only taken beside data.
        self._lose(path, name=part.name)
        if source.file_id is not None:
            return {"type": "input_file", "file_id": source.file_id}
        return {"type": "input_file", "file_url": source.url}

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self.lost += [f"{path}.{name}" for name, value in members.items() if value]


def _is_thought(item: _Item) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning"


def call_members(part: ToolCall) -> dict[str, object]:
    """A whole tool call; a function called without arguments gets the empty object that clients parse."""
    if part.custom:
        return {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
    return {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}


def shown_call(part: ToolCall) -> dict[str, object]:
    """A tool call as callers see it: its signature travels in its id, which they send back with the result."""
    return call_members(msgspec.structs.replace(part, id=pack_id(part.id, part.signature, part.family)))


def shown_thought(part: Reasoning) -> dict[str, object]:
    """Thinking as callers see it, sealed so that it can come back."""
    members: dict[str, object] = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part.text}] if part.text else [],
    }
    if (sealed := seal(part)) is not None:
        members["encrypted_content"] = sealed
    return members


def _image(part: Image) -> dict[str, object]:
    source = part.source
    image: dict[str, object] = {"type": "input_image"}
    if source.file_id is not None:
        image["file_id"] = source.file_id
    else:
        image["image_url"] = url_of(source, "image/png")
    return image if part.detail is None else {**image, "detail": part.detail}


def _folded(content: list[object]) -> object:
    """Content as every server reads it: a string for a single text, a list for more."""
    match content:
        case [{"type": "input_text" | "output_text", "text": text}]:
            return text
    return list(content)
