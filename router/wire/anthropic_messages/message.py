"""Turns of a conversation between Anthropic's messages and canon's.

Three things differ. A tool's answer is a part of the user's turn here and a turn of its own there; it must come first
and all answers of a turn together. The operator speaks beside the conversation, and between turns only to newer models.
Thinking is sealed: what others sealed is carried in tokens of our own (`seal.py`) and never shown to Anthropic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec import Raw

from router.canon.request import (
    CacheMark,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Role,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from router.errors import Refused
from router.wire.anthropic_messages.schema import (
    DOCUMENT_BLOCK,
    IMAGE_BLOCK,
    NULL,
    REDACTED_BLOCK,
    SEARCH_RESULT_BLOCK,
    TEXT_BLOCK,
    THINKING_BLOCK,
    TOOL_RESULT_BLOCK,
    TOOL_USE_BLOCK,
    TYPED,
    CacheControl,
    MediaSource,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    WireMessage,
)
from router.wire.anthropic_messages.seal import unseal
from router.wire.members import UNREADABLE, read_member
from router.wire.signatures import unpack_id

T = TypeVar("T")

FAMILY = "anthropic"
"""Whose thinking, citations and opaque parts come from a server of this dialect."""

_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}

_ResultPart = Text | Image | Document | Opaque


def decode_messages(system: str | tuple[Raw, ...] | None, messages: Iterable[WireMessage]) -> tuple[Message, ...]:
    """Wire -> canon; a user's turn that answers tools becomes two. Raises `Refused`, naming the block at fault."""
    said: list[Message] = []
    if system:
        said.append(Message(role=Role.SYSTEM, parts=tuple(_parts(system, "system"))))
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        role = _ROLES.get(message.role)
        if role is None:
            raise Refused(f"`{path}.role` must be user, assistant or system", param=f"{path}.role")
        parts = tuple(_parts(message.content, f"{path}.content"))
        results = tuple(part for part in parts if isinstance(part, ToolResult))
        if results:
            said.append(Message(role=Role.TOOL, parts=results))
            parts = tuple(part for part in parts if not isinstance(part, ToolResult))
        if parts or not results:
            said.append(Message(role=role, parts=parts))
    return tuple(said)


def _parts(content: str | tuple[Raw, ...], path: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(text=content)
        return
    for place, raw in enumerate(content):
        here = f"{path}[{place}]"
        read = _BLOCKS.get(read_member(TYPED, raw, here).type)
        yield Opaque(raw=raw, family=FAMILY) if read is None else read(raw, here)


def _text(raw: Raw, path: str) -> Text:
    return text_of(read_member(TEXT_BLOCK, raw, path))


def text_of(block: TextBlock) -> Text:
    """A text, with the sources it names."""
    return Text(text=block.text, cache=mark_of(block.cache_control), citations=block.citations or ())


def _image(raw: Raw, path: str) -> Image:
    block = read_member(IMAGE_BLOCK, raw, path)
    return Image(source=_source(block.source, path), cache=mark_of(block.cache_control))


def _document(raw: Raw, path: str) -> Document | Opaque:
    block = read_member(DOCUMENT_BLOCK, raw, path)
    source = block.source
    if source.type == "content":
        text = _inner_text(source.content, path)
        if text is None:
            return Opaque(raw=raw, family=FAMILY)
        source = MediaSource(type="text", data=text, media_type="text/plain")
    return Document(
        source=_source(source, path),
        name=block.title,
        context=block.context,
        citations=block.citations.enabled if block.citations else None,
        cache=mark_of(block.cache_control),
    )


def _inner_text(content: str | tuple[Raw, ...] | None, path: str) -> str | None:
    """The text of a document that holds blocks; None where they hold more than text."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = list(_parts(content, f"{path}.source.content"))
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "\n".join(texts) if len(texts) == len(parts) else None


def _search_result(raw: Raw, path: str) -> Document:
    """A find of the caller's own search: a text with a title, and where it is from."""
    block = read_member(SEARCH_RESULT_BLOCK, raw, path)
    return Document(
        source=Source(data="\n".join(inner.text for inner in block.content), media_type="text/plain"),
        name=block.title,
        context=block.source,
        citations=block.citations.enabled if block.citations else None,
        cache=mark_of(block.cache_control),
    )


def _source(source: MediaSource, path: str) -> Source:
    match source.type:
        case "base64" | "text" if source.data is not None:
            return Source(data=source.data, media_type=source.media_type)
        case "url" if source.url is not None:
            return Source(url=source.url)
        case "file" if source.file_id is not None:
            return Source(file_id=source.file_id)
    raise Refused(f"`{path}.source` is no base64, text, url or file source", param=f"{path}.source")


def _tool_use(raw: Raw, path: str) -> ToolCall:
    block = read_member(TOOL_USE_BLOCK, raw, path)
    if block.id is None:
        raise Refused(f"`{path}.id` is missing", param=f"{path}.id")
    return call_of(block, block.id)


def call_of(block: ToolUseBlock, seen_id: str) -> ToolCall:
    """A tool call, its input byte for byte, and the signature its id may hold."""
    signed = unpack_id(seen_id)
    return ToolCall(
        id=signed.id,
        name=block.name,
        arguments="" if block.input == NULL else bytes(block.input).decode(),
        signature=signed.signature,
        family=signed.family,
        cache=mark_of(block.cache_control),
    )


def _tool_result(raw: Raw, path: str) -> ToolResult:
    block: ToolResultBlock = read_member(TOOL_RESULT_BLOCK, raw, path)
    parts: list[_ResultPart] = []
    for part in _parts(block.content or (), f"{path}.content"):
        if not isinstance(part, _ResultPart):
            raise Refused("a tool's answer holds text, images or documents", param=f"{path}.content")
        parts.append(part)
    return ToolResult(
        call_id=unpack_id(block.tool_use_id).id,
        parts=tuple(parts),
        is_error=bool(block.is_error),
        cache=mark_of(block.cache_control),
    )


def _thinking(raw: Raw, path: str) -> Reasoning:
    block = read_member(THINKING_BLOCK, raw, path)
    return thought_of(block.thinking, block.signature or None)


def thought_of(text: str, signature: str | None) -> Reasoning:
    """Thinking and whose it is: Anthropic's, or who sealed what our token holds."""
    if signature is not None and (held := unseal(signature)) is not None:
        return Reasoning(text=text, signature=held.signature, family=held.family, id=held.id)
    return Reasoning(text=text, signature=signature, family=FAMILY)


def _redacted(raw: Raw, path: str) -> Reasoning:
    data = read_member(REDACTED_BLOCK, raw, path).data
    held = unseal(data)
    if held is None:
        return Reasoning(redacted=data, family=FAMILY)
    return Reasoning(signature=held.signature, redacted=held.redacted, family=held.family, id=held.id)


_BLOCKS: dict[str, Callable[[Raw, str], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
"""Block type -> its reader. Server tools and what they found, files for a container, and types to come are opaque."""


def mark_of(control: CacheControl | None) -> CacheMark | None:
    """A cache breakpoint, where there is one."""
    return None if control is None else CacheMark(ttl=control.ttl)


def type_of(raw: Raw | bytes) -> str:
    """What a block, an event or a tool says it is; empty when it does not say."""
    try:
        return TYPED.decode(raw).type
    except UNREADABLE:
        return ""
