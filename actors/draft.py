"""What one attempt will send, made before it waits for anything: a target that cannot be told the request is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from actors.messages import Inexpressible, Order, Unsent
from router.canon.loss import OnLoss
from router.canon.request import ChatRequest
from router.errors import Reason, Refused, WireFault
from router.policy.estimate import data_tokens
from router.policy.loss import meant
from router.providers.prefix import Prefix, prolonged
from router.providers.quirks import Quirks, bend
from router.wire.dialect import Ask, Codec, Encoded, FrontHalf
from router.wire.members import check_text
from router.wire.toolnames import NameRule, fitted


class Way(Struct, frozen=True, kw_only=True):
    """How one operation is asked for at one provider.

    Args:
        codec: how its dialect says it.
        address: (upstream model, whether to stream) -> where it goes.
        quirks: how a body must be bent for it; None passes the caller's bytes on untouched.
        relays: whether its answers are passed on as they are to who speaks its dialect.
        prefix: how it is given the beginning of an answer; None when it does not go on with one.
        tool_names: which names of tools it takes; None takes any.
    """

    codec: Codec
    address: Callable[[str, bool], str]
    quirks: Quirks | None = None
    relays: bool = True
    prefix: Prefix | None = None
    tool_names: NameRule | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """What goes out in the provider's words.

    Args:
        bodies: one; or several, to be asked one after another, where the provider takes less at a time.
        asked: what each of them asks for, in canon, where its dialect has a bound.
        lost: what could not be said, by path.
        forward: the caller's headers that go on with it.
        names: of tools, as they go out -> as the caller wrote them, where that is not the same.
        prompt_tokens: our guess at a prompt whose size does not tell it, for a stream; else None.
    """

    bodies: tuple[bytes, ...]
    asked: tuple[Any, ...] = ()
    lost: tuple[str, ...] = ()
    forward: tuple[tuple[str, str], ...] = ()
    names: Mapping[str, str] = {}
    prompt_tokens: int | None = None


def draft(order: Order, model: str, front: FrontHalf, way: Way) -> Draft:
    """The caller's bytes where the target speaks their dialect, a translation where not, bent as the provider wants.

    Args:
        model: the provider's own name for it.
        front: hears what the caller speaks.

    Raises:
        Unsent: it cannot go on with the beginning that the order has.
        Inexpressible: what cannot be said changes the meaning, and the order does not allow that.
        WireFault: the request cannot be read.
    """
    codec, quirks = way.codec, way.quirks
    request = None
    asked: tuple[Any, ...] = ()
    names: Mapping[str, str] = {}
    encoded: tuple[Encoded, ...]
    forward: tuple[tuple[str, str], ...] = ()
    if order.spoken == codec.name:
        encoded = (Encoded(body=codec.patch_request(order.ask, model), lost=order.ask.unsaid),)
        forward = order.ask.forward
    else:
        request, names = _fitted(read(front, order.ask), way.tool_names)
        asked, encoded = _translated(request, model, codec)
    if quirks is not None:
        encoded = tuple(_bent(each, quirks) for each in encoded)
    bodies = tuple(each.body for each in encoded)
    if order.beginning is not None:
        bodies = (_begun(bodies[0], order.beginning, request or read(front, order.ask), way),)
    lost = (
        encoded[0].lost if len(encoded) == 1 else tuple(dict.fromkeys(path for each in encoded for path in each.lost))
    )
    if lost and order.on_loss is OnLoss.REFUSE and (refused := meant(lost, _talk(request))):
        raise Inexpressible(refused)
    return Draft(
        bodies=bodies,
        asked=asked,
        lost=lost,
        forward=forward,
        names=names,
        prompt_tokens=data_tokens(request) if order.ask.stream and isinstance(request, ChatRequest) else None,
    )


def _fitted(request: Any, rule: NameRule | None) -> tuple[Any, Mapping[str, str]]:
    return fitted(request, rule) if rule is not None and isinstance(request, ChatRequest) else (request, {})


def _bent(encoded: Encoded, quirks: Quirks) -> Encoded:
    body, unsaid = bend(encoded.body, quirks)
    return Encoded(body=body, lost=encoded.lost + unsaid)


def _begun(body: bytes, beginning: str, request: ChatRequest, way: Way) -> bytes:
    """The request, for an answer that goes on from there.

    One that must fit a form would begin to fit it anew, and one that is thought about is thought about first.
    """
    thought, turn, prefix = request.thinking, way.codec.turn, way.prefix
    thinks = thought is not None and thought.enabled is not False and thought.effort != "none"
    begun = prolonged(body, beginning, turn, prefix) if turn is not None and prefix is not None else None
    if begun is None or thinks or request.output is not None:
        raise Unsent(Reason.REJECTED, "it cannot go on with this answer")
    return begun


def read(front: FrontHalf, ask: Ask) -> Any:
    """What the caller asks for, in canon. Raises `Inexpressible` or `WireFault`; nothing has left."""
    try:
        check_text(ask.fields)
        return front.decode_request(ask)
    except Refused as error:
        raise _fault(error) from error


def _translated(request: Any, model: str, codec: Codec) -> tuple[tuple[Any, ...], tuple[Encoded, ...]]:
    """(what is asked by itself where there is a bound, the same in the provider's words)."""
    try:
        if codec.portions is None:
            return (), (codec.encode_request(request, model),)
        asked = codec.portions.split(request, model)
        return asked, tuple(codec.encode_request(each, model) for each in asked)
    except Refused as error:
        raise _fault(error) from error


def _fault(error: Refused) -> WireFault:
    """What its own dialect cannot read, or the target's not say, is the caller's and not the provider's."""
    if error.reason is Reason.INEXPRESSIBLE:
        return Inexpressible((error.param or "",), error.message)
    return WireFault(error.reason, error.message, status=error.status)


def _talk(request: Any) -> ChatRequest | None:
    """A request whose losses can be looked up in it; those of all others are told by their path alone."""
    return request if isinstance(request, ChatRequest) else None
