"""Recorded bytes -> the JSON in them, whatever they are framed in; plain, lenient, and without the product."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

Json = Any

EXCEPTION = "exception"
"""The member under which an exception of an AWS stream is kept, with its name."""


def pieces(body: bytes, api: str, *, streamed: bool) -> list[Json]:
    """Every JSON object of a recorded answer in order; one for an answer that was not streamed."""
    if not streamed:
        return [json.loads(body)]
    if api == "bedrock.converse_stream":
        return list(_aws_events(body))
    if api == "bedrock.invoke_stream":
        return [_inner(event) for event in _aws_events(body)]
    if api == "ollama.chat":
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    if body.lstrip().startswith(b"["):
        listed: list[Json] = json.loads(body)
        return listed
    return [json.loads(data) for _, data in events(body) if data.strip() not in ("", "[DONE]")]


def events(body: bytes) -> Iterator[tuple[str, str]]:
    """(event, data) of server-sent events; comments and ids are left out."""
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            if field == "event":
                name = value.strip()
            elif field == "data":
                data.append(value.removeprefix(" "))
        if data:
            yield name, "\n".join(data)


def _aws_events(body: bytes) -> Iterator[Json]:
    """The events of an AWS stream, each under its name. Every header's value is text there."""
    while body:
        total, length = struct.unpack("!II", body[:8])
        headers = dict(_aws_headers(body[12 : 12 + length]))
        payload = json.loads(body[12 + length : total - 4])
        if headers.get(":message-type") == "exception":
            yield {EXCEPTION: headers.get(":exception-type", ""), **payload}
        else:
            yield {headers.get(":event-type", ""): payload}
        body = body[total:]


def _aws_headers(block: bytes) -> Iterator[tuple[str, str]]:
    while block:
        name, block = block[1 : 1 + block[0]].decode(), block[1 + block[0] :]
        (size,) = struct.unpack("!H", block[1:3])
        yield name, block[3 : 3 + size].decode()
        block = block[3 + size :]


def _inner(event: Json) -> Json:
    """The model's own event inside one of InvokeModel's."""
    return json.loads(b64decode(event["chunk"]["bytes"])) if "chunk" in event else event
