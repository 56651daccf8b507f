"""What a provider means to say, and how it comes out in its dialect.

Everything here is written by hand and not by the router's own encoders: what is wrong in both would not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder


class ToolUse(Struct, frozen=True, kw_only=True):
    """A call of a tool; `pieces` of its arguments, JSON when joined."""

    id: str
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """All of them."""
        return "".join(self.pieces)


class Meaning(Struct, frozen=True, kw_only=True):
    """One answer, in no dialect.

    Args:
        words: pieces of text.
        thoughts: pieces of reasoning before it.
        calls: tools that are called after it.
        usage: tokens in, tokens out, as the last count says.
        id: of the answer.
    """

    words: tuple[str, ...]
    thoughts: tuple[str, ...] = ()
    calls: tuple[ToolUse, ...] = ()
    usage: tuple[int, int]
    model: str
    id: str

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.words)

    @property
    def thought(self) -> str:
        """All of it."""
        return "".join(self.thoughts)

    @property
    def told(self) -> str:
        """The calls as one text, in a form that only a complete call has."""
        return "".join(f"{call.name}({call.arguments})" for call in self.calls)


Said = tuple[tuple[bytes, ...], int]
"""Blocks, one event each, and the place of the one that holds the last word."""


class Tongue(Struct, frozen=True, kw_only=True):
    """How one dialect says a meaning.

    Args:
        kind: of provider that speaks it.
        stream: as events.
        whole: as one body.
        stream_type: content type of a stream.
    """

    kind: str
    stream: Callable[[Meaning], Said]
    whole: Callable[[Meaning], Mapping[str, Any]]
    stream_type: str = "text/event-stream"


class Speech(Struct, frozen=True, kw_only=True):
    """One answer, well said.

    Args:
        blocks: of a stream one event each; of a whole answer the one body.
        terminal: place of the block that holds the last word.
        last_word: the bytes without which the answer is not complete, as they stand in `blocks`.
        streamed: whether a stream was asked for.
        dialect: it is said in.
        content_type: of the head.
    """

    blocks: tuple[bytes, ...]
    terminal: int
    last_word: bytes
    streamed: bool
    dialect: str
    content_type: str

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.blocks)


compact: Callable[[Mapping[str, Any]], bytes] = Encoder().encode
"""JSON without blanks, its letters as they are: a character of two bytes can be cut in two."""


def event(said: Mapping[str, Any], name: str = "") -> bytes:
    """A server-sent event."""
    head = b"event: %b\n" % name.encode() if name else b""
    return b"%bdata: %b\n\n" % (head, compact(said))


def draw_meaning(chance: Random, mark: str, model: str) -> Meaning:
    """What is said to one request: text, often; before it a thought, after it calls, now and then."""
    calls = chance.choice((0, 0, 0, 0, 1, 2))
    words = tuple(f"{mark} {n} é " for n in range(chance.randint(0 if calls else 1, 8)))
    thoughts = tuple(f"{mark} hm {n} " for n in range(chance.choice((0, 0, 0, 2))))
    return Meaning(
        words=words,
        thoughts=thoughts,
        calls=tuple(_draw_call(mark, n) for n in range(calls)),
        usage=(chance.randint(1, 5000), chance.randint(2, 5000)),
        model=model,
        id=mark.replace(" ", "-"),
    )


def _draw_call(mark: str, number: int) -> ToolUse:
    arguments = compact({"said": mark, "n": number}).decode()
    middle = len(arguments) // 2
    return ToolUse(id=f"call_{number}", name=f"tool{number}", pieces=(arguments[:middle], arguments[middle:]))
