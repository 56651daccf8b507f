"""An independent reading of a recording: plain JSON and the providers' documentation, nothing of the product.

Where this reading and what a caller heard differ, one of the two is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tests.replay.faults import why
from tests.replay.framing import pieces
from tests.replay.protocols import chat, cohere, converse, gemini, messages, ollama, responses
from tests.replay.recordings import Recording
from tests.replay.said import Said

PROTOCOLS: Mapping[str, Callable[..., Said]] = {
    "openai.chat": chat.read,
    "mistral.chat": chat.read,
    "openai.responses": responses.read,
    "anthropic.messages": messages.read,
    "bedrock.invoke": messages.read,
    "bedrock.invoke_stream": messages.read,
    "gemini.generateContent": gemini.read,
    "gemini.streamGenerateContent": gemini.read,
    "bedrock.converse": converse.read,
    "bedrock.converse_stream": converse.read,
    "cohere.chat.v2": cohere.read,
    "ollama.chat": ollama.read,
}
"""Protocol -> its reader."""


def read(recording: Recording) -> Said:
    """What a recording says: an answer, a failure, or an answer that failed on its way."""
    if recording.is_error:
        return Said(fault=why(_error(recording.body), recording.status))
    return read_body(recording.api, recording.body, streamed=recording.streamed)


def read_body(api: str, body: bytes, *, streamed: bool) -> Said:
    """What a body in that protocol says."""
    return PROTOCOLS[api](pieces(body, api, streamed=streamed), streamed=streamed)


def _error(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
