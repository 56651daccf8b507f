"""What a provider that is well says, in each dialect: blocks of a stream, or one body.

Written by hand and not by the router's own encoders: what is wrong in both would not show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

DONE = b"data: [DONE]\n\n"


class Speech(Struct, frozen=True, kw_only=True):
    """One answer, well said.

    Args:
        blocks: of a stream one event each; of a whole answer the one body.
        last_word: the bytes without which the answer is not complete, as they stand in `blocks`.
        terminal: place of the block that holds them.
        streamed: whether a stream was asked for.
        dialect: it is said in.
        usage: tokens in, tokens out, as the last count says.
    """

    blocks: tuple[bytes, ...]
    last_word: bytes
    terminal: int
    streamed: bool
    dialect: str
    usage: tuple[int, int]

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.blocks)


Words = tuple[str, ...]
Compose = Callable[[Words, tuple[int, int], str], tuple[tuple[bytes, ...], int]]


def _event(said: Mapping[str, Any], name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(said, separators=(',', ':'))}\n\n".encode()


def _chat(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
        head = {"id": f"chatcmpl-{words[0]}", "object": "chat.completion.chunk", "created": 1, "model": model}
        return _event({**head, "choices": choices, **more})

    def delta(fields: dict[str, str], finish: str | None = None) -> bytes:
        return chunk([{"index": 0, "delta": fields, "finish_reason": finish}])

    said = [delta({"role": "assistant", "content": ""}), *(delta({"content": word}) for word in words)]
    return (*said, delta({}, "stop"), chunk([], usage=_chat_usage(usage)), DONE), len(said)


def _chat_whole(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    message = {"role": "assistant", "content": "".join(words)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": f"chatcmpl-{words[0]}", "object": "chat.completion", "created": 1, "model": model}
    return (json.dumps({**head, "choices": [choice], "usage": _chat_usage(usage)}).encode(),), 0


def _chat_usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _messages(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    def event(kind: str, **fields: Any) -> bytes:
        return _event({"type": kind, **fields}, kind)

    # Its first event counts before anything was said: a preview that must not end in the account of a whole answer.
    message = _message(words, (usage[0], 1), model, content=[], stop=None)
    said = [event("message_start", message=message)]
    said.append(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    said += [event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words]
    said.append(event("content_block_stop", index=0))
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    ending = event("message_delta", delta=stop, usage={"output_tokens": usage[1]})
    return (*said, ending, event("message_stop")), len(said)


def _messages_whole(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    content = [{"type": "text", "text": "".join(words)}]
    return (json.dumps(_message(words, usage, model, content=content, stop="end_turn")).encode(),), 0


def _message(words: Words, usage: tuple[int, int], model: str, **said: Any) -> dict[str, Any]:
    return {
        "id": f"msg_{words[0]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": said["content"],
        "stop_reason": said["stop"],
        "stop_sequence": None,
        "usage": {"input_tokens": usage[0], "output_tokens": usage[1]},
    }


def _responses(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    said: list[bytes] = []

    def event(kind: str, **fields: Any) -> None:
        said.append(_event({"type": kind, "sequence_number": len(said), **fields}, kind))

    text, place = "".join(words), {"item_id": "msg_1", "output_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    event("response.created", response=_response(words, None, model, "in_progress"))
    event("response.output_item.added", output_index=0, item=_item("", "in_progress"))
    event("response.content_part.added", **place, content_index=0, part=part)
    for word in words:
        event("response.output_text.delta", **place, content_index=0, delta=word)
    event("response.output_text.done", **place, content_index=0, text=text)
    event("response.content_part.done", **place, content_index=0, part={**part, "text": text})
    event("response.output_item.done", output_index=0, item=_item(text, "completed"))
    event("response.completed", response=_response(words, usage, model, "completed"))
    return tuple(said), len(said) - 1


def _responses_whole(words: Words, usage: tuple[int, int], model: str) -> tuple[tuple[bytes, ...], int]:
    return (json.dumps(_response(words, usage, model, "completed")).encode(),), 0


def _item(text: str, status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}


def _response(words: Words, usage: tuple[int, int] | None, model: str, status: str) -> dict[str, Any]:
    counted = usage and {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)}
    output = [_item("".join(words), status)] if usage else []
    head = {"id": f"resp_{words[0]}", "object": "response", "created_at": 1, "model": model}
    return {**head, "status": status, "output": output, "usage": counted}


_COMPOSERS: dict[tuple[str, bool], Compose] = {
    ("openai-chat", True): _chat,
    ("openai-chat", False): _chat_whole,
    ("anthropic-messages", True): _messages,
    ("anthropic-messages", False): _messages_whole,
    ("openai-responses", True): _responses,
    ("openai-responses", False): _responses_whole,
}

SPOKEN = tuple(dict.fromkeys(dialect for dialect, _ in _COMPOSERS))
"""The dialects that simulated providers and callers speak."""


def speech(dialect: str, *, streamed: bool, words: Words, usage: tuple[int, int], model: str) -> Speech:
    """`words` as one answer, one event each where it is streamed."""
    blocks, terminal = _COMPOSERS[dialect, streamed](words, usage, model)
    return Speech(
        blocks=blocks,
        last_word=blocks[terminal].rstrip(b"\n"),
        terminal=terminal,
        streamed=streamed,
        dialect=dialect,
        usage=usage,
    )
