"""What a client hears, held to the rules of its protocol that clients crash on. Nothing of the product is used.

An answer that passed untouched is read as leniently as any provider's; one that was translated must be impeccable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.replay.framing import events
from tests.replay.fronts import CHAT, MESSAGES, RESPONSES, Front
from tests.replay.reading import read_body
from tests.replay.said import Said

Json = Any


class Wrong(Exception):
    """An answer breaks a rule of its own protocol; the message says which."""


def hear(front: Front, status: int, body: bytes, *, streamed: bool, passed: bool) -> Said:
    """The answer as a client takes it. Raises `Wrong`."""
    if status != 200:
        return Said(fault=_reason(front, json.loads(body)))
    if not streamed:
        whole = json.loads(body)
        # What passed untouched may lack a member that no client reads.
        _must(passed or whole.get("object", whole.get("type")) == _KINDS[front.name], "it is no answer of its protocol")
        return read_body(front.api, body, streamed=False)
    said = list(events(body))
    fault = next((_reason(front, json.loads(data)) for _, data in said if _is_error(front, data)), None)
    _check_end(front, said, body, failed=fault is not None)
    if not passed:
        _STRICT[front.name](said, fault is None)
    heard = read_body(front.api, _until_error(front, body), streamed=True)
    return heard._replace(fault=fault)


def words(front: Front, body: bytes, *, streamed: bool) -> list[str]:
    """The words with which the answers end, as they are on the wire."""
    if not streamed:
        return [_ending(front, json.loads(body), position) for position in range(_count(front, json.loads(body)))]
    said = [json.loads(data) for _, data in events(body) if data != "[DONE]"]
    if front is CHAT:
        finishes = [
            (choice.get("index") or 0, choice["finish_reason"])
            for piece in said
            for choice in piece.get("choices") or ()
            if choice.get("finish_reason") is not None
        ]
        return [word for _, word in sorted(dict(finishes).items())]
    if front is MESSAGES:
        return [piece["delta"]["stop_reason"] for piece in said if piece["type"] == "message_delta"][-1:]
    return [_ending(front, piece["response"], 0) for piece in said if piece["type"] in _TERMINALS]


_TERMINALS = ("response.completed", "response.incomplete")
_KINDS = {CHAT.name: "chat.completion", RESPONSES.name: "response", MESSAGES.name: "message"}


def _count(front: Front, whole: Json) -> int:
    return len(whole["choices"]) if front is CHAT else 1


def _ending(front: Front, whole: Json, position: int) -> str:
    if front is CHAT:
        return str(whole["choices"][position]["finish_reason"])
    if front is MESSAGES:
        return str(whole["stop_reason"])
    return str((whole.get("incomplete_details") or {}).get("reason") or whole["status"])


def _reason(front: Front, body: Json) -> str:
    """The reason in an error, in the dialect's own form."""
    error = body.get("error")
    _must(isinstance(error, dict), "an error has no error object")
    members = {"type", "message"} if front is MESSAGES else {"message", "type", "param", "code"}
    _must(members <= set(error), f"an error lacks {members - set(error)}")
    if front is MESSAGES:
        _must(body.get("type") == "error" and "request_id" in body, "an error is not in Anthropic's envelope")
    elif front is RESPONSES and "type" in body:
        _must({"code", "message", "param", "sequence_number"} <= set(body), "an error event lacks its own members")
    _must(bool(error["message"]), "an error says nothing")
    metadata = error.get("metadata") or {}
    _must("reason" in metadata, "an error does not tell its reason")
    return str(metadata["reason"])


def _is_error(front: Front, data: str) -> bool:
    if data == "[DONE]":
        return False
    said = json.loads(data)
    return "error" in said and not said.get("choices") if front is CHAT else said.get("type") == "error"


def _until_error(front: Front, body: bytes) -> bytes:
    """The stream without its error event, whose words are ours and judged already."""
    blocks = body.decode().replace("\r\n", "\n").split("\n\n")
    kept = [block for block in blocks if not any(_is_error(front, data) for _, data in events(block.encode()))]
    return "\n\n".join(kept).encode()


def _check_end(front: Front, said: list[tuple[str, str]], body: bytes, *, failed: bool) -> None:
    """A complete answer ends with the protocol's terminal event, once and last; a failed one never has it."""
    terminal = {CHAT.name: ("[DONE]",), RESPONSES.name: _TERMINALS, MESSAGES.name: ("message_stop",)}[front.name]
    kinds = [data if data == "[DONE]" else json.loads(data).get("type", "") for _, data in said]
    found = [place for place, kind in enumerate(kinds) if kind in terminal]
    if failed:
        _must(not found, "an answer that failed has a terminal event")
        _must(_is_error(front, said[-1][1]), "something follows an error")
    else:
        _must(found == [len(kinds) - 1], f"terminal events at {found} of {len(kinds)}")
    _must(body.endswith(b"\n\n") or body.endswith(b"\r\n\r\n"), "the last event is not closed")


