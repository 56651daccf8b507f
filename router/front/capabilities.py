"""`GET /providers/capabilities`: what every model can do, as far as anybody said so."""

from __future__ import annotations

from aiohttp import web
from msgspec import Struct

from actors.messages import ModelAbilities
from router.canon.ability import Ability
from router.front.context import Context
from router.front.said import NoQuery, queried, said


class ModelPrice(Struct, frozen=True, kw_only=True):
    """US dollars per million tokens, as decimal text; None of what nobody knows."""

    input: str | None
    output: str | None


class ModelSaid(Struct, frozen=True, kw_only=True):
    """One model. What stands neither in `can` nor in `cannot` nobody has said."""

    can: tuple[Ability, ...]
    cannot: tuple[Ability, ...]
    context_window: int | None
    context_window_from: str | None
    max_output: int | None
    usd_per_mtok: ModelPrice


class ProviderSaid(Struct, frozen=True, kw_only=True):
    """One provider's models by name. `found` are those that it listed itself; None where it is not asked."""

    found: int | None
    models: dict[str, ModelSaid]


class Capabilities(Struct, frozen=True, kw_only=True):
    """Every provider."""

    providers: dict[str, ProviderSaid]


async def table(request: web.Request, context: Context) -> web.Response:
    """By provider and model, merged: what the operator wrote, what the provider's list said, what the price list knows
    and the kind's own table."""
    queried(request, NoQuery)
    providers = {
        name: ProviderSaid(
            found=provider.found, models={model: _said(abilities) for model, abilities in provider.models.items()}
        )
        for name, provider in context.desk.abilities().items()
    }
    return said(Capabilities(providers=providers))


def _said(abilities: ModelAbilities) -> ModelSaid:
    traits = abilities.traits
    return ModelSaid(
        can=traits.can,
        cannot=traits.cannot,
        context_window=traits.context_window,
        context_window_from=abilities.window_source,
        max_output=traits.max_output,
        usd_per_mtok=ModelPrice(input=traits.input_per_mtok, output=traits.output_per_mtok),
    )
