"""What recorded answers say, read by somebody who knows the providers' documentation and nothing of this router.

No types, no canon, no sharing with the product: where the two readings differ, one of them is wrong.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Json = Any
_FINISHES = {
    "STOP": "stop",
    "COMPLETE": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "completed": "stop",
    "MAX_TOKENS": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "TOOL_CALL": "tool_calls",
    "tool_use": "tool_calls",
    "SAFETY": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
}


class Said(NamedTuple):
    """One answer: `calls` are (name, arguments); `usage` is every token of the prompt, and of the answer."""

    text: str
    calls: list[tuple[str, Json]]
    finish: str
    usage: tuple[int, int] | None


def read(api: str, stream: bool, body: bytes) -> Said:
    """An answer of one of the protocols as the recordings' index names them."""
    family = api.partition(".")[0] if api.startswith(("gemini", "cohere", "ollama", "bedrock")) else api
    reader, many = _READERS[family]
    if not stream:
        return reader([json.loads(body)], False)
    return reader(list(many(body)), True)


def _said(text: str, calls: list[tuple[str, Json]], finish: str, usage: tuple[int, int] | None) -> Said:
    word = _FINISHES.get(finish, finish)
    return Said(text, calls, "tool_calls" if calls and word == "stop" else word, usage)


def _arguments(text: str) -> Json:
    return json.loads(text) if text.strip() else {}


def events(body: bytes) -> Iterator[Json]:
    """The JSON of each server-sent event."""
    for line in body.replace(b"\r\n", b"\n").split(b"\n"):
        if line.startswith(b"data:") and line[5:].strip() not in (b"", b"[DONE]"):
            yield json.loads(line[5:])


def _lines(body: bytes) -> Iterator[Json]:
    yield from (json.loads(line) for line in body.splitlines() if line.strip())


def _frames(body: bytes) -> Iterator[Json]:
    """The events of an AWS stream, each under its name; header values are text there."""
    while body:
        total, length = struct.unpack("!II", body[:8])
        headers, name = body[12 : 12 + length], ""
        while headers:
            key = headers[1 : 1 + headers[0]].decode()
            headers = headers[1 + headers[0] + 1 :]
            (size,) = struct.unpack("!H", headers[:2])
            name = headers[2 : 2 + size].decode() if key == ":event-type" else name
            headers = headers[2 + size :]
        yield {name: json.loads(body[12 + length : total - 4])}
        body = body[total:]


def _openai_chat(pieces: list[Json], stream: bool) -> Said:
    text, finish, calls, usage = "", "", {}, None  # type: str, str, dict[int, list[str]], Json
    for piece in pieces:
        usage = piece.get("usage") or usage
        for choice in piece.get("choices") or ():
            message = choice.get("delta" if stream else "message") or {}
            finish = choice.get("finish_reason") or finish
            text += _parts(message.get("content"))
            for place, call in enumerate(message.get("tool_calls") or ()):
                known = calls.setdefault(call.get("index", place), ["", ""])
                function = call.get("function") or {}
                known[0] = known[0] or function.get("name") or ""
                known[1] += function.get("arguments") or ""
    counted = (usage["prompt_tokens"], usage["completion_tokens"]) if usage else None
    return _said(text, [(name, _arguments(said)) for name, said in calls.values()], finish, counted)


def _parts(content: Json) -> str:
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def _responses(pieces: list[Json], stream: bool) -> Said:
    answer = pieces[-1]["response"] if stream else pieces[0]
    items = answer["output"]
    if stream and not items:
        items = [piece["item"] for piece in pieces if piece["type"] == "response.output_item.done"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    text = "".join(part["text"] for part in parts if part["type"] == "output_text")
    calls = [(item["name"], _arguments(item["arguments"])) for item in items if item["type"] == "function_call"]
    finish = (answer.get("incomplete_details") or {}).get("reason") or answer["status"]
    usage = answer["usage"]
    return _said(text, calls, finish, (usage["input_tokens"], usage["output_tokens"]))


def _anthropic(pieces: list[Json], stream: bool) -> Said:
    if not stream:
        return _anthropic_whole(pieces[0]["content"], pieces[0]["stop_reason"], pieces[0]["usage"])
    blocks: dict[int, Json] = {}
    finish, usage = "", {}  # type: str, Json
    for piece in pieces:
        match piece["type"]:
            case "message_start":
                usage = {**usage, **piece["message"]["usage"]}
            case "content_block_start":
                blocks[piece["index"]] = {**piece["content_block"], "json": ""}
            case "content_block_delta":
                block, delta = blocks[piece["index"]], piece["delta"]
                block["text"] = block.get("text", "") + delta.get("text", "")
                block["json"] += delta.get("partial_json", "")
            case "message_delta":
                finish = piece["delta"]["stop_reason"]
                usage = {**usage, **{name: count for name, count in piece["usage"].items() if count is not None}}
    whole = [{**block, "input": _arguments(block["json"])} for block in blocks.values()]
    return _anthropic_whole(whole, finish, usage)


def _anthropic_whole(blocks: list[Json], finish: str, usage: Json) -> Said:
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    return _said(text, calls, finish, (usage["input_tokens"] + cached, usage["output_tokens"]))


def _gemini(pieces: list[Json], _stream: bool) -> Said:
    text, calls, finish, usage = "", [], "", {}  # type: str, list[tuple[str, Json]], str, Json
    for piece in pieces:
        usage = piece.get("usageMetadata") or usage
        for candidate in piece.get("candidates") or ():
            finish = candidate.get("finishReason") or finish
            for part in candidate.get("content", {}).get("parts") or ():
                text += "" if part.get("thought") else part.get("text", "")
                if "functionCall" in part:
                    calls.append((part["functionCall"]["name"], part["functionCall"].get("args", {})))
    prompt = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0)
    return _said(text, calls, finish, (prompt, usage["totalTokenCount"] - prompt))


