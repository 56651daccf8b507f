"""`GET /v1/models`: every name a caller may ask for."""

from __future__ import annotations

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from actors.messages import ModelCard
from router.errors import Reason, Refused
from router.front.context import Context


class Model(Struct, frozen=True, kw_only=True):
    """One model as OpenAI lists it, and what else we know: the targets behind the name and its context window in
    tokens."""

    id: str
    owned_by: str
    targets: tuple[str, ...]
    object: str = "model"
    # When a model came to be is not known here; OpenAI's clients need a number.
    created: int = 0
    context_window: int | UnsetType = UNSET


class Listing(Struct, frozen=True, kw_only=True):
    """All of them."""

    data: tuple[Model, ...]
    object: str = "list"


async def listing(_request: web.Request, context: Context) -> web.Response:
    """Every name: groups, bare models, `provider:model` and `auto`."""
    return _json(Listing(data=tuple(_model(card) for card in context.desk.models())))


async def one(request: web.Request, context: Context) -> web.Response:
    """One name; ids may hold slashes. Raises `Refused` when there is none such."""
    wanted = request.match_info["id"]
    for card in context.desk.models():
        if card.id == wanted:
            return _json(_model(card))
    raise Refused(
        f"the model {wanted!r} does not exist here; GET /v1/models lists those that do",
        reason=Reason.UNKNOWN_MODEL,
        param="model",
    )


def _model(card: ModelCard) -> Model:
    return Model(id=card.id, owned_by=card.owner, targets=card.targets, context_window=card.context_window or UNSET)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
