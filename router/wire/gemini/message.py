"""Turns of a conversation, from canon to Google's contents.

Google knows two roles. A model's turn that calls must be followed at once by one turn that answers every call, in the
order of the calls, since most calls have no ids to be matched by. So the turns between two of the model's are gathered:
first the answers, then what was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Raw

from router.canon.request import (
    Audio,
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
from router.wire.gemini.models import Model
from router.wire.gemini.reply import MADE_UP
from router.wire.gemini.schema import MEMBERS, UNREADABLE
from router.wire.gemini.surface import Surface
from router.wire.members import no_arguments
from router.wire.signatures import unpack_id
from router.wire.toolnames import fit_name, name_rule

NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google's own documentation gives for a call that another model made, or whose signature a client dropped.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures, FAQ, read 2026-11.
"""

TOOL_NAMES = name_rule("A-Za-z0-9_.:-", 64, first="A-Za-z_")
"""Newer models take 128 characters, older ones 64."""

WirePart = dict[str, object]

_TYPES_BY_BEGINNING = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}
"""What base64 of a file begins with, for callers who do not say what they send."""

_TYPES_BY_ENDING = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".html": "text/html",
    ".mp3": "audio/mp3",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
}
_AUDIO_TYPES = {"mp3": "audio/mp3", "pcm16": "audio/pcm", "aac": "audio/aac", "m4a": "audio/mp4"}

_SYSTEM = (Role.SYSTEM, Role.DEVELOPER)


