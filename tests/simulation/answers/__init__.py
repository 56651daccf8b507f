"""What providers that are well say: a file for each dialect, found by the dialect's name."""

from __future__ import annotations

from tests.simulation.answers import bedrock, chat, cohere, gemini, messages, ollama, responses
from tests.simulation.answers.chat import DONE
from tests.simulation.answers.speech import Meaning, Speech, Tongue, ToolUse, compact, draw_meaning

TONGUES: dict[str, Tongue] = {
    "openai-chat": chat.TONGUE,
    "anthropic-messages": messages.TONGUE,
    "openai-responses": responses.TONGUE,
    "gemini": gemini.TONGUE,
    "cohere-v2": cohere.TONGUE,
    "ollama-chat": ollama.TONGUE,
    "bedrock-converse": bedrock.TONGUE,
}
"""By dialect."""

SPOKEN = tuple(TONGUES)
"""The dialects that simulated providers speak."""

__all__ = ["DONE", "SPOKEN", "TONGUES", "Meaning", "Speech", "ToolUse", "draw_meaning", "speech"]


def speech(dialect: str, meaning: Meaning, *, streamed: bool) -> Speech:
    """A meaning as one answer of a provider that speaks `dialect`."""
    tongue = TONGUES[dialect]
    if streamed:
        blocks, terminal = tongue.stream(meaning)
    else:
        blocks, terminal = (compact(tongue.whole(meaning)),), 0
    return Speech(
        blocks=blocks,
        terminal=terminal,
        last_word=blocks[terminal].rstrip(b"\n"),
        streamed=streamed,
        dialect=dialect,
        content_type=tongue.stream_type if streamed else "application/json",
    )
