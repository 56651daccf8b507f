"""Amazon's Converse: binary frames with checksums."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue
from tests.wire.awsframes import event


def stream(meaning: Meaning) -> Said:
    """Blocks, the stop reason, and the count in an event behind it."""
    said = [event("messageStart", {"role": "assistant"})]
    index = 0
    if meaning.thoughts:
        texts = [{"reasoningContent": {"text": piece}} for piece in meaning.thoughts]
        said += _block(index, None, [*texts, {"reasoningContent": {"signature": "c2ln"}}])
        index += 1
    if meaning.words:
        said += _block(index, None, [{"text": word} for word in meaning.words])
        index += 1
    for place, call in enumerate(meaning.calls, index):
        start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
        said += _block(place, start, [{"toolUse": {"input": piece}} for piece in call.pieces])
    count = event("metadata", {"usage": _usage(meaning), "metrics": {"latencyMs": 7}})
    return (*said, event("messageStop", {"stopReason": _stop(meaning)}), count), len(said)


def whole(meaning: Meaning) -> dict[str, Any]:
    """One reply."""
    thought = {"reasoningText": {"text": meaning.thought, "signature": "c2ln"}}
    content: list[dict[str, Any]] = [{"reasoningContent": thought}] if meaning.thoughts else []
    content += [{"text": meaning.text}] if meaning.words else []
    content += [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": json.loads(call.arguments)}}
        for call in meaning.calls
    ]
    message = {"role": "assistant", "content": content}
    said = {"output": {"message": message}, "stopReason": _stop(meaning), "usage": _usage(meaning)}
    return {**said, "metrics": {"latencyMs": 7}}


def _block(index: int, start: dict[str, Any] | None, deltas: list[dict[str, Any]]) -> list[bytes]:
    said = [] if start is None else [event("contentBlockStart", {"contentBlockIndex": index, "start": start})]
    said += [event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
    return [*said, event("contentBlockStop", {"contentBlockIndex": index})]


def _stop(meaning: Meaning) -> str:
    return "tool_use" if meaning.calls else "end_turn"


def _usage(meaning: Meaning) -> dict[str, int]:
    tokens_in, tokens_out = meaning.usage
    return {"inputTokens": tokens_in, "outputTokens": tokens_out, "totalTokens": tokens_in + tokens_out}


TONGUE = Tongue(kind="bedrock", stream=stream, whole=whole, stream_type="application/vnd.amazon.eventstream")
