"""Turns of a conversation in Ollama's messages.

Three things differ. A turn has one text, and its pictures and sounds stand beside it as bare base64: nothing is
fetched. Arguments of a call are an object. A tool's answer names the tool, and may hold pictures like any turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw

from router.canon.request import (
    Audio,
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
from router.wire.members import UNREADABLE, no_arguments
from router.wire.ollama_chat.reply import FAMILY
from router.wire.ollama_chat.schema import ENCODER, OBJECT
from router.wire.results import in_words

_ROLES = {Role.DEVELOPER: "system", Role.TOOL: "user"}
"""Roles that Ollama has another word for; what a tool's message holds beside results is no result."""

_NO_ARGUMENTS = Raw(b"{}")


class _Turn:
    """What was said in one turn, by where it stands on the wire."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.images: list[str] = []
        self.calls: list[object] = []

    def written(self, role: str) -> dict[str, object]:
        """The turn as a message. Texts are kept apart by line ends, as they were apart."""
        message: dict[str, object] = {"role": role, "content": "\n".join(self.texts)}
        if self.thoughts:
            message["thinking"] = "".join(self.thoughts)
        if self.images:
            message["images"] = self.images
        if self.calls:
            message["tool_calls"] = self.calls
        return message


class MessageWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self._names: dict[str, str] = {}

    def write(self, messages: Iterable[Message]) -> list[object]:
        """The messages in order."""
        written: list[object] = []
        for place, message in enumerate(messages):
            path = f"messages[{place}]"
            turn = _Turn()
            results = 0
            for number, part in enumerate(message.parts):
                here = f"{path}.parts[{number}]"
                if isinstance(part, ToolResult):
                    written.append(self._result(part, here))
                    results += 1
                else:
                    self._add(turn, part, here)
            if results < len(message.parts) or not message.parts:
                self._lose(path, name=message.name)
                written.append(turn.written(_ROLES.get(message.role, message.role.value)))
        return written

    def _result(self, result: ToolResult, path: str) -> object:
        self._lose(path, is_error=result.is_error, cache=result.cache)
        turn = _Turn()
        for number, part in enumerate(in_words(result).parts):
            self._add(turn, part, f"{path}.parts[{number}]")
        message = turn.written("tool")
        name = result.name or self._names.get(result.call_id)
        if name is not None:
            message["tool_name"] = name
        return message | {"tool_call_id": result.call_id}

    def _add(self, turn: _Turn, part: Part, path: str) -> None:
        """Put one part where it belongs; what belongs nowhere is named as lost."""
        match part:
            case Text():
                self._lose(path, cache=part.cache, citations=part.citations, signature=part.signature)
                turn.texts += [part.text] if part.text else []
            case Refusal():
                turn.texts.append(part.text)
            case Reasoning() if part.text and part.family in (None, FAMILY):
                self._lose(path, signature=part.signature, redacted=part.redacted)
                turn.thoughts.append(part.text)
            case Image() if part.source.data:
                self._lose(path, cache=part.cache, detail=part.detail)
                turn.images.append(part.source.data)
            case Audio():
                turn.images.append(part.data)
            case Document() if part.source.data and part.source.media_type == "text/plain":
                self._lose(path, cache=part.cache, context=part.context, citations=part.citations, name=part.name)
                turn.texts.append(part.source.data)
            case ToolCall():
                turn.calls.append(self._call(part, path))
            case _:
                self.lost.append(path)

    def _call(self, part: ToolCall, path: str) -> object:
        self._lose(path, cache=part.cache, custom=part.custom, signature=part.signature)
        self._names[part.id] = part.name
        arguments = Raw(ENCODER.encode({"input": part.arguments})) if part.custom else _object(part.arguments)
        if arguments is None:
            self.lost.append(f"{path}.arguments")
        return {"id": part.id, "function": {"name": part.name, "arguments": arguments or _NO_ARGUMENTS}}

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self.lost += [f"{path}.{name}" for name, value in members.items() if value]


def _object(arguments: str) -> Raw | None:
    """Arguments as the object they are; None where the model wrote none that can be read."""
    if no_arguments(arguments):
        return _NO_ARGUMENTS
    try:
        OBJECT.decode(arguments)
    except (*UNREADABLE, UnicodeEncodeError):
        return None
    return Raw(arguments.encode())
