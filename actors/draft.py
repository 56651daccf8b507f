"""What one attempt will send, made before it waits for anything: a target that cannot be told the request is none."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.messages import Inexpressible, Order
from router.canon.loss import OnLoss
from router.canon.request import ChatRequest
from router.errors import Reason, Refused, WireFault
from router.policy.loss import meant
from router.providers.quirks import Quirks, bend
from router.wire.dialect import Ask, Dialect, FrontHalf


class Draft(Struct, frozen=True, kw_only=True):
    """A body in the provider's words.

    Args:
        lost: what those could not say, by path.
        forward: the caller's headers that go on with it.
    """

    body: bytes
    lost: tuple[str, ...] = ()
    forward: tuple[tuple[str, str], ...] = ()


def draft(order: Order, model: str, dialect: Dialect, dialects: Mapping[str, Dialect], quirks: Quirks | None) -> Draft:
    """The caller's bytes where the target speaks their dialect, a translation where not, bent as the provider wants.

    Args:
        model: the provider's own name for it.
        dialect: the provider's.
        dialects: every dialect by name, for reading the caller's.

    Raises:
        Inexpressible: what cannot be said changes the meaning, and the order does not allow that.
        WireFault: the request cannot be read.
    """
    request: ChatRequest | None = None
    forward: tuple[tuple[str, str], ...] = ()
    if order.spoken == dialect.name:
        body, lost, forward = dialect.patch_request(order.ask, model), order.ask.unsaid, order.ask.forward
    else:
        front = dialects[order.spoken].front
        assert front is not None
        request = _read(front, order.ask)
        encoded = dialect.encode_request(request, model)
        body, lost = encoded.body, encoded.lost
    if quirks is not None:
        body, unsaid = bend(body, quirks)
        lost += unsaid
    if lost and order.on_loss is OnLoss.REFUSE and (refused := meant(lost, request)):
        raise Inexpressible(refused)
    return Draft(body=body, lost=lost, forward=forward)


def _read(front: FrontHalf, ask: Ask) -> ChatRequest:
    try:
        return front.decode_request(ask)
    except Refused as error:
        if error.reason is Reason.INEXPRESSIBLE:
            raise Inexpressible((error.param or "",), error.message) from error
        # Nothing has left: what its own dialect cannot read is the caller's, not the provider's.
        raise WireFault(error.reason, error.message, status=error.status) from error
