"""`GET /providers/capabilities`: what every model can do, as far as anybody said so."""

from __future__ import annotations

import msgspec
from aiohttp import web

from actors.messages import ModelAbilities
from router.front.context import Context


async def table(_request: web.Request, context: Context) -> web.Response:
    """By provider and model, merged: what the operator wrote, what the provider's list said, what the price list knows
    and the kind's own table."""
    body = {
        name: {
            "found": provider.found,
            "models": {model: _said(abilities) for model, abilities in provider.models.items()},
        }
        for name, provider in context.desk.abilities().items()
    }
    return web.Response(body=msgspec.json.encode({"providers": body}), content_type="application/json")


def _said(abilities: ModelAbilities) -> dict[str, object]:
    traits = abilities.traits
    return {
        "can": traits.can,
        "cannot": traits.cannot,
        "context_window": traits.context_window,
        "context_window_from": abilities.window_source,
        "max_output": traits.max_output,
        "usd_per_mtok": {"input": traits.input_per_mtok, "output": traits.output_per_mtok},
    }
