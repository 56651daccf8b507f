"""OpenAI's images: pictures made of words, whole or with a few unfinished ones streamed before each.

Source: https://platform.openai.com/docs/api-reference/images, read 2026-10.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from router.canon.event import Ended, Event, Finish, Finished, OpaqueAdded, Skipped, Started, UsageReported
from router.canon.image import Image, ImageRequest, Images
from router.canon.operation import Operation
from router.canon.usage import Usage
from router.errors import GatewayError
from router.wire.dialect import Ask, Codec, Encoded, Frame, FrontHalf
from router.wire.members import COUNT, ENCODER, FLAG, NULL, TEXT, UNREADABLE, read_member, read_optional, required
from router.wire.openai_chat.fault import encode_envelope, encode_fault, fault_inside
from router.wire.sse import SseSplitter, closed
from router.wire.whole import extra_of, lost_of, patch_model, peek_whole, read_answer

ANY = "auto"
"""What a request without a model asks for: OpenAI has a default, and a router whatever of its models draws."""

FAMILY = "openai-images"

_DONE = "image_generation.completed"
_PARTIAL = "image_generation.partial_image"
_KEEPALIVE = b": keepalive\n\n"


class Picture(Struct, frozen=True):
    """One picture."""

    b64_json: Raw = NULL
    url: str | None = None
    revised_prompt: str | None = None


class InputTokens(Struct, frozen=True):
    """What of the tokens was words, and what pictures."""

    text_tokens: int | None = None
    image_tokens: int | None = None


class ImageUsage(Struct, frozen=True):
    """Counts, of models that are billed by them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputTokens | None = None
    output_tokens_details: InputTokens | None = None


class ImagesBody(Struct, frozen=True):
    """The whole answer; `size` and its like tell what was made."""

    data: tuple[Picture, ...]
    created: int | None = None
    usage: ImageUsage | None = None
    background: Raw = NULL
    output_format: Raw = NULL
    quality: Raw = NULL
    size: Raw = NULL


class ImageEvent(Struct, frozen=True):
    """One event of a stream, of which most is only passed on."""

    type: str = ""
    created_at: int | None = None
    usage: ImageUsage | None = None
    error: Raw = NULL


_TOLD = ("background", "output_format", "quality", "size")
_ANSWER = Decoder(ImagesBody)
_EVENT = Decoder(ImageEvent)


def peek(body: bytes) -> Ask:
    """Read what routing needs. Raises `Refused`."""
    ask = peek_whole(body, "prompt", model=ANY)
    return replace(
        ask,
        stream=bool(read_optional(FLAG, ask.fields, "stream")),
        choices=max(1, read_optional(COUNT, ask.fields, "n") or 1),
    )


def decode_request(ask: Ask) -> ImageRequest:
    """The whole request in canon. Raises `Refused`, naming the field."""
    return ImageRequest(
        model=ask.model,
        prompt=read_member(TEXT, required(ask.fields, "prompt"), "prompt"),
        count=ask.choices,
        extra=extra_of(ask, "model", "prompt", "n"),
    )


def encode_request(request: ImageRequest, model: str) -> Encoded:
    """The request in these words."""
    body: dict[str, object] = {"model": model, "prompt": request.prompt}
    if request.count != 1:
        body["n"] = request.count
    return Encoded(body=ENCODER.encode(body), lost=lost_of(request.extra))


def decode_reply(body: bytes) -> Images:
    """The pictures. Raises `WireFault`, also for an error inside a 200."""
    answer = read_answer(_ANSWER, body, "list of images", fault_inside)
    return Images(
        model="",
        images=tuple(_image(picture) for picture in answer.data),
        usage=_usage(answer.usage, len(answer.data)),
        created_s=answer.created,
        extra=tuple((name, raw) for name in _TOLD if (raw := getattr(answer, name)) != NULL),
    )


def encode_reply(reply: Images) -> bytes:
    """The answer a caller reads."""
    body: dict[str, object] = {"created": reply.created_s or 0, "data": [_said(image) for image in reply.images]}
    usage = reply.usage
    if usage is not None and usage.total:
        body["usage"] = {
            "input_tokens": usage.input_total,
            "output_tokens": usage.output_total,
            "total_tokens": usage.total,
            "input_tokens_details": {"text_tokens": usage.input, "image_tokens": usage.image_input},
        }
    return ENCODER.encode({**body, **dict(reply.extra)})