def _check_chat(said: list[tuple[str, str]], complete: bool) -> None:
    chunks = [json.loads(data) for _, data in said if data != "[DONE]"]
    chunks = [chunk for chunk in chunks if "choices" in chunk]
    _must(not any(name for name, _ in said), "a chunk has an event name")
    _must(
        len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1, "chunks name several answers"
    )
    _must({chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}, "a chunk is none")
    if complete:
        _must(chunks[-1]["choices"] == [] and "usage" in chunks[-1], "usage does not come last")
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for index in {choice["index"] for choice in choices}:
        _check_choice([choice for choice in choices if choice["index"] == index], complete)


def _check_choice(pieces: list[Json], complete: bool) -> None:
    roles = [piece["delta"]["role"] for piece in pieces if "role" in piece["delta"]]
    _must(roles == ["assistant"], f"roles are {roles}")
    finishes = [piece["finish_reason"] for piece in pieces if piece["finish_reason"] is not None]
    _must(len(finishes) == complete, f"a choice has {len(finishes)} finish reasons")
    begun: list[int] = []
    for call in (call for piece in pieces for call in piece["delta"].get("tool_calls") or ()):
        if "id" in call:
            _must(call["index"] == len(begun) and bool(call["id"]) and call["type"] in ("function", "custom"), "a call")
            begun.append(call["index"])
        _must(call["index"] in begun, "arguments of a call that was not begun")


def _check_responses(said: list[tuple[str, str]], complete: bool) -> None:
    all_said = [json.loads(data) for _, data in said]
    _must([name for name, _ in said] == [one["type"] for one in all_said], "an event has another name than type")
    numbers = [one["sequence_number"] for one in all_said]
    _must(numbers == list(range(len(numbers))), "events are not numbered without gaps")
    kinds = [one["type"] for one in all_said]
    _must(kinds[:2] == ["response.created", "response.in_progress"], f"a stream begins with {kinds[:2]}")
    if not complete:
        return
    done = {one["output_index"]: one["item"] for one in all_said if one["type"] == "response.output_item.done"}
    added = [one["output_index"] for one in all_said if one["type"] == "response.output_item.added"]
    _must(added == list(range(len(added))) and sorted(done) == added, "items are not added in order and all done")
    last = all_said[-1]["response"]
    _must(last["output"] == [done[place] for place in added], "the response is not its items")
    _must(kinds.count("response.content_part.added") == kinds.count("response.content_part.done"), "a part is open")
    for kind, member in (("output_text", "text"), ("refusal", "refusal"), ("function_call_arguments", "arguments")):
        _check_pieces(all_said, kind, member)
    _check_pieces(all_said, "reasoning_summary_text", "text")


def _check_pieces(said: list[Json], kind: str, member: str) -> None:
    """The pieces of everything of this kind make up what is told whole when it is done."""
    told: dict[Json, str] = {}
    for one in said:
        place = (one.get("output_index"), one.get("content_index"), one.get("summary_index"))
        if one["type"] == f"response.{kind}.delta":
            told[place] = told.get(place, "") + one["delta"]
        elif one["type"] == f"response.{kind}.done":
            _must(told.pop(place, "") == one[member], f"{kind} is not the sum of its pieces")
    _must(not told, f"{kind} is not done")


def _check_messages(said: list[tuple[str, str]], complete: bool) -> None:
    all_said = [(name, json.loads(data)) for name, data in said]
    _must(all(name == one["type"] for name, one in all_said), "an event has another name than type")
    _must(all_said[0][0] == "message_start", "a stream does not begin with message_start")
    opened: int | None = None
    count = 0
    for name, one in all_said:
        match name:
            case "content_block_start":
                _must(opened is None and one["index"] == count, "a block begins inside another or out of order")
                opened, count = one["index"], count + 1
            case "content_block_delta":
                _must(one["index"] == opened, "a delta of a block that is not open")
            case "content_block_stop":
                _must(one["index"] == opened, "a block ends that is not open")
                opened = None
    names = [name for name, _ in all_said]
    _must(names.count("message_delta") == complete and (opened is None or not complete), "the message is not ended")


_STRICT: Mapping[str, Callable[[list[tuple[str, str]], bool], None]] = {
    CHAT.name: _check_chat,
    RESPONSES.name: _check_responses,
    MESSAGES.name: _check_messages,
}


def _must(holds: bool, rule: str) -> None:
    if not holds:
        raise Wrong(rule)
