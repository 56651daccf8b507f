"""Streams as no document has them: strange orders, nulls, repeats and gaps. Nothing is invented, lost or called whole
that is not, and where their bytes were cut on the way never shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from router.canon.event import (
    Ended,
    Event,
    Finished,
    OpaqueAdded,
    ReasoningDelta,
    Skipped,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from router.errors import WireFault
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.bedrock_converse import DIALECT as CONVERSE
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Dialect, Frame
from router.wire.gemini import DIALECT as GEMINI
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from tests.wire.cutting import cuts, split
from tests.wire.strange.chat import CHATS
from tests.wire.strange.cohere import COHERES
from tests.wire.strange.converse import CONVERSE_STREAMS
from tests.wire.strange.gemini import GENERATED
from tests.wire.strange.messages import MESSAGE_STREAMS
from tests.wire.strange.ollama import OLLAMAS
from tests.wire.strange.responses import RESPONSE_STREAMS
from tests.wire.strange.said import Spelling, Strange, aws, entry, line, sse, sse_with_returns

_WORDS: dict[type, Callable[[Any], str]] = {
    TextDelta: lambda event: event.text,
    ReasoningDelta: lambda event: f"({event.text}{'!' if event.signature else ''})",
    ToolCallStarted: lambda event: f"{event.index}={event.name}",
    ToolCallDelta: lambda event: f"{event.index}:{event.arguments}",
    Finished: lambda event: f"<{event.reason}>",
    OpaqueAdded: lambda event: "opaque",
    Skipped: lambda event: "skipped",
    Ended: lambda event: ".",
}

_ALL: tuple[tuple[Dialect, Strange, tuple[Spelling, ...]], ...] = (
    (CHAT, CHATS, (sse, sse_with_returns)),
    (MESSAGES, MESSAGE_STREAMS, (sse, sse_with_returns)),
    (RESPONSES, RESPONSE_STREAMS, (sse, sse_with_returns)),
    (CONVERSE, CONVERSE_STREAMS, (aws,)),
    (GEMINI, GENERATED, (sse, sse_with_returns, entry)),
    (COHERE, COHERES, (sse, sse_with_returns)),
    (OLLAMA, OLLAMAS, (line,)),
)
"""A dialect, its strange streams, and the forms in which they come."""


def understood(dialect: Dialect, frames: Iterable[Frame]) -> str:
    """What a decoder makes of a stream, in short; calls must have ids of their own."""
    decoder = dialect.decoder()
    events: list[Event] = []
    end = ""
    try:
        for frame in frames:
            events += decoder.feed(frame)
        events += decoder.end()
    except WireFault as fault:
        end = f"!{fault.reason}"
    ids = [event.id for event in events if isinstance(event, ToolCallStarted)]
    assert len(set(ids)) == len(ids) and all(ids)
    words = [_WORDS[type(event)](event) for event in events if type(event) in _WORDS]
    return " ".join([*words, *([end] if end else [])])


@pytest.mark.parametrize(
    ("dialect", "spellings", "stream", "meant"),
    [
        pytest.param(dialect, spellings, *row, id=f"{dialect.name}: {name}")
        for dialect, streams, spellings in _ALL
        for name, row in streams.items()
    ],
)
def test_a_strange_stream_is_understood_as_it_was_meant(
    dialect: Dialect, spellings: tuple[Spelling, ...], stream: Any, meant: str
) -> None:
    """What came is told once and in order; an answer ends only where its provider ended it, and a broken one never.

    A decoder knows no more than its frames, so that the same frames from any cut are the same answer.
    """
    for spell in spellings:
        body = b"".join(map(spell, stream))
        frames = split(dialect.splitter(1 << 20), [body])
        assert understood(dialect, frames) == meant
        for blocks in cuts(body):
            assert split(dialect.splitter(1 << 20), blocks) == frames
