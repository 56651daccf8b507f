"""Turns of a conversation in Cohere's messages.

Four things differ. Only the first turn may be a system's. What a model says before it calls tools is its `tool_plan`,
beside which no text may stand. Texts to be cited are no part of a turn but `documents` of the whole request. A tool's
answer holds no pictures: they follow in a user message once all tools have answered.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.canon.request import (
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from router.wire.cohere_v2.schema import (
    ENCODER,
    Block,
    DocumentBlock,
    DocumentBody,
    ImageBlock,
    ImageUrl,
    TextBlock,
    ThinkingBlock,
)
from router.wire.media import url_of
from router.wire.members import no_arguments
from router.wire.results import in_words

FAMILY = "cohere-v2"
"""Whose thinking and citations come from a server of this dialect."""

_ROLES = {Role.DEVELOPER: "system", Role.TOOL: "user"}
"""Roles that Cohere has another word for; what a tool's message holds beside results is no result."""


class MessageWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon.

    Args:
        cites: whether texts may become `documents`; a request that asks for JSON may have none.
    """

    def __init__(self, *, cites: bool) -> None:
        self.lost: list[str] = []
        self.documents: list[DocumentBody] = []
        self._cites = cites
        self._media: list[Block] = []

    def write(self, messages: Iterable[Message]) -> list[object]:
        """The messages in order; pictures out of tools' answers follow the last of those answers."""
        system: list[Block] = []
        written: list[object] = []
        for place, message in enumerate(messages):
            path = f"messages[{place}]"
            if message.role in (Role.SYSTEM, Role.DEVELOPER) and not written:
                system += self._contents(message, path)
                continue
            results = [
                self._result(part, f"{path}.parts[{number}]")
                for number, part in enumerate(message.parts)
                if isinstance(part, ToolResult)
            ]
            written += results
            if len(results) < len(message.parts) or not message.parts:
                written += self._flushed()
                turn = self._turn(message, path)
                # An empty turn is refused, and one that says nothing is not missed.
                written += [turn] if turn.get("content") or turn.get("tool_calls") else []
        first = [{"role": "system", "content": _folded(system)}] if system else []
        return first + written + self._flushed()

    def _flushed(self) -> list[object]:
        media, self._media = self._media, []
        return [{"role": "user", "content": media}] if media else []

    def _result(self, result: ToolResult, path: str) -> object:
        self._lose(path, is_error=result.is_error, cache=result.cache)
        content: list[Block] = []
        for place, part in enumerate(in_words(result).parts):
            here = f"{path}.parts[{place}]"
            if isinstance(part, Document):
                content += [DocumentBlock(document=document) for document in self._cited(part, here, None)]
                continue
            block = self._content(part, here)
            if block is not None:
                (self._media if isinstance(block, ImageBlock) else content).append(block)
        return {"role": "tool", "tool_call_id": result.call_id, "content": _folded(content)}

    def _turn(self, message: Message, path: str) -> dict[str, object]:
        if message.role is Role.ASSISTANT:
            return self._answer(message, path)
        role = _ROLES.get(message.role, message.role.value)
        if role == "system":
            # Only the first turn may be a system's; a later one keeps its place and its words, not its weight.
            self.lost.append(f"{path}.role")
            role = "user"
        return {"role": role, "content": _folded(self._contents(message, path))}

    def _contents(self, message: Message, path: str) -> list[Block]:
        """Everything of a turn but tools' answers."""
        self._lose(path, name=message.name)
        blocks = [
            self._content(part, f"{path}.parts[{number}]")
            for number, part in enumerate(message.parts)
            if not isinstance(part, ToolResult)
        ]
        return [block for block in blocks if block is not None]

    def _answer(self, message: Message, path: str) -> dict[str, object]:
        calls = [
            self._call(part, f"{path}.parts[{number}]")
            for number, part in enumerate(message.parts)
            if isinstance(part, ToolCall)
        ]
        said = [
            (part, number) for number, part in enumerate(message.parts) if not isinstance(part, ToolCall | ToolResult)
        ]
        self._lose(path, name=message.name)
        blocks = [block for part, number in said if (block := self._said(part, f"{path}.parts[{number}]")) is not None]
        if not calls:
            return {"role": "assistant", "content": _folded(blocks)}
        turn: dict[str, object] = {"role": "assistant", "tool_calls": calls}
        if plan := "".join(block.text for block in blocks if isinstance(block, TextBlock)):
            turn["tool_plan"] = plan
        if thoughts := [block for block in blocks if isinstance(block, ThinkingBlock)]:
            turn["content"] = thoughts
        return turn

    def _said(self, part: Part, path: str) -> Block | None:
        """One part of an earlier answer. Thinking goes back only to Cohere: others' means nothing here."""
        if isinstance(part, Reasoning) and part.family in (None, FAMILY) and part.text:
            self._lose(path, signature=part.signature, redacted=part.redacted)
            return ThinkingBlock(thinking=part.text)
        if isinstance(part, Text | Refusal):
            return self._content(part, path)
        self.lost.append(path)
        return None

    def _call(self, part: ToolCall, path: str) -> object:
        self._lose(path, cache=part.cache, custom=part.custom, signature=part.signature)
        arguments = "{}" if no_arguments(part.arguments) else part.arguments
        if part.custom:
            arguments = ENCODER.encode({"input": part.arguments}).decode()
        function = {"name": part.name, "arguments": arguments}
        return {"id": part.id, "type": "function", "function": function}

    def _content(self, part: Part, path: str) -> Block | None:
        """One part in Cohere's words; None for one that stands elsewhere, says nothing, or is named as lost."""
        match part:
            case Text():
                self._lose(path, cache=part.cache, citations=part.citations, signature=part.signature)
                return TextBlock(text=part.text) if part.text else None
            case Refusal():
                return TextBlock(text=part.text)
            case Image() if part.source.file_id is None:
                self._lose(path, cache=part.cache)
                return ImageBlock(image_url=ImageUrl(url=url_of(part.source, "image/png"), detail=part.detail))
            case Document() if self._cites:
                self.documents += self._cited(part, path, path.replace(".", "_").translate(_NO_BRACKETS))
                return None
            case Document():
                cited = self._cited(part, path, None)
                if not cited:
                    return None
                # Its words alone: where nothing is cited there are no documents either.
                self._lose(path, name=part.name, citations=part.citations)
                return TextBlock(text=cited[0].data["text"])
        self.lost.append(path)
        return None

    def _cited(self, part: Document, path: str, document_id: str | None) -> list[DocumentBody]:
        """A text as a document; any other kind of document is named as lost, for Cohere reads only text."""
        source = part.source
        if source.media_type != "text/plain" or not source.data:
            self.lost.append(path)
            return []
        self._lose(path, cache=part.cache, context=part.context)
        named = {"title": part.name} if part.name else {}
        return [DocumentBody(data={"text": source.data, **named}, id=document_id)]

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self.lost += [f"{path}.{name}" for name, value in members.items() if value]


_NO_BRACKETS = str.maketrans("", "", "[]")


def _folded(blocks: list[Block]) -> object:
    """Content as it is read everywhere: a string for a single text or for nothing, a list for more."""
    if not blocks:
        return ""
    first = blocks[0]
    return first.text if len(blocks) == 1 and isinstance(first, TextBlock) else blocks
