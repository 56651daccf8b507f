"""What one attempt will send, made before it waits for anything: a target that cannot be told the request is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from actors.messages import Inexpressible, Order
from router.canon.loss import OnLoss
from router.canon.request import ChatRequest
from router.errors import Reason, Refused, WireFault
from router.policy.loss import meant
from router.providers.quirks import Quirks, bend
from router.wire.dialect import Ask, Codec, Encoded, FrontHalf


class Way(Struct, frozen=True, kw_only=True):
    """How one operation is asked for at one provider.

    Args:
        codec: how its dialect says it.
        address: (upstream model, whether to stream) -> where it goes.
        quirks: how a body must be bent for it; None passes the caller's bytes on untouched.
        relays: whether its answers are passed on as they are to who speaks its dialect.
    """

    codec: Codec
    address: Callable[[str, bool], str]
    quirks: Quirks | None = None
    relays: bool = True


class Draft(Struct, frozen=True, kw_only=True):
    """A body in the provider's words.

    Args:
        lost: what those could not say, by path.
        forward: the caller's headers that go on with it.
    """

    body: bytes
    lost: tuple[str, ...] = ()
    forward: tuple[tuple[str, str], ...] = ()


def draft(order: Order, model: str, front: FrontHalf, way: Way) -> Draft:
    """The caller's bytes where the target speaks their dialect, a translation where not, bent as the provider wants.

    Args:
        model: the provider's own name for it.
        front: hears what the caller speaks.

    Raises:
        Inexpressible: what cannot be said changes the meaning, and the order does not allow that.
        WireFault: the request cannot be read.
    """
    codec, quirks = way.codec, way.quirks
    request = None
    forward: tuple[tuple[str, str], ...] = ()
    if order.spoken == codec.name:
        body, lost, forward = codec.patch_request(order.ask, model), order.ask.unsaid, order.ask.forward
    else:
        request, encoded = _translated(order.ask, model, front, codec)
        body, lost = encoded.body, encoded.lost
    if quirks is not None:
        body, unsaid = bend(body, quirks)
        lost += unsaid
    if lost and order.on_loss is OnLoss.REFUSE and (refused := meant(lost, _talk(request))):
        raise Inexpressible(refused)
    return Draft(body=body, lost=lost, forward=forward)


def read(front: FrontHalf, ask: Ask) -> Any:
    """What the caller asks for, in canon. Raises `Inexpressible` or `WireFault`; nothing has left."""
    try:
        return front.decode_request(ask)
    except Refused as error:
        raise _fault(error) from error


def _translated(ask: Ask, model: str, front: FrontHalf, codec: Codec) -> tuple[Any, Encoded]:
    request = read(front, ask)
    try:
        return request, codec.encode_request(request, model)
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
