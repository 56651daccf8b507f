"""One hostile input on its whole way through the translators, and what may come of it.

A request may be refused, an answer may be a fault; whatever else is raised is a bug of ours, and what is said to the
other side in the end must be JSON it can read, in headers that HTTP allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from msgspec.structs import replace

from actors.draft import read
from actors.reading import Naming, Reading, said_bytes
from router.app.dialects import CODECS
from router.canon.operation import Operation
from router.errors import Refused, UpstreamFailed, WireFault
from router.policy.estimate import ESTIMATES
from router.policy.loss import meant
from router.providers import find_kinds
from router.providers.kind import Kind
from router.providers.quirks import bend
from router.wire.dialect import Ask, Codec, Dialect
from router.wire.headers import lost_header
from router.wire.members import is_text

MODELS: tuple[str, ...] = (
    "m",
    "claude-opus-5",
    "gpt-5",
    "gemini-3-pro",
    "amazon.titan-embed-text-v2:0",
    "mistral-large",
)
"""Names that translators read something into."""

LIMIT_BYTES = 1 << 22
_HEADER = re.compile(r"[\x20-\x7e]*")


@cache
def kinds() -> Mapping[str, Kind]:
    """Every installed kind."""
    return find_kinds()


@cache
def dialects() -> Mapping[str, Dialect]:
    """Every dialect that a kind speaks."""
    return {kind.dialect.name: kind.dialect for kind in kinds().values()}


def targets(operation: Operation) -> tuple[Codec, ...]:
    """How each dialect says that operation."""
    found = {
        dialect.codecs[operation].name: dialect.codecs[operation]
        for dialect in dialects().values()
        if operation in dialect.codecs
    }
    return tuple(found.values())


def ask(codec: Codec, body: bytes) -> int:
    """Say this request to every dialect that has words for it; the number of dialects that it could be said in."""
    assert codec.front is not None
    try:
        asked = codec.front.peek(body)
    except Refused as refused:
        _check_fault(codec, refused)
        return 0
    return sum(_said(codec, asked, target, model) for target in targets(codec.operation) for model in MODELS)


def _said(codec: Codec, asked: Ask, target: Codec, model: str) -> bool:
    assert codec.front is not None
    try:
        if target.name == codec.name:
            body, lost, request = target.patch_request(asked, model), asked.unsaid, None
        else:
            request = read(codec.front, asked)
            encoded = target.encode_request(request, model)
            body, lost = encoded.body, encoded.lost
            _check_json(body)
    except (Refused, WireFault) as refused:
        _check_fault(codec, refused if isinstance(refused, Refused) else _failed(refused))
        return False
    for kind in kinds().values():
        way = kind.dialect.codecs.get(codec.operation)
        if way is target and kind.quirks is not None:
            with suppress(WireFault, Refused):
                bend(body, kind.quirks)
    if lost:
        assert _HEADER.fullmatch(lost_header(lost)), lost_header(lost)
        meant(lost, request if codec.operation is Operation.CHAT else None)
    estimate = ESTIMATES.get(codec.operation)
    if estimate is not None and request is not None:
        estimate(request)
    return True


def answer(target: Codec, body: bytes) -> int:
    """Read this as a whole answer, and say it in every front end of its operation; how many could."""
    if not is_text(body):
        return 0
    try:
        said = target.decode_reply(body)
    except WireFault as fault:
        _check_wire(fault)
        return 0
    fronts = [codec for codec in CODECS.values() if codec.operation is target.operation]
    if said.says_nothing:
        return 0
    return sum(_told(codec, said, body, same=codec.name == target.name) for codec in fronts)


def _told(codec: Codec, said: Any, body: bytes, *, same: bool) -> bool:
    half = codec.front
    assert half is not None
    for asked in _asks(codec):
        try:
            named = half.shaped(asked, said).named("m", 1)
        except WireFault as fault:
            _check_wire(fault)
            return False
        _check_json(half.encode_reply(named))
        if same and half.shaped(asked, said) is said:
            half.mend(body, said)
    return True


@cache
def _asks(codec: Codec) -> tuple[Ask, ...]:
    from tests.fuzz.questions import QUESTIONS

    assert codec.front is not None
    return tuple(codec.front.peek(json.dumps(question).encode()) for question in QUESTIONS[codec.name])


def stream(dialect: Dialect, blocks: Iterable[bytes]) -> int:
    """Read these as a stream, pass it on and say it anew in every chat front end; how many events it held."""
    held = list(blocks)
    fronts = [codec for codec in CODECS.values() if codec.operation is Operation.CHAT]
    return sum(_streamed(dialect, codec, held) for codec in fronts)


def _streamed(dialect: Dialect, codec: Codec, blocks: list[bytes]) -> int:
    half = codec.front
    assert half is not None
    asked = replace(_asks(codec)[0], stream=True)
    relay = half.relay(asked) if dialect.name == codec.name else None
    encoder = half.encoder(asked)
    reading = Reading(dialect, relay, Naming(model="m", created_s=1), LIMIT_BYTES)
    seen, said = 0, b""
    fault: WireFault | None = None
    try:
        for block in (*blocks, None):
            flow = reading.end() if block is None else reading.feed(block)
            seen += len(flow.events)
            said_bytes(flow.events)
            said += encoder.feed(flow.events)
            fault = reading.fault
            if fault is not None:
                break
    except WireFault as found:
        fault = found
    if fault is not None:
        _check_wire(fault)
        said += encoder.fault(_failed(fault))
        if relay is not None:
            relay.fault(_failed(fault))
    else:
        said += encoder.end()
        reading.terminal()
    _check_events(said)
    return seen


def fault(dialect: Dialect, status: int, headers: dict[str, str], body: bytes) -> None:
    """Read this as an error, and say it in every front end."""
    found = dialect.decode_fault(status, headers, body, 1.7e9)
    _check_wire(found)
    assert found.retry_after_s is None or 0 <= found.retry_after_s < float("inf")
    for codec in CODECS.values():
        _check_fault(codec, _failed(found))


def _failed(found: WireFault) -> UpstreamFailed:
    return UpstreamFailed(found.message, reason=found.reason, target="p:m", fault=found)


def _check_wire(found: WireFault) -> None:
    found.message.encode()
    for name, value in found.headers:
        assert "\n" not in name + value and "\r" not in name + value and "\x00" not in value


def _check_fault(codec: Codec, error: Any) -> None:
    assert codec.front is not None
    rendered = codec.front.encode_fault(error)
    assert 400 <= rendered.status < 600
    _check_json(codec.front.with_request_id(rendered.body, "req-1"))
    for _, value in rendered.headers:
        assert _HEADER.fullmatch(value), value


def _check_events(said: bytes) -> None:
    """Every event is one JSON object in UTF-8, whatever was in the provider's."""
    for block in said.decode().split("\n\n"):
        for line in block.split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                assert isinstance(json.loads(line[6:], parse_constant=_no_constant, parse_int=str), dict)


def _check_json(body: bytes) -> None:
    # Deeper than this reader goes may be right all the same.
    with suppress(RecursionError):
        json.loads(body.decode(), parse_constant=_no_constant, parse_int=str)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
