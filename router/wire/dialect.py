"""What a dialect offers, to the front that hears it and to the provider that speaks it.

A dialect is a `Dialect` value made in its folder's `__init__.py` out of the functions of its five files. Nothing here
does I/O, looks at a clock or logs. Inbound ("front") and outbound ("provider") halves are both in it; a dialect that
only providers speak leaves the front half None.

A dialect itself is the `Codec` of chat. What else can be asked in it, such as embeddings, has a `Codec` of its own in a
file of that name, and a name of its own: the same name in and out means that bytes pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Raw, Struct

from router.canon.ability import Ability
from router.canon.event import Event, TextDelta
from router.canon.loss import OnLoss
from router.canon.operation import Operation
from router.canon.reply import Reply
from router.canon.request import ChatRequest
from router.errors import GatewayError, Standing, WireFault
from router.wire.headers import openai_limits
from router.wire.toolnames import NameRule


class Frame(Struct, frozen=True, kw_only=True, gc=False):
    """One event of a stream as it came. `raw` is every byte of it, its terminator included; comments have empty `data`.

    `gc=False`: a leaf of two byte strings and a string can be in no cycle.
    """

    raw: bytes
    data: bytes
    event: str = ""

    @property
    def is_comment(self) -> bool:
        """True for a comment or ping that carries no event: it resets no clock."""
        return not self.data and not self.event


class Splitter(Protocol):
    """Cuts a byte stream into frames. How the bytes were cut on the way never shows in what it returns.

    Raises `WireFault(MALFORMED)` when one event exceeds the bound it was made with.
    """

    def feed(self, block: bytes) -> tuple[Frame, ...]:
        """Take the next bytes; return the frames they complete."""
        ...

    def end(self) -> tuple[Frame, ...]:
        """The stream is over: return a last frame that lacked only its terminator, if there is one."""
        ...


class StreamDecoder(Protocol):
    """One upstream stream. Feed frames, get canon events. Raises `WireFault(reason)` for an error inside the stream."""

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Translate one frame; `Skipped` for one that cannot be read."""
        ...

    def end(self) -> tuple[Event, ...]:
        """The bytes are over. Returns `Ended` only if the provider had said enough to make the answer complete."""
        ...


class StreamEncoder(Protocol):
    """One downstream stream in the caller's dialect. Feed canon events, get bytes at event boundaries."""

    def feed(self, events: tuple[Event, ...]) -> bytes:
        """Say these events; may be empty."""
        ...

    def end(self) -> bytes:
        """Say the terminal event. Call it only after `Ended`."""
        ...

    def fault(self, error: GatewayError) -> bytes:
        """Say that the answer ends here, unfinished, in the dialect's own words."""
        ...


class Relay(Protocol):
    """Same dialect in and out: passes frames on as they came, but for what was asked upstream on our own account.

    `passed_bytes` is how much it has passed on, kept by whoever feeds it; `can_hand_over` whether an encoder could go
    on where it stands.
    """

    passed_bytes: int

    @property
    def can_hand_over(self) -> bool:
        """See the class."""
        ...

    def feed(self, frame: Frame, events: tuple[Event, ...]) -> bytes:
        """The bytes to pass on for this frame, whose events were already read from it; may be empty."""
        ...

    def end(self) -> bytes:
        """The terminal bytes, if the provider's own were not passed on."""
        ...

    def fault(self, error: GatewayError) -> bytes:
        """As `StreamEncoder.fault`."""
        ...


class Run(Struct, frozen=True, kw_only=True):
    """The beginning of a block that is whole events of nothing but more text.

    Args:
        size_bytes: how much of the block that is.
        said: the texts: one after the other where bytes are passed on, else an event for each.
        passed: what a relay passes on of these events.
    """

    size_bytes: int
    said: tuple[TextDelta, ...]
    passed: bytes


class Skimmer(Protocol):
    """A `StreamDecoder` that sees at a glance what most of a stream is: many events as one."""

    def skim(self, block: bytes, relay: Relay | None) -> Run | None:
        """The run that a block begins with, which is then read; None where `feed` must look, event by event.

        Args:
            block: it begins where an event does.
            relay: asked what it makes of such an event, which depends on no other one; None in a translation.
        """
        ...