class ImageDecoder:
    """A `StreamDecoder`: each picture, unfinished or not, is content; the last of each choice is its finish."""

    def __init__(self) -> None:
        self._made = 0
        self._usage: Usage | None = None

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one event. Raises `WireFault` for an error among them."""
        if frame.is_comment:
            return ()
        if frame.data.strip() == b"[DONE]":
            return self.end()
        try:
            event = _EVENT.decode(frame.data)
        except UNREADABLE:
            return (Skipped(why="an event of an image stream that is no JSON"),)
        if event.error != NULL or event.type == "error":
            raise fault_inside(event.error if event.error != NULL else frame.data)
        if event.type not in (_DONE, _PARTIAL):
            return ()
        begun: tuple[Event, ...] = () if self._made else (Started(id="", model="", created_s=event.created_at),)
        picture = OpaqueAdded(raw=Raw(frame.data), family=FAMILY, choice=self._made)
        if event.type == _PARTIAL:
            return (*begun, picture)
        return (*begun, picture, *self._finished(event))

    def end(self) -> tuple[Event, ...]:
        """The bytes are over: complete once a picture was."""
        return (Ended(),) if self._made else ()

    def _finished(self, event: ImageEvent) -> tuple[Event, ...]:
        choice, self._made = self._made, self._made + 1
        self._usage = _sum(self._usage, _usage(event.usage, 1))
        return (UsageReported(usage=self._usage), Finished(reason=Finish.STOP, said=_DONE, choice=choice))


class ImageEncoder:
    """A `StreamEncoder`: the events as they came, since only this dialect has them."""

    def __init__(self, ask: Ask) -> None:
        del ask

    def feed(self, events: tuple[Event, ...]) -> bytes:
        """Say these events; may be empty."""
        return b"".join(_event(event.raw) for event in events if isinstance(event, OpaqueAdded))

    def end(self) -> bytes:
        """The last picture is the end."""
        return b""

    def fault(self, error: GatewayError) -> bytes:
        """Say that the answer ends here, unfinished."""
        return b"event: error\ndata: %b\n\n" % encode_envelope(error)


class ImageRelay:
    """A `Relay`: frames as they came."""

    def __init__(self, ask: Ask) -> None:
        self._encoder = ImageEncoder(ask)
        self.passed_bytes = 0

    @property
    def can_hand_over(self) -> bool:
        """Never: half a picture cannot be gone on with."""
        return False

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The bytes to pass on."""
        del events
        return closed(frame.raw)

    def end(self) -> bytes:
        """The last picture was the end."""
        return self._encoder.end()

    def fault(self, error: GatewayError) -> bytes:
        """As the encoder says it."""
        return self._encoder.fault(error)


def _event(raw: Raw) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (_EVENT.decode(raw).type.encode(), bytes(raw))


def _image(picture: Picture) -> Image:
    made = None if picture.b64_json == NULL else picture.b64_json
    return Image(base64=made, url=picture.url, prompt=picture.revised_prompt)


def _said(image: Image) -> dict[str, object]:
    said = {"b64_json": image.base64, "url": image.url, "revised_prompt": image.prompt}
    return {name: value for name, value in said.items() if value is not None}


def _usage(counts: ImageUsage | None, images: int) -> Usage:
    """The pictures, and the tokens where those are what is billed. What no detail tells apart is a picture's."""
    if counts is None:
        return Usage(images=images)
    prompt, answer = max(counts.input_tokens or 0, 0), max(counts.output_tokens or 0, 0)
    shown = min(max((counts.input_tokens_details or InputTokens()).image_tokens or 0, 0), prompt)
    words = min(max((counts.output_tokens_details or InputTokens()).text_tokens or 0, 0), answer)
    return Usage(
        input=prompt - shown,
        image_input=shown,
        output=words,
        image_output=answer - words,
        images=images,
        reported_total=counts.total_tokens,
    )


def _sum(before: Usage | None, more: Usage) -> Usage:
    """Counts of a stream come picture by picture."""
    if before is None:
        return more
    names = ("input", "image_input", "output", "image_output", "images")
    return Usage(**{name: getattr(before, name) + getattr(more, name) for name in names})


CODEC = Codec(
    name=FAMILY,
    operation=Operation.IMAGES,
    patch_request=patch_model,
    encode_request=encode_request,
    decode_reply=decode_reply,
    splitter=SseSplitter,
    decoder=ImageDecoder,
    front=FrontHalf(
        peek=peek,
        decode_request=decode_request,
        encode_reply=encode_reply,
        encoder=ImageEncoder,
        relay=ImageRelay,
        encode_fault=encode_fault,
        keepalive=_KEEPALIVE,
        stream_type="text/event-stream; charset=utf-8",
    ),
)
"""How images are said in this dialect."""
