"""OpenAI's responses."""

from __future__ import annotations

from typing import Any

from tests.simulation.answers.speech import Meaning, Said, Tongue, event


def stream(meaning: Meaning) -> Said:
    """Items, each opened, filled and done, between the response's own events."""
    said = _Events()
    said.add("response.created", response=_response(meaning, [], "in_progress"))
    said.add("response.in_progress", response=_response(meaning, [], "in_progress"))
    if meaning.thoughts:
        _think(said, meaning)
    if meaning.words:
        _speak(said, meaning)
    for number in range(len(meaning.calls)):
        _call(said, meaning, number)
    said.add("response.completed", response=_response(meaning, said.items, "completed", meaning.usage))
    return tuple(said.blocks), len(said.blocks) - 1


def whole(meaning: Meaning) -> dict[str, Any]:
    """One response."""
    items = [_reasoning(meaning)] if meaning.thoughts else []
    items += [_message(meaning.text, "completed")] if meaning.words else []
    items += [_function(meaning, number, "completed") for number in range(len(meaning.calls))]
    return _response(meaning, items, "completed", meaning.usage)


class _Events:
    """The events so far, and the items that are done."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.items: list[dict[str, Any]] = []

    def add(self, kind: str, **fields: Any) -> None:
        self.blocks.append(event({"type": kind, "sequence_number": len(self.blocks), **fields}, kind))

    def done(self, item: dict[str, Any]) -> None:
        self.add("response.output_item.done", output_index=len(self.items), item=item)
        self.items.append(item)


def _think(said: _Events, meaning: Meaning) -> None:
    place = {"item_id": "rs_1", "output_index": len(said.items), "summary_index": 0}
    said.add("response.output_item.added", output_index=len(said.items), item=_reasoning(meaning, empty=True))
    said.add("response.reasoning_summary_part.added", **place, part={"type": "summary_text", "text": ""})
    for piece in meaning.thoughts:
        said.add("response.reasoning_summary_text.delta", **place, delta=piece)
    said.add("response.reasoning_summary_text.done", **place, text=meaning.thought)
    said.add("response.reasoning_summary_part.done", **place, part={"type": "summary_text", "text": meaning.thought})
    said.done(_reasoning(meaning))


def _speak(said: _Events, meaning: Meaning) -> None:
    place = {"item_id": "msg_1", "output_index": len(said.items), "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    said.add("response.output_item.added", output_index=len(said.items), item=_message("", "in_progress"))
    said.add("response.content_part.added", **place, part=part)
    for word in meaning.words:
        said.add("response.output_text.delta", **place, delta=word)
    said.add("response.output_text.done", **place, text=meaning.text)
    said.add("response.content_part.done", **place, part={**part, "text": meaning.text})
    said.done(_message(meaning.text, "completed"))


def _call(said: _Events, meaning: Meaning, number: int) -> None:
    call, place = meaning.calls[number], {"item_id": f"fc_{number}", "output_index": len(said.items)}
    item = {**_function(meaning, number, "in_progress"), "arguments": ""}
    said.add("response.output_item.added", output_index=len(said.items), item=item)
    for piece in call.pieces:
        said.add("response.function_call_arguments.delta", **place, delta=piece)
    said.add("response.function_call_arguments.done", **place, arguments=call.arguments)
    said.done(_function(meaning, number, "completed"))


def _reasoning(meaning: Meaning, *, empty: bool = False) -> dict[str, Any]:
    summary = [] if empty else [{"type": "summary_text", "text": meaning.thought}]
    return {"type": "reasoning", "id": "rs_1", "summary": summary}


def _message(text: str, status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}


def _function(meaning: Meaning, number: int, status: str) -> dict[str, Any]:
    call = meaning.calls[number]
    head = {"type": "function_call", "id": f"fc_{number}", "call_id": call.id, "name": call.name}
    return {**head, "arguments": call.arguments, "status": status}


def _response(
    meaning: Meaning, items: list[dict[str, Any]], status: str, usage: tuple[int, int] | None = None
) -> dict[str, Any]:
    counted = usage and {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)}
    head = {"id": f"resp_{meaning.id}", "object": "response", "created_at": 1, "model": meaning.model}
    return {**head, "status": status, "output": items, "usage": counted}


TONGUE = Tongue(kind="openai-responses", stream=stream, whole=whole)