class Requirements(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller wants of the routing, from the body's `router` object or `x-router-*` headers; both mean the same.

    Ours, so a wish we do not know is refused instead of ignored.

    Args:
        fallback: False keeps the request on its first target.
        max_attempts: at most this many tries, never more than the route allows; None leaves it to the route.
        deadline_s: seconds for the whole exchange, over all attempts.
        min_context: the target must have a context window of at least this many tokens.
        requires: what the target's model must be able to do.
        fallbacks_on: of the route's reasons to move on to another target only these; None takes all of them.
        on_loss: whether a target that cannot be told the request whole is asked; None leaves it to the route.
        affinity_key: requests with the same key go to the same target, where the group shares its load over several.
        resume: ways to rescue a half-sent answer, instead of the route's; `off` or none for none.
        cache: `bypass` is answered anew and not kept; `use` switches the cache on for this request, at any temperature
            and for tool calls too. None leaves it to the operator.
    """

    fallback: bool = True
    max_attempts: Annotated[int, Meta(ge=1)] | None = None
    deadline_s: Annotated[float, Meta(gt=0)] | None = None
    min_context: Annotated[int, Meta(ge=1)] | None = None
    requires: tuple[Ability, ...] = ()
    fallbacks_on: tuple[str, ...] | None = None
    on_loss: OnLoss | None = None
    affinity_key: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    resume: tuple[Literal["continue", "splice", "hold"], ...] | Literal["off"] | None = None
    cache: Literal["use", "bypass"] | None = None


class Kept(Struct, frozen=True, kw_only=True):
    """An answer that its caller may go on from, where we say it.

    Args:
        id: what it is called then.
        previous: the id of the answer that this one goes on from.
    """

    id: str
    previous: str | None


class Ask(Struct, frozen=True, kw_only=True):
    """A request parsed just enough to route it.

    Args:
        model: the name the caller used.
        stream: whether the caller wants a stream.
        include_usage: whether the caller asked for usage in the stream; None when it did not say.
        requirements: routing wishes.
        fields: the body's top-level members in order, values untouched, `router` taken out.
        forward: the request's headers that a target of the same dialect must see, lower-case names.
        choices: how many answers the caller wants to its one request.
        aliases: what older names for members the caller used, in words for it to read.
        context_tokens: the window the caller wants room for, where its dialect has no word for that.
        unsaid: what was taken out of `fields` that a target of the same dialect could not be told, by path.
        kept: how the answer is kept here; None where it is not.
    """

    model: str
    stream: bool
    include_usage: bool | None
    requirements: Requirements
    fields: dict[str, Raw]
    forward: tuple[tuple[str, str], ...] = ()
    choices: int = 1
    aliases: tuple[str, ...] = ()
    context_tokens: int | None = None
    unsaid: tuple[str, ...] = ()
    kept: Kept | None = None


class Turn(Struct, frozen=True, kw_only=True):
    """How a dialect says that its model has spoken: a message at the end of the list `member`.

    Args:
        role: who speaks, in its word.
        content: the member of the message that holds the words.
        say: words -> what that member holds.
    """

    member: str = "messages"
    role: str = "assistant"
    content: str = "content"
    say: Callable[[str], object] = str


class Encoded(Struct, frozen=True, kw_only=True):
    """A request in a provider's dialect. `lost` names, by path, what the dialect could not say."""

    body: bytes
    lost: tuple[str, ...] = ()


class Rendered(Struct, frozen=True, kw_only=True):
    """An error as a caller of this dialect reads it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def as_it_came(ask: Ask, answer: Any) -> Any:
    """The answer unchanged: whatever form it has, any caller of its operation can read it."""
    del ask
    return answer


class FrontHalf(Struct, frozen=True, kw_only=True):
    """What the front needs to hear one operation of a dialect and answer in it.

    Args:
        peek: body -> `Ask`. Raises `Refused`.
        decode_request: `Ask` -> canon, whole. Raises `Refused`. Called only when a target speaks another dialect.
        encode_reply: canon -> body of an answer that is not streamed; the second argument is the model name to show.
        encoder: a fresh encoder for a stream; takes the `Ask` (for include_usage).
        relay: a fresh relay for a stream whose target speaks this dialect too; takes the `Ask`.
        shaped: an answer in the form that its `Ask` wants, where there are several; the very same object where it has
            that form already. Raises `WireFault` for one that cannot be brought into it.
        family: whose parts and sources it says as they came; "" for operations whose answers have none.
        tiers: the service tiers that it has a word for; None has one for any.
        take_over: an encoder that goes on where a relay of this dialect was cut off, as one answer with what that
            passed; takes the events that the caller was told. None where nobody can go on.
        encode_fault: any `GatewayError` -> status, headers and body.
        keepalive: bytes that say "still here" between two events.
        stream_type: content type of a stream.
        forwarded: names of the request headers that go on to a target of this dialect.
        id_header: the header its clients look for the request id in.
        limits: a caller's limits -> the headers in which its clients look for them.
        mend: a whole answer of a target of this dialect, and what was read of it -> the bytes its clients can read.
        with_request_id: puts the request id into an error body, where the dialect has a place for it.
    """

    peek: Callable[[bytes], Ask]
    decode_request: Callable[[Ask], Any]
    encode_reply: Callable[[Any], bytes]
    encoder: Callable[[Ask], StreamEncoder]
    relay: Callable[[Ask], Relay]
    encode_fault: Callable[[GatewayError], Rendered]
    keepalive: bytes
    stream_type: str
    family: str = ""
    tiers: frozenset[str] | None = None
    take_over: Callable[[Ask, Relay, tuple[Event, ...]], StreamEncoder] | None = None
    shaped: Callable[[Ask, Any], Any] = as_it_came
    forwarded: frozenset[str] = frozenset()
    id_header: str = "x-request-id"
    with_request_id: Callable[[bytes, str], bytes] = lambda body, _request_id: body
    limits: Callable[[tuple[Standing, ...]], dict[str, str]] = openai_limits
    mend: Callable[[bytes, Any], bytes] = lambda body, _answer: body


class Portions(Struct, frozen=True, kw_only=True):
    """How more than a provider takes at a time is asked in several requests, one after another, and answered as one.

    Args:
        split: (canon, upstream model) -> the requests in order, mostly one. Raises `Refused` where they are too many.
        join: (what was asked, what was answered) -> one answer. Raises `WireFault` where the two do not fit.
    """

    split: Callable[[Any, str], tuple[Any, ...]]
    join: Callable[[tuple[Any, ...], tuple[Any, ...]], Any]


class Codec(Struct, frozen=True, kw_only=True):
    """One operation as one dialect says it. What is asked and answered is canon of that operation.

    Args:
        name: e.g. "openai-embeddings"; the same name in and out means bytes pass through.
        operation: what is asked for.
        patch_request: (`Ask`, upstream model) -> body for a target that speaks this too, all but the model as it came.
        encode_request: (canon, upstream model) -> body and what was lost. Raises `Refused` for what cannot be asked.
        decode_reply: body of an answer that is not streamed -> canon. Raises `WireFault`, also for an error inside a
            200.
        splitter: a fresh splitter; takes the largest event to accept, in bytes.
        decoder: a fresh stream decoder.
        front: the inbound half; None when only providers speak it.
        turn: how the beginning of an answer is said, for models that go on with one; None where that cannot be said.
        portions: how more is asked than goes into one request; None where nothing is bounded.
        counted: (an answer, its lower-case headers) -> the answer with what these say that it used; None where they
            never do.
    """

    name: str
    operation: Operation
    patch_request: Callable[[Ask, str], bytes]
    encode_request: Callable[[Any, str], Encoded]
    decode_reply: Callable[[bytes], Any]
    splitter: Callable[[int], Splitter]
    decoder: Callable[[], StreamDecoder]
    front: FrontHalf | None = None
    turn: Turn | None = None
    portions: Portions | None = None
    counted: Callable[[Any, Mapping[str, str]], Any] | None = None


class Dialect(Codec, frozen=True, kw_only=True):
    """A wire protocol, whoever speaks it: chat in it, its errors, and what else can be asked.

    Args:
        name: e.g. "openai-chat".
        decode_fault: (status, lower-case headers, body, now as epoch seconds) -> the fault an error answer means.
        others: the codecs of its other operations.
        tool_names: which names of tools it takes; None takes any.
    """

    operation: Operation = Operation.CHAT
    encode_request: Callable[[ChatRequest, str], Encoded]
    decode_reply: Callable[[bytes], Reply]
    decode_fault: Callable[[int, dict[str, str], bytes, float], WireFault]
    others: tuple[Codec, ...] = ()
    tool_names: NameRule | None = None

    @property
    def codecs(self) -> Mapping[Operation, Codec]:
        """How each operation that it has words for is said in it."""
        return {codec.operation: codec for codec in (self, *self.others)}
