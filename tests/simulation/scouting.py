"""Providers who are asked for their models now and then, beside the requests of callers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from router.upstream.transport import UpstreamRequest
from tests.simulation.answers import Speech
from tests.simulation.answers.speech import compact

if TYPE_CHECKING:
    from tests.simulation.world import World

LISTED = "auto"
"""Among the configured models, it says that the provider lists its own."""

NOT_LISTING = frozenset({"bedrock", "anthropic-compatible"})
"""Kinds of providers that are asked nothing."""

RUNNING = frozenset({"root/providers/*/scout", "survey"})
"""Who does it; a configuration that comes later may have the first of them."""


def with_scout(keys: dict[str, Any], chance: Random) -> dict[str, Any]:
    """The configuration of a provider, of some with the wish that it be asked for its models."""
    if keys["kind"] in NOT_LISTING or chance.random() < 0.6:
        return keys
    return {**keys, "models": [*keys["models"], {"name": LISTED}], "models_every_s": chance.choice((15.0, 60.0))}


def scouted(providers: dict[str, Any]) -> list[str]:
    """Which of these are asked."""
    return [name for name, keys in providers.items() if LISTED in [model["name"] for model in keys["models"]]]


def is_listing(request: UpstreamRequest) -> bool:
    """Whether it is no caller's request."""
    return request.method == "GET" or request.url.endswith("/show")


def listing(keys: dict[str, Any], dialect: str) -> Speech:
    """What a provider says to that, in all words at once in which any of them says it: the models that are
    configured."""
    names = sorted(_named(keys))
    body = compact({"data": [{"id": name} for name in names], "models": [{"name": name} for name in names]})
    return Speech(
        blocks=(body,),
        terminal=0,
        last_word=body,
        streamed=False,
        dialect=dialect,
        content_type="application/json",
    )


def scouts_find_what_is_there(world: World) -> Iterator[str]:
    """Once faults have stopped every provider that lists its models was heard, whatever became of earlier questions."""
    healthy = any(heard.patient for heard in world.story.heard)
    providers = world.source.trees[world.assembly.settings.version]["providers"]
    for name in scouted(providers) if healthy else ():
        found, listed = world.assembly._edition.value.providers[name].found, _named(providers[name])
        if found is None or set(found.value) != listed:
            yield f"{name} lists {sorted(listed)}, found was {found and sorted(found.value)}"


def _named(keys: dict[str, Any]) -> set[str]:
    return {model["name"] for model in keys["models"]} - {LISTED}
