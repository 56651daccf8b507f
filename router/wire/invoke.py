"""Claude behind Bedrock's InvokeModel: Anthropic's own protocol, but in AWS frames and with its model in the URL.

A provider kind speaks it as the Anthropic dialect with `InvokeSplitter` for its splitter and its body passed through
`invoke_body`. What comes out of the splitter is what Anthropic would have sent as server-sent events, so decoder and
relay need not know.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html, read
2026-11, and recorded streams.
"""

from __future__ import annotations

from base64 import b64decode

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.dialect import Frame
from router.wire.eventstream import EventStreamSplitter, exception_of
from router.wire.members import ENCODER, MEMBERS, UNREADABLE, joined

_VERSION = Raw(b'"bedrock-2023-05-31"')
_IN_THE_URL = frozenset({"model", "stream"})

_ERROR_TYPES = {
    "throttlingexception": "rate_limit_error",
    "servicequotaexceededexception": "rate_limit_error",
    "serviceunavailableexception": "overloaded_error",
    "modelnotreadyexception": "overloaded_error",
    "modeltimeoutexception": "timeout_error",
    "validationexception": "invalid_request_error",
    "accessdeniedexception": "permission_error",
}
"""Exception inside a stream, in lower case -> Anthropic's type of error; any other is its `api_error`."""


class _Chunk(Struct, frozen=True):
    """One event of the model's own protocol; `bytes` is the base64 of its JSON."""

    bytes: str


class _Typed(Struct, frozen=True):
    """Of an event only what it is."""

    type: str = ""


class _Said(Struct, frozen=True):
    """An exception's words; one that another server caused holds that server's."""

    message: str | None = None
    originalMessage: str | None = None


_CHUNK = Decoder(_Chunk)
_TYPED = Decoder(_Typed)
_SAID = Decoder(_Said)


class InvokeSplitter:
    """A `Splitter` for the stream of InvokeModelWithResponseStream of a model that speaks Anthropic's protocol."""

    def __init__(self, limit_bytes: int) -> None:
        self._frames = EventStreamSplitter(limit_bytes)

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the events they complete."""
        return tuple(unwrap(frame) for frame in self._frames.feed(block))

    def end(self) -> tuple[Frame, ...]:
        """The stream is over; a frame that was cut tells nothing."""
        return tuple(unwrap(frame) for frame in self._frames.end())


def unwrap(frame: Frame) -> Frame:
    """An AWS frame as the server-sent event it stands for: a `chunk` its event, an exception Anthropic's `error`.

    What cannot be unwrapped keeps its bytes as data, for the decoder to report as an event it cannot read.
    """
    name = exception_of(frame)
    if name is not None:
        return _event(_error(name, frame.data))
    try:
        return _event(b64decode(_CHUNK.decode(frame.data).bytes, validate=True))
    except (*UNREADABLE, ValueError):
        return Frame(raw=b"", data=frame.data)


def invoke_body(body: bytes, betas: tuple[str, ...] = ()) -> bytes:
    """A Messages body as InvokeModel takes it, its values byte for byte.

    Args:
        body: without `model` and `stream` it says the same: both are in the URL here.
        betas: what the client's `anthropic-beta` header names; it is a member of the body here.
    """
    members = {name: value for name, value in MEMBERS.decode(body).items() if name not in _IN_THE_URL}
    members.setdefault("anthropic_version", _VERSION)
    if betas:
        members["anthropic_beta"] = Raw(ENCODER.encode(betas))
    return joined(members)


def _error(name: str, payload: bytes) -> bytes:
    try:
        said = _SAID.decode(payload)
    except UNREADABLE:
        said = _Said()
    error = {
        "type": _ERROR_TYPES.get(name.lower(), "api_error"),
        "message": said.originalMessage or said.message or f"the stream ended with {name}",
    }
    return ENCODER.encode({"type": "error", "error": error})


def _event(data: bytes) -> Frame:
    """One server-sent event; Anthropic names each by the type inside it."""
    try:
        name = _TYPED.decode(data).type
    except UNREADABLE:
        return Frame(raw=b"", data=data)
    lines = [b"data: " + line for line in data.splitlines()]
    if name.isidentifier():
        lines.insert(0, b"event: " + name.encode())
    return Frame(raw=b"\n".join(lines) + b"\n\n", data=data, event=name)