class MessageWriter:
    """Canon -> wire for one request. What cannot be said is added to `lost`, by its path in canon."""

    def __init__(self, model: Model, surface: Surface) -> None:
        self.lost: list[str] = []
        self.system: list[WirePart] = []
        self._model = model
        self._surface = surface
        self._contents: list[WirePart] = []
        self._names: dict[str, str] = {}
        self._calls = 0
        self._order: dict[str, int] = {}
        self._results: list[tuple[int, WirePart]] = []
        self._beside: list[WirePart] = []
        self._said: list[WirePart] = []

    def write(self, messages: Iterable[Message]) -> list[WirePart]:
        """The contents in order; what stood before them as instructions is in `system` afterwards."""
        leading = True
        for place, message in enumerate(messages):
            path = f"messages[{place}]"
            self._lose(path, name=message.name)
            leading = leading and message.role in _SYSTEM
            if message.role is Role.ASSISTANT:
                self._flush()
                self._model_turn(message, path)
            elif leading and self._model.takes_system:
                self.system += self._turn(message, path)
            else:
                # Instructions have no place between turns; a model without any reads them as the user's first words.
                if message.role in _SYSTEM and not leading:
                    self.lost.append(f"{path}.role")
                self._said += self._turn(message, path)
        self._flush()
        if not self._contents and self.system:
            self._contents, self.system = [{"role": "user", "parts": self.system}], []
        self._sign()
        return self._contents

    def _flush(self) -> None:
        """End the turn between two of the model's: answers in the order of their calls, then what was said."""
        answers = [part for _, part in sorted(self._results, key=lambda pair: pair[0])] + self._beside
        self._add("user", answers)
        last = self._contents[-1] if self._contents else None
        if self._said and last is not None and last["role"] == "user" and not answers and not _answers(last):
            # What the model said between them could not be told: turns of one role that follow each other are one.
            last["parts"] = [*_parts_of(last), *self._said]
        else:
            self._add("user", self._said)
        self._results, self._beside, self._said = [], [], []

    def _add(self, role: str, parts: list[WirePart]) -> None:
        if parts:
            self._contents.append({"role": role, "parts": parts})

    def _sign(self) -> None:
        """Mark the first call of each of the model's turns that has no signature: without one it would be refused."""
        if not self._model.wants_signatures:
            return
        for content in self._contents:
            parts = content["parts"]
            assert isinstance(parts, list)
            first = next((part for part in parts if "functionCall" in part), None)
            if first is not None:
                first.setdefault("thoughtSignature", NO_SIGNATURE)

    def _model_turn(self, message: Message, path: str) -> None:
        parts = self._turn(message, path)
        for part in message.parts:
            if isinstance(part, ToolCall):
                self._calls += 1
                self._order[unpack_id(part.id).id] = self._calls
        last = self._contents[-1] if self._contents else None
        if last is not None and last["role"] == "model":
            parts = [*_parts_of(last), *parts]
            self._contents.pop()
        self._add("model", parts)

    def _turn(self, message: Message, path: str) -> list[WirePart]:
        return [
            encoded
            for number, part in enumerate(message.parts)
            for encoded in self._part(part, f"{path}.parts[{number}]")
        ]

    def _part(self, part: Part, path: str) -> Iterator[WirePart]:
        match part:
            case Text():
                yield from self._text(part, path)
            case Refusal():
                yield {"text": part.text}
            case Reasoning():
                yield from self._thought(part, path)
            case ToolCall():
                yield self._call(part, path)
            case ToolResult():
                self._result(part, path)
            case Opaque():
                yield from self._opaque(part, path)
            case Image() | Document() | Audio():
                yield from self._medium(part, path)

    def _text(self, part: Text, path: str) -> Iterator[WirePart]:
        """Text; without any, only if it carries a signature."""
        self._lose(path, cache=part.cache, citations=part.citations)
        if part.text or part.signature:
            yield {"text": part.text, **_signed(part.signature)}

    def _opaque(self, part: Opaque, path: str) -> Iterator[WirePart]:
        """One of Google's own parts, as the same service said it."""
        if part.family == self._surface.family:
            yield dict(MEMBERS.decode(part.raw))
        else:
            self.lost.append(path)

    def _thought(self, part: Reasoning, path: str) -> Iterator[WirePart]:
        """Thinking goes back only to the service that made it; a signature without words is the text's before it."""
        if part.family != self._surface.family or not (part.text or part.signature):
            self.lost.append(path)
            return
        self._lose(path, redacted=part.redacted)
        yield {"text": part.text, **({"thought": True} if part.text else {}), **_signed(part.signature)}

    def _call(self, part: ToolCall, path: str) -> WirePart:
        """A call with its signature, which its id may carry."""
        seen = unpack_id(part.id)
        signature, family = (part.signature, part.family) if part.signature else (seen.signature, seen.family)
        self._names[seen.id] = part.name
        self._lose(path, cache=part.cache, custom=part.custom)
        if signature is not None and family != self._surface.family:
            self.lost.append(f"{path}.signature")
            signature = None
        call = {**self._id(seen.id), "name": part.name, "args": self._arguments(part, path)}
        return {"functionCall": call, **_signed(signature)}

    def _arguments(self, part: ToolCall, path: str) -> object:
        """Arguments as the object they must be; what is none is the one member of one."""
        if no_arguments(part.arguments, custom=part.custom):
            return {}
        if not part.custom:
            try:
                MEMBERS.decode(part.arguments)
            except UNREADABLE:
                self.lost.append(f"{path}.arguments")
            else:
                return Raw(part.arguments.encode())
        return {"input": part.arguments}

    def _id(self, call_id: str) -> WirePart:
        """The id, where the service takes ids and the id is not one of ours."""
        sent = self._surface.sends_ids and not call_id.startswith(MADE_UP)
        return {"id": call_id} if sent else {}

    def _result(self, part: ToolResult, path: str) -> None:
        """What a tool answered, as text that nobody reads: in an object, a `$ref` would be taken for a pointer."""
        self._lose(path, cache=part.cache)
        texts: list[str] = []
        media: list[WirePart] = []
        for number, inner in enumerate(part.parts):
            here = f"{path}.parts[{number}]"
            if isinstance(inner, Text):
                self._lose(here, cache=inner.cache, citations=inner.citations)
                texts.append(inner.text)
            elif isinstance(inner, Opaque):
                self.lost.append(here)
            else:
                media += self._medium(inner, here)
        call_id = unpack_id(part.call_id).id
        name = self._names.get(call_id) or part.name or fit_name(call_id, TOOL_NAMES)
        said = texts if len(texts) > 1 else "".join(texts)
        response = {**self._id(call_id), "name": name, "response": {"error" if part.is_error else "output": said}}
        inside = [medium for medium in media if "inlineData" in medium and self._model.takes_media_in_results]
        if inside:
            response["parts"] = inside
        self._beside += [medium for medium in media if medium not in inside]
        self._results.append((self._order.get(call_id, self._calls + 1), {"functionResponse": response}))

    def _medium(self, part: Image | Document | Audio, path: str) -> Iterator[WirePart]:
        match part:
            case Audio():
                kind = _AUDIO_TYPES.get(part.format, f"audio/{part.format}")
                yield {"inlineData": {"mimeType": kind, "data": part.data}}
                return
            case Image():
                self._lose(path, cache=part.cache, detail=part.detail if part.detail != "auto" else None)
            case Document():
                self._lose(path, cache=part.cache, name=part.name, context=part.context, citations=part.citations)
                if part.source.media_type == "text/plain" and part.source.data is not None:
                    yield {"text": part.source.data}
                    return
        encoded = _stored(part.source, "image/jpeg" if isinstance(part, Image) else "application/pdf")
        if encoded is None:
            self.lost.append(path)
        else:
            yield encoded

    def _lose(self, path: str, **members: object) -> None:
        """Name each member that is set."""
        self.lost += [f"{path}.{name}" for name, value in members.items() if value]


def _answers(content: WirePart) -> bool:
    """Whether it holds tools' answers, beside which nothing else may be counted."""
    return any("functionResponse" in part for part in _parts_of(content))


def _parts_of(content: WirePart) -> list[WirePart]:
    parts = content["parts"]
    assert isinstance(parts, list)
    return parts


def _signed(signature: str | None) -> WirePart:
    """A signature stands beside what it signs, never inside."""
    return {"thoughtSignature": signature} if signature else {}


def _stored(source: Source, otherwise: str) -> WirePart | None:
    """A medium by its bytes or by its address; None for an id in the store of another provider."""
    if source.data is not None:
        found = (kind for head, kind in _TYPES_BY_BEGINNING.items() if source.data.startswith(head))
        return {"inlineData": {"mimeType": source.media_type or next(found, otherwise), "data": source.data}}
    address = source.url or source.file_id or ""
    if not address.startswith(("https:", "http:", "gs:")):
        return None
    path = address.partition("?")[0].lower()
    kind = next((kind for ending, kind in _TYPES_BY_ENDING.items() if path.endswith(ending)), otherwise)
    return {"fileData": {"mimeType": source.media_type or kind, "fileUri": address}}
