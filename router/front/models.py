"""`GET /v1/models`: every name a caller may ask for, in the form of whoever asks.

Both protocols list models at the same path. Anthropic's clients name the version they speak, and no one else does.

Source: https://platform.claude.com/docs/en/api/models-list and https://platform.openai.com/docs/api-reference/models,
read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from actors.messages import ModelCard
from router.errors import Reason, Refused
from router.front.context import Context
from router.front.guard import CALLER

VERSION_HEADER = "anthropic-version"

_UNDATED = "1970-01-01T00:00:00Z"
"""When a model came to be is not known here; clients need a moment."""

_USUAL = 20
_MOST = 1000


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
    max_output: int | UnsetType = UNSET
    # What all targets behind the name are known to be able, or unable, to do.
    capabilities: dict[str, bool] | UnsetType = UNSET


class Listing(Struct, frozen=True, kw_only=True):
    """All of them."""

    data: tuple[Model, ...]
    object: str = "list"


class Named(Struct, frozen=True, kw_only=True):
    """One model as Anthropic lists it."""

    id: str
    display_name: str
    type: str = "model"
    created_at: str = _UNDATED
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: None = None


class Page(Struct, frozen=True, kw_only=True):
    """Some of them. Without `has_more` clients would ask for the next page for ever."""

    data: tuple[Named, ...]
    has_more: bool
    first_id: str | None
    last_id: str | None


async def listing(request: web.Request, context: Context) -> web.Response:
    """Every name: groups, bare models, `provider:model` and `auto`; to Anthropic's clients a page of them."""
    cards = _cards(request, context)
    if VERSION_HEADER in request.headers:
        return _json(page_of(cards, request.query))
    return _json(Listing(data=tuple(_model(card) for card in cards)))


async def one(request: web.Request, context: Context) -> web.Response:
    """One name; ids may hold slashes. Raises `Refused` when there is none such."""
    wanted = request.match_info["id"]
    shaped = _named if VERSION_HEADER in request.headers else _model
    for card in _cards(request, context):
        if card.id == wanted:
            return _json(shaped(card))
    raise no_such_model(wanted)


def no_such_model(name: str) -> Refused:
    """What is said of a name that does not exist, and of one that does not for this caller."""
    return Refused(
        f"the model {name!r} does not exist here; GET /v1/models lists those that do",
        reason=Reason.UNKNOWN_MODEL,
        param="model",
    )


def _cards(request: web.Request, context: Context) -> tuple[ModelCard, ...]:
    """Those that the caller may ask for."""
    caller = request[CALLER]
    return tuple(card for card in context.desk.models() if caller.may_ask_for(card.id))


def page_of(cards: tuple[ModelCard, ...], query: Mapping[str, str]) -> Page:
    """The page that was asked for: `limit` names behind `after_id`, or the last `limit` before `before_id`.

    Raises:
        Refused: a bound that is no number from 1 to 1000, both ends at once, or an id that is not listed.
    """
    limit = _limit(query.get("limit"))
    after, before = query.get("after_id"), query.get("before_id")
    if after is not None and before is not None:
        raise Refused("only one of `after_id` and `before_id` can be given", param="before_id")
    if before is not None:
        end = _place(cards, before, "before_id")
        first = max(end - limit, 0)
        return _page(cards[first:end], has_more=first > 0)
    first = 0 if after is None else _place(cards, after, "after_id") + 1
    return _page(cards[first : first + limit], has_more=first + limit < len(cards))


def _limit(said: str | None) -> int:
    if said is None:
        return _USUAL
    if not said.isdecimal() or not 1 <= int(said) <= _MOST:
        raise Refused(f"`limit` must be a number from 1 to {_MOST}", param="limit")
    return int(said)


def _place(cards: tuple[ModelCard, ...], id: str, param: str) -> int:
    place = next((place for place, card in enumerate(cards) if card.id == id), None)
    if place is None:
        raise Refused(f"`{param}` names no model of this list", param=param)
    return place


def _page(cards: tuple[ModelCard, ...], *, has_more: bool) -> Page:
    return Page(
        data=tuple(_named(card) for card in cards),
        has_more=has_more,
        first_id=cards[0].id if cards else None,
        last_id=cards[-1].id if cards else None,
    )


def _named(card: ModelCard) -> Named:
    return Named(
        id=card.id,
        display_name=card.id,
        max_input_tokens=card.context_window,
        max_tokens=card.traits.max_output,
    )


def _model(card: ModelCard) -> Model:
    traits = card.traits
    known = dict.fromkeys(traits.can, True) | dict.fromkeys(traits.cannot, False)
    return Model(
        id=card.id,
        owned_by=card.owner,
        targets=card.targets,
        context_window=card.context_window or UNSET,
        max_output=traits.max_output or UNSET,
        capabilities={ability.value: able for ability, able in known.items()} or UNSET,
    )


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