def _cohere_whole(answer: Json) -> Said:
    message = answer["message"]
    parts = [part["text"] for part in message.get("content") or () if part["type"] == "text"]
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    calls = [(function["name"], _arguments(function["arguments"])) for function in functions]
    text = (message.get("tool_plan") or "") + "".join(parts)
    return _said(text, calls, answer["finish_reason"], _cohere_usage(answer["usage"]))


def _cohere(pieces: list[Json], stream: bool) -> Said:
    if not stream:
        return _cohere_whole(pieces[0])
    text, made, finish, usage = "", [], "", None  # type: str, list[list[str]], str, tuple[int, int] | None
    for piece in pieces:
        delta = piece.get("delta") or {}
        message = delta.get("message") or {}
        match piece["type"]:
            case "content-start" | "content-delta":
                text += message["content"].get("text") or ""
            case "tool-plan-delta":
                text += message["tool_plan"]
            case "tool-call-start":
                made.append([message["tool_calls"]["function"]["name"], ""])
            case "tool-call-delta":
                made[-1][1] += message["tool_calls"]["function"]["arguments"]
            case "message-end":
                finish, usage = delta["finish_reason"], _cohere_usage(delta["usage"])
    return _said(text, [(name, _arguments(said)) for name, said in made], finish, usage)


def _cohere_usage(usage: Json) -> tuple[int, int]:
    return int(usage["tokens"]["input_tokens"]), int(usage["tokens"]["output_tokens"])


def _ollama(pieces: list[Json], _stream: bool) -> Said:
    text = "".join(piece["message"].get("content") or "" for piece in pieces)
    calls = [
        (call["function"]["name"], call["function"]["arguments"])
        for piece in pieces
        for call in piece["message"].get("tool_calls") or ()
    ]
    last = pieces[-1]
    return _said(text, calls, last["done_reason"], (last["prompt_eval_count"], last["eval_count"]))


def _bedrock_whole(answer: Json) -> Said:
    content = answer["output"]["message"]["content"]
    text = "".join(block.get("text", "") for block in content)
    used = [block["toolUse"] for block in content if "toolUse" in block]
    # Calls that the service carried out itself are nothing for a client to answer.
    calls = [(call["name"], call["input"]) for call in used if call.get("type") != "server_tool_use"]
    return _said(text, calls, answer["stopReason"], _bedrock_usage(answer["usage"]))


def _bedrock(pieces: list[Json], stream: bool) -> Said:
    if not stream:
        return _bedrock_whole(pieces[0])
    text, finish, usage = "", "", None  # type: str, str, tuple[int, int] | None
    made: dict[int, list[str]] = {}
    for piece in pieces:
        match piece:
            case {"contentBlockStart": {"contentBlockIndex": place, "start": {"toolUse": {"name": name}}}}:
                made[place] = [name, ""]
            case {"contentBlockDelta": {"delta": {"text": more}}}:
                text += more
            case {"contentBlockDelta": {"contentBlockIndex": place, "delta": {"toolUse": {"input": more}}}}:
                made[place][1] += more
            case {"messageStop": {"stopReason": finish}}:
                pass
            case {"metadata": {"usage": counts}}:
                usage = _bedrock_usage(counts)
    return _said(text, [(name, _arguments(said)) for name, said in made.values()], finish, usage)


def _bedrock_usage(usage: Json) -> tuple[int, int]:
    cached = usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
    return usage["inputTokens"] + cached, usage["outputTokens"]


_READERS: dict[str, tuple[Callable[[list[Json], bool], Said], Callable[[bytes], Iterator[Json]]]] = {
    "openai.chat": (_openai_chat, events),
    "mistral.chat": (_openai_chat, events),
    "openai.responses": (_responses, events),
    "anthropic.messages": (_anthropic, events),
    "gemini": (_gemini, events),
    "cohere": (_cohere, events),
    "ollama": (_ollama, _lines),
    "bedrock": (_bedrock, _frames),
}
