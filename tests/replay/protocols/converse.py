"""Amazon Bedrock's Converse."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.framing import EXCEPTION
from tests.replay.said import Answer, Call, Said, Usage, answer, arguments

Json = Any


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """An answer, or the events of one; a stream is put together to what the whole answer would have been."""
    if not streamed:
        return _whole(pieces[0])
    blocks: dict[int, Json] = {}
    whole: Json = {"usage": None, "stopReason": ""}
    for piece in pieces:
        match piece:
            case {"contentBlockStart": {"contentBlockIndex": place, "start": {"toolUse": begun}}}:
                blocks[place] = {"toolUse": {**begun, "input": ""}}
            case {"contentBlockDelta": {"contentBlockIndex": place, "delta": delta}}:
                _add(blocks.setdefault(place, {}), delta)
            case {"messageStop": {"stopReason": reason}}:
                whole["stopReason"] = reason
            case {"metadata": {"usage": usage}}:
                whole["usage"] = usage
            case _ if EXCEPTION in piece:
                return Said((_answer(list(blocks.values()), ""),), None, why(piece))
    return _whole({**whole, "output": {"message": {"content": list(blocks.values())}}})


def _add(block: Json, delta: Json) -> None:
    match delta:
        case {"text": text}:
            block["text"] = block.get("text", "") + text
        case {"toolUse": {"input": text}}:
            block["toolUse"]["input"] += text
        case {"reasoningContent": {"text": text}}:
            thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})
            thought["reasoningText"]["text"] += text


def _whole(said: Json) -> Said:
    return Said((_answer(said["output"]["message"]["content"], said["stopReason"]),), _usage(said["usage"]))


def _answer(content: list[Json], finish: str) -> Answer:
    calls = [block["toolUse"] for block in content if "toolUse" in block and not _is_own(block)]
    # A tool that the service ran itself leaves the word for calls behind, and nothing to call.
    if finish == "tool_use" and not calls:
        finish = "end_turn"
    return answer(
        finish,
        text="".join(map(_text, content)),
        thinking="\n\n".join(filter(None, map(_thinking, content))),
        calls=tuple(Call(call["name"], arguments(call["input"]), call["toolUseId"]) for call in calls),
        own=tuple(name for block in content if _is_own(block) for name in block),
    )


def _text(block: Json) -> str:
    cited = (block.get("citationsContent") or {}).get("content") or ()
    return (block.get("text") or "") + "".join(piece["text"] for piece in cited)


def _thinking(block: Json) -> str:
    thought = (block.get("reasoningContent") or {}).get("reasoningText") or {}
    return thought.get("text") or ""


def _is_own(block: Json) -> bool:
    """What the service did itself, and whatever it may say one day that nobody has read."""
    if "toolUse" in block:
        return bool(block["toolUse"].get("type") == "server_tool_use")
    return not block.keys() & {"text", "reasoningContent", "citationsContent"}


def _usage(counted: Json) -> Usage | None:
    if not counted:
        return None
    cached, kept = counted.get("cacheReadInputTokens") or 0, counted.get("cacheWriteInputTokens") or 0
    return Usage(counted["inputTokens"] + cached + kept, counted["outputTokens"], cached)
