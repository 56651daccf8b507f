"""OpenAI's Responses, read by its finished items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.replay.faults import why
from tests.replay.said import Answer, Call, Said, Usage, answer, arguments

Json = Any

_ENDS = ("response.completed", "response.incomplete", "response.failed")


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """A response, or the events of one; an answer that failed keeps the words that were said before."""
    if not streamed:
        return _whole(pieces[0], pieces[0]["output"])
    items = {piece["output_index"]: piece["item"] for piece in pieces if piece["type"] == "response.output_item.done"}
    error = next((piece for piece in pieces if piece["type"] == "error"), None)
    last = next((piece["response"] for piece in pieces if piece["type"] in _ENDS), None)
    if last is None or error is not None:
        fault = why((error or {}).get("error") or error) if error else None
        return Said(_unfinished(pieces), None, fault)
    return _whole(last, [items[place] for place in sorted(items)] or last["output"])


def _whole(response: Json, items: list[Json]) -> Said:
    usage = _usage(response.get("usage"))
    if response.get("error"):
        return Said((), usage, why(response["error"]))
    offered = {tool.get("name") for tool in response.get("tools") or () if tool["type"] == "custom"}
    texts, refusals, thoughts = [], [], []
    calls: list[Call] = []
    own: list[str] = []
    for item in items:
        match item["type"]:
            case "message":
                texts += [part["text"] for part in item["content"] if part["type"] == "output_text"]
                refusals += [part["refusal"] for part in item["content"] if part["type"] == "refusal"]
            case "reasoning":
                thoughts += [part["text"] for part in (item.get("summary") or []) + (item.get("content") or [])]
            case "function_call":
                calls.append(Call(item["name"], arguments(item["arguments"]), item["call_id"]))
            case "custom_tool_call" if item["name"] in offered or not response.get("tools"):
                calls.append(Call(item["name"], item["input"], item["call_id"]))
            case kind:
                own.append(kind)
    ending = (response.get("incomplete_details") or {}).get("reason") or response["status"]
    said = answer(
        ending,
        text="".join(texts),
        refusal="".join(refusals),
        thinking="\n\n".join(thoughts),
        calls=tuple(calls),
        own=tuple(own),
    )
    return Said((said,), usage)


def _unfinished(pieces: list[Json]) -> tuple[Answer, ...]:
    """What was said until it broke off, by its pieces."""

    def told(*kinds: str) -> str:
        return "".join(piece["delta"] for piece in pieces if piece["type"] in kinds)

    return (
        Answer(
            text=told("response.output_text.delta"),
            refusal=told("response.refusal.delta"),
            thinking=told("response.reasoning_summary_text.delta", "response.reasoning_text.delta"),
            calls=tuple(_begun_calls(pieces)),
        ),
    )


def _begun_calls(pieces: list[Json]) -> Iterator[Call]:
    for begun in pieces:
        if begun["type"] == "response.output_item.added" and begun["item"]["type"] == "function_call":
            more = [
                piece["delta"]
                for piece in pieces
                if piece["type"] == "response.function_call_arguments.delta"
                and piece["output_index"] == begun["output_index"]
            ]
            yield Call(begun["item"]["name"], arguments("".join(more)), begun["item"]["call_id"])


def _usage(counted: Json) -> Usage | None:
    if not counted:
        return None
    said = max(counted["output_tokens"], (counted.get("total_tokens") or 0) - counted["input_tokens"])
    cached = (counted.get("input_tokens_details") or {}).get("cached_tokens") or 0
    thought = (counted.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    return Usage(counted["input_tokens"], said, cached, max(thought, said - counted["output_tokens"]))
