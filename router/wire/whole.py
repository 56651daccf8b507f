"""What all operations have in common whose answers are never streamed: a small body in, a whole one out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from msgspec import Raw
from msgspec.json import Decoder

from router.canon.operation import Operation
from router.errors import WireFault
from router.wire.body import filled, misread
from router.wire.dialect import Ask, Codec, Encoded, FrontHalf
from router.wire.members import (
    UNREADABLE,
    joined,
    read_members,
    read_model,
    required,
    take_requirements,
)
from router.wire.sse import SseSplitter

T = TypeVar("T")


def peek_whole(body: bytes, *needed: str, model: str | None = None) -> Ask:
    """Read what routing needs; every other member stays as the caller wrote it.

    Args:
        needed: members that must be there.
        model: what a request without one asks for; None refuses it.

    Raises:
        Refused: the body is no JSON object, or lacks a member.
    """
    fields = read_members(body)
    requirements = take_requirements(fields)
    name = model if model is not None and "model" not in fields else read_model(fields)
    for member in needed:
        required(fields, member)
    return Ask(model=name, stream=False, include_usage=None, requirements=requirements, fields=fields)


def patch_model(ask: Ask, model: str) -> bytes:
    """The caller's own body, values and order untouched, the model the target's."""
    return joined({**ask.fields, "model": model})


def extra_of(ask: Ask, *known: str) -> tuple[tuple[str, Raw], ...]:
    """The members that canon has no name for."""
    return tuple((name, raw) for name, raw in ask.fields.items() if name not in known)


def lost_of(extra: tuple[tuple[str, Raw], ...], **said: object) -> tuple[str, ...]:
    """What a dialect that has no words for it leaves out: members set to something.

    Args:
        said: canon's members by the name their caller knows; a false one says nothing.
    """
    named = tuple(name for name, value in said.items() if value)
    return named + tuple(name for name, raw in extra if bytes(raw) != b"null")


def read_answer(decoder: Decoder[T], body: bytes, what: str, fault_inside: Callable[[bytes], WireFault]) -> T:
    """A whole answer as its Struct.

    Args:
        what: what it should be, in words.
        fault_inside: what an error object in its place means.

    Raises:
        WireFault: for an error inside a 200, an empty body, a web page, or JSON of another shape.
    """
    text = filled(body)
    try:
        return decoder.decode(text)
    except UNREADABLE as error:
        if b'"error"' in text[:4096]:
            raise fault_inside(text) from error
        raise misread(text, what) from error


def whole_codec(
    name: str,
    operation: Operation,
    *,
    encode_request: Callable[[Any, str], Encoded],
    decode_reply: Callable[[bytes], Any],
    patch_request: Callable[[Ask, str], bytes] = patch_model,
    **more: Any,
) -> Codec:
    """A codec whose answers are never streamed.

    Args:
        more: what else it has, by the names in `Codec`.
    """
    return Codec(
        name=name,
        operation=operation,
        patch_request=patch_request,
        encode_request=encode_request,
        decode_reply=decode_reply,
        splitter=SseSplitter,
        decoder=_no_stream,
        **more,
    )


def whole_front(
    peek: Callable[[bytes], Ask],
    decode_request: Callable[[Ask], Any],
    encode_reply: Callable[[Any], bytes],
    encode_fault: Callable[..., Any],
    **more: Any,
) -> FrontHalf:
    """A front half that hears no wish for a stream.

    Args:
        more: what else the dialect's front half has, by the names there.
    """
    return FrontHalf(
        peek=peek,
        decode_request=decode_request,
        encode_reply=encode_reply,
        encoder=_no_stream,
        relay=_no_stream,
        encode_fault=encode_fault,
        keepalive=b"",
        stream_type="",
        **more,
    )


def _no_stream(*_: object) -> NoReturn:
    raise AssertionError("nobody can ask for a stream of this")
