"""Turns of a conversation in Anthropic's words: canon -> wire. `message.py` reads them."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.canon.request import (
    CacheMark,
    ChatRequest,
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
from router.wire.anthropic_messages.message import FAMILY, type_of
from router.wire.anthropic_messages.models import Traits
from router.wire.anthropic_messages.schema import OBJECT
from router.wire.anthropic_messages.sources import is_borrowed
from router.wire.ids import clean_id
from router.wire.members import UNREADABLE, no_arguments

Block = dict[str, object]

MOST_MARKS = 4
"""Cache breakpoints one request may hold; a fifth is refused."""

_PICTURES = {"iVBORw0": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How the base64 of a picture begins -> its type: the wrong type beside a picture is refused, and so is any other."""

_OPERATOR = (Role.SYSTEM, Role.DEVELOPER)


def count_marks(request: ChatRequest) -> int:
    """How many cache breakpoints a request holds."""
    parts = [part for message in request.messages for part in message.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    marked: list[object] = [*request.tools, *parts]
    return sum(getattr(one, "cache", None) is not None for one in marked)


def input_of(arguments: str, *, custom: bool = False) -> Raw:
    """A call's arguments as the object that `input` must be; text that is none becomes a member of one."""
    text = arguments.strip()
    if not custom:
        if no_arguments(text):
            return Raw(b"{}")
        if is_object(text):
            return Raw(text.encode())
    return Raw(msgspec.json.encode({"input" if custom else "arguments": arguments}))


def is_object(text: str) -> bool:
    """Whether text is one whole JSON object."""
    try:
        OBJECT.decode(text)
    except UNREADABLE:
        return False
    return True


def cache_control(mark: CacheMark) -> dict[str, str]:
    """A cache breakpoint."""
    return {"type": "ephemeral"} if mark.ttl is None else {"type": "ephemeral", "ttl": mark.ttl}


class MarkBook:
    """The cache breakpoints of one request. Of too many the last ones stay: they end the longest prefixes."""

    def __init__(self, marks: int, lost: list[str]) -> None:
        self._surplus = max(marks - MOST_MARKS, 0)
        self._lost = lost

    def put(self, block: Block, mark: CacheMark | None, path: str) -> None:
        """Mark a block, if its part is marked; call it in the order the provider reads: tools, system, messages."""
        if mark is None:
            return
        if self._surplus:
            self._surplus -= 1
            self._lost.append(f"{path}.cache")
        else:
            block["cache_control"] = cache_control(mark)


class MessageWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon."""

    def __init__(self, traits: Traits, marks: MarkBook, lost: list[str]) -> None:
        self._traits = traits
        self._marks = marks
        self._lost = lost
        self._turns: list[Block] = []
        self._joins = False
        self._held: list[Block] = []

    def write(self, messages: tuple[Message, ...]) -> tuple[list[Block], list[Block]]:
        """(system blocks, turns), in order."""
        leading = 0
        while leading < len(messages) and messages[leading].role in _OPERATOR:
            leading += 1
        system = [block for place in range(leading) for block in self._words(messages[place], f"messages[{place}]")]
        for place in range(leading, len(messages)):
            following = messages[place + 1].role if place + 1 < len(messages) else None
            self._write(messages[place], following, f"messages[{place}]")
        self._flush()
        self._trim()
        return system, [{**turn, "content": _folded(turn["content"])} for turn in self._turns]

    def _write(self, message: Message, following: Role | None, path: str) -> None:
        self._lose(path, name=message.name)
        if message.role in _OPERATOR:
            self._operator(message, following, path)
            return
        parts = list(enumerate(message.parts))
        results = [
            self._result(part, f"{path}.parts[{place}]") for place, part in parts if isinstance(part, ToolResult)
        ]
        if results:
            self._add("user", results, joins=True)
        self._flush(unless=message.role is Role.TOOL)
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        others = [
            block
            for place, part in parts
            if not isinstance(part, ToolResult)
            for block in self._block(part, role, f"{path}.parts[{place}]")
        ]
        self._add(role, others)

    def _operator(self, message: Message, following: Role | None, path: str) -> None:
        """The operator between turns: in place where the model takes that, else as the user's words."""
        blocks = self._words(message, path)
        after_user = bool(self._turns) and self._turns[-1]["role"] == "user" and not self._held
        if self._traits.system_turns and after_user and following in (None, Role.ASSISTANT):
            self._add("system", blocks)
        elif blocks:
            # A call's answer must come right behind it: these words wait until it has.
            self._lost.append(f"{path}.role")
            self._held += blocks

    def _flush(self, *, unless: bool = False) -> None:
        if self._held and not unless:
            held, self._held = self._held, []
            self._add("user", held, joins=True)

    def _add(self, role: str, blocks: list[Block], *, joins: bool = False) -> None:
        """Add to the conversation: a turn that `joins` takes a following one of the user's into itself."""
        if not blocks:
            return
        last = self._turns[-1] if self._turns else None
        if self._joins and role == "user" and last is not None:
            content = last["content"]
            assert isinstance(content, list)
            content += blocks
        else:
            self._turns.append({"role": role, "content": blocks})
        self._joins = joins

    def _trim(self) -> None:
        """An answer begun for the model must not end in white space."""
        last = self._turns[-1] if self._turns else {"role": "user"}
        if last["role"] != "assistant":
            return
        content = last["content"]
        assert isinstance(content, list)
        text = content[-1].get("text") if isinstance(content[-1], dict) else None
        if isinstance(text, str):
            content[-1]["text"] = text.rstrip()

    def _words(self, message: Message, path: str) -> list[Block]:
        """The operator's words: text and nothing else."""
        blocks: list[Block] = []
        for place, part in enumerate(message.parts):
            here = f"{path}.parts[{place}]"
            if isinstance(part, Text):
                blocks += self._text(part, "system", here)
            else:
                self._lost.append(here)
        return blocks

    def _result(self, result: ToolResult, path: str) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": clean_id(result.call_id)}
        content: list[object] = []
        for place, part in enumerate(result.parts):
            content += self._block(part, "user", f"{path}.parts[{place}]")
        if content:
            block["content"] = _folded(content)
        if result.is_error:
            block["is_error"] = True
        self._marks.put(block, result.cache, path)
        return block

    def _block(self, part: Part, role: str, path: str) -> list[Block]:
        """One part as a block, or none and named as lost. `role` is who says it."""
        match part:
            case Text():
                return self._text(part, role, path)
            case Refusal():
                return self._text(Text(text=part.text), role, path)
            case ToolCall():
                return [self._call(part, path)]
            case Reasoning():
                return self._thought(part, path)
            case Image():
                return self._image(part, path)
            case Document():
                return self._document(part, path)
            case Opaque():
                return self._opaque(part, path)
        self._lost.append(path)
        return []

    def _opaque(self, part: Opaque, path: str) -> list[Block]:
        if part.family == FAMILY:
            return [dict(OBJECT.decode(part.raw))]
        self._lost.append(path)
        return []

    def _text(self, part: Text, role: str, path: str) -> list[Block]:
        """Text; blank text is refused as a block, and says nothing."""
        if not part.text.strip():
            self._lose(path, cache=part.cache)
            return []
        block: Block = {"type": "text", "text": part.text}
        if part.citations and role == "assistant" and all(map(_is_location, part.citations)):
            block["citations"] = part.citations
        else:
            self._lose(path, citations=part.citations)
        self._lose(path, signature=part.signature)
        self._marks.put(block, part.cache, path)
        return [block]

    def _call(self, part: ToolCall, path: str) -> Block:
        self._lose(path, signature=part.signature)
        if part.custom or not (is_object(part.arguments) or no_arguments(part.arguments)):
            self._lost.append(f"{path}.arguments")
        block: Block = {
            "type": "tool_use",
            "id": clean_id(part.id),
            "name": part.name,
            "input": input_of(part.arguments, custom=part.custom),
        }
        self._marks.put(block, part.cache, path)
        return block

    def _thought(self, part: Reasoning, path: str) -> list[Block]:
        """Thinking goes back only as Anthropic sealed it: what others thought, or what lost its seal, is refused."""
        if part.family == FAMILY and part.redacted is not None:
            return [{"type": "redacted_thinking", "data": part.redacted}]
        if part.family == FAMILY and part.signature is not None:
            return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]
        self._lost.append(path)
        return []

    def _image(self, part: Image, path: str) -> list[Block]:
        source = part.source
        kind = _picture_type(source)
        if source.data is not None and kind is None:
            self._lost.append(path)
            return []
        self._lose(path, detail=part.detail if part.detail != "auto" else None)
        block: Block = {"type": "image", "source": _source(source, kind or "")}
        self._marks.put(block, part.cache, path)
        return [block]

    def _document(self, part: Document, path: str) -> list[Block]:
        source = part.source
        kind = source.media_type or "application/pdf"
        if source.data is not None and kind not in ("application/pdf", "text/plain"):
            self._lost.append(path)
            return []
        block: Block = {"type": "document", "source": _source(source, kind)}
        said = {
            "title": part.name,
            "context": part.context,
            "citations": None if part.citations is None else {"enabled": part.citations},
        }
        block |= {name: value for name, value in said.items() if value is not None}
        self._marks.put(block, part.cache, path)
        return [block]

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self._lost += [f"{path}.{name}" for name, value in members.items() if value]


def _folded(content: object) -> object:
    """Content as a string, where it is one text with nothing on it."""
    assert isinstance(content, list)
    only = content[0] if len(content) == 1 else None
    return only["text"] if isinstance(only, dict) and only.keys() == {"type", "text"} else content


def _source(source: Source, kind: str) -> dict[str, str | None]:
    if source.url is not None:
        return {"type": "url", "url": source.url}
    if source.file_id is not None:
        return {"type": "file", "file_id": source.file_id}
    return {"type": "text" if kind == "text/plain" else "base64", "media_type": kind, "data": source.data}


def _picture_type(source: Source) -> str | None:
    """The type of a picture's bytes, by how they begin where it is not said; None for one that is not taken."""
    if source.data is None:
        return None
    begun = next((kind for head, kind in _PICTURES.items() if source.data.startswith(head)), None)
    said = "image/jpeg" if source.media_type == "image/jpg" else source.media_type
    return said if said in _PICTURES.values() else begun


def _is_location(citation: Raw) -> bool:
    """Whether a source is named as this dialect names sources, and by a server of it."""
    return type_of(citation).endswith("_location") and not is_borrowed(citation)
