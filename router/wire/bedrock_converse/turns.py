"""Turns of a conversation in Converse's words: canon -> wire.

The user speaks first, then in turns; a tool's answers are the user's, come first in the turn and all together. Blank
text is refused, and so is a turn that holds nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import blake2s

from msgspec import Raw

from router.canon.request import (
    Audio,
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
    Text,
    ToolCall,
    ToolResult,
)
from router.wire.anthropic_messages.message import FAMILY as CLAUDE
from router.wire.anthropic_messages.writer import input_of, is_object
from router.wire.bedrock_converse.media import Names, audio_block, document_block, image_block
from router.wire.bedrock_converse.models import Traits
from router.wire.bedrock_converse.schema import FAMILY, Block
from router.wire.ids import made_up_id
from router.wire.members import no_arguments
from router.wire.results import in_words

MOST_MARKS = 4
"""Cache points one request may hold; a fifth is refused."""

PLACEHOLDER = "."
"""Said where something must be said and the caller said nothing."""

_NO_OUTPUT = "(no output)"
_OPERATOR = (Role.SYSTEM, Role.DEVELOPER)
_TTLS = frozenset({"5m", "1h"})
_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")


def tool_id(given: str, *, short: bool) -> str:
    """An id as the service takes it, or the nine letters and digits that some models want. The same for the same."""
    if short:
        return given if _SHORT_ID.fullmatch(given) else blake2s(given.encode(), digest_size=5).hexdigest()[:9]
    return given if _ID.fullmatch(given) else made_up_id("call_", given)


class MarkBook:
    """The cache points of one request. Of too many the last ones stay: they end the longest prefixes."""

    def __init__(self, request: ChatRequest, traits: Traits, lost: list[str]) -> None:
        self._traits = traits
        self._lost = lost
        parts = [part for message in request.messages for part in message.parts]
        marked = sum(_mark_of(part) is not None for part in parts) if traits.caches else 0
        marked += sum(tool.cache is not None for tool in request.tools) if traits.caches_tools else 0
        self._surplus = max(marked - MOST_MARKS, 0)

    def point(self, mark: CacheMark | None, path: str, *, tool: bool = False) -> list[Block]:
        """The cache point to put behind a block; call it in the order tools, system, messages."""
        if mark is None:
            return []
        if not (self._traits.caches_tools if tool else self._traits.caches):
            self._lost.append(f"{path}.cache")
            return []
        if self._surplus:
            self._surplus -= 1
            self._lost.append(f"{path}.cache")
            return []
        if mark.ttl is not None and mark.ttl not in _TTLS:
            self._lost.append(f"{path}.cache.ttl")
        point: Block = {"type": "default"}
        if mark.ttl in _TTLS:
            point["ttl"] = mark.ttl
        return [{"cachePoint": point}]


class _Turn:
    """One turn that is being written; `results` go before everything else in it."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.results: list[object] = []
        self.others: list[object] = []

    def said(self) -> Block:
        content = [*self.results, *self.others]
        if any(_is(block, "document") for block in self.others) and not any(_is(b, "text") for b in self.others):
            # A document without words beside it is refused.
            content.append({"text": PLACEHOLDER})
        return {"role": self.role, "content": content}


class TurnWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon."""

    def __init__(self, traits: Traits, marks: MarkBook, lost: list[str]) -> None:
        self._traits = traits
        self._marks = marks
        self._lost = lost
        self._names = Names()
        self._turns: list[_Turn] = []
        self.called: dict[str, None] = {}

    def write(self, messages: tuple[Message, ...]) -> tuple[list[Block], list[Block]]:
        """(system blocks, turns), in order. `called` then has the names of the tools in them, each once."""
        leading = 0
        while leading < len(messages) and messages[leading].role in _OPERATOR:
            leading += 1
        system: list[Block] = []
        for place in range(leading):
            self._lose(f"messages[{place}]", name=messages[place].name)
            system += self._words(messages[place], f"messages[{place}]")
        for place in range(leading, len(messages)):
            self._write(messages[place], f"messages[{place}]")
        self._trim()
        turns = [turn.said() for turn in self._turns]
        if not turns or turns[0]["role"] != "user":
            turns.insert(0, {"role": "user", "content": [{"text": PLACEHOLDER}]})
        return system, turns

    def _write(self, message: Message, path: str) -> None:
        self._lose(path, name=message.name)
        if message.role in _OPERATOR:
            # Between turns most models hear the operator only as the user; moved to the front the words would void
            # every cached prefix behind them.
            if words := self._words(message, path):
                self._lost.append(f"{path}.role")
                self._turn("user").others += words
            return
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        for place, part in enumerate(message.parts):
            here = f"{path}.parts[{place}]"
            if isinstance(part, ToolResult):
                self._turn("user").results += self._result(part, here)
            elif blocks := self._blocks(part, here):
                self._turn(role).others += blocks

    def _turn(self, role: str) -> _Turn:
        """The turn to add to: the last one, or a new one when the other speaks."""
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        return self._turns[-1]

    def _trim(self) -> None:
        """An answer begun for the model must not end in white space."""
        last = self._turns[-1] if self._turns else None
        block = last.others[-1] if last is not None and last.role == "assistant" and last.others else None
        if isinstance(block, dict) and isinstance(block.get("text"), str):
            block["text"] = block["text"].rstrip()

    def _words(self, message: Message, path: str) -> list[Block]:
        """The operator's words: text and nothing else."""
        blocks: list[Block] = []
        for place, part in enumerate(message.parts):
            here = f"{path}.parts[{place}]"
            if isinstance(part, Text):
                blocks += self._text(part, here)
            else:
                self._lost.append(here)
        return blocks

    def _blocks(self, part: Part, path: str) -> list[object]:
        """One part as blocks, its cache point behind it; none, and named as lost, where it cannot be said."""
        match part:
            case Text():
                return [*self._text(part, path)]
            case Refusal():
                return [{"text": part.text}] if part.text.strip() else []
            case ToolCall():
                return [self._call(part, path), *self._marks.point(part.cache, path)]
            case Reasoning():
                return self._thought(part, path)
            case Opaque() if part.family == FAMILY:
                return [part.raw]
        block = self._medium(part, path)
        return [] if block is None else [block, *self._marks.point(_mark_of(part), path)]

    def _medium(self, part: Part, path: str) -> Block | None:
        block = None
        match part:
            case Image():
                block = image_block(part)
                self._lose(path, detail=part.detail if block is not None and part.detail != "auto" else None)
            case Document():
                block = document_block(part, self._names)
            case Audio():
                block = audio_block(part)
        if block is None:
            self._lost.append(path)
        return block

    def _text(self, part: Text, path: str) -> list[Block]:
        """Text; blank text is refused, and says nothing."""
        if not part.text.strip():
            self._lose(path, cache=part.cache)
            return []
        self._lose(path, citations=part.citations, signature=part.signature)
        return [{"text": part.text}, *self._marks.point(part.cache, path)]

    def _call(self, part: ToolCall, path: str) -> Block:
        self._lose(path, signature=part.signature)
        if part.custom or not (is_object(part.arguments) or no_arguments(part.arguments)):
            self._lost.append(f"{path}.arguments")
        self.called[part.name] = None
        given: Raw = input_of(part.arguments, custom=part.custom)
        used = tool_id(part.id, short=self._traits.short_ids)
        return {"toolUse": {"toolUseId": used, "name": part.name, "input": given}}

    def _result(self, result: ToolResult, path: str) -> list[object]:
        """A tool's answer, and behind it the cache point that it or something in it bears: inside it none may stand."""
        content: list[object] = []
        marked = result.is_error and self._traits.result_status
        for place, part in enumerate((result if marked else in_words(result)).parts):
            content += self._inner(part, f"{path}.parts[{place}]")
        block: Block = {
            "toolUseId": tool_id(result.call_id, short=self._traits.short_ids),
            "content": content or [{"text": _NO_OUTPUT}],
        }
        if marked:
            block["status"] = "error"
        else:
            self._lose(path, is_error=result.is_error)
        return [{"toolResult": block}, *self._marks.point(_mark_of(result), path)]

    def _inner(self, part: Text | Image | Document | Opaque, path: str) -> list[object]:
        """One part of a tool's answer, without its cache point."""
        if isinstance(part, Text):
            self._lose(path, citations=part.citations, signature=part.signature)
            return [{"text": part.text}] if part.text.strip() else []
        if isinstance(part, Opaque) and part.family == FAMILY:
            return [part.raw]
        block = self._medium(part, path)
        return [] if block is None else [block]

    def _thought(self, part: Reasoning, path: str) -> list[object]:
        """Thinking goes back only as Claude sealed it: what lost its seal, or what others thought, is refused."""
        if self._traits.replays_thinking and part.family == CLAUDE:
            if part.redacted is not None:
                return [{"reasoningContent": {"redactedContent": b64encode(part.redacted.encode()).decode()}}]
            if part.signature is not None:
                sealed = {"text": part.text, "signature": part.signature}
                return [{"reasoningContent": {"reasoningText": sealed}}]
        self._lost.append(path)
        return []

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self._lost += [f"{path}.{name}" for name, value in members.items() if value]


def _mark_of(part: Part) -> CacheMark | None:
    """The cache mark on a part, or on the last marked part of a tool's answer."""
    mark: CacheMark | None = getattr(part, "cache", None)
    if mark is None and isinstance(part, ToolResult):
        inner = (getattr(one, "cache", None) for one in reversed(part.parts))
        mark = next((found for found in inner if found is not None), None)
    return mark


def _is(block: object, kind: str) -> bool:
    return isinstance(block, dict) and kind in block
