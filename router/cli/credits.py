"""`pointsman providers --credits` and `--generation`: what the providers themselves say of money.

They are asked directly, with the keys of a configuration: nothing that serves requests has to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import typer
from msgspec import Struct

from actors.runtime import Tasks, system_ports
from actors.scout import conduct
from router.app.seats import Seat, seat_of
from router.app.transports import headers_of, transport_of
from router.cli.configuration import settings_or_exit
from router.cli.console import Column, Listing, listing, printed
from router.errors import WireFault
from router.providers import find_kinds
from router.providers.survey import Figures, Inquiry, Unanswered

WITHIN_S = 30.0
"""How long one provider may take."""

_NOTHING = "it answered with nothing that can be read; an answer's figures take a second or two to be there"


class Told(Struct, frozen=True, kw_only=True):
    """What one provider said, or why it said nothing."""

    provider: str
    figures: Figures | None = None
    why: str | None = None


Ask = Callable[[Seat], Inquiry[Figures] | None]
"""What to ask of a provider; None where it tells nothing of the kind."""


def credits(config: Path | None, *, as_json: bool) -> int:
    """What each provider that tells it has left, and has charged. 0, or 1 when one of them could not be asked."""
    return _run(config, lambda seat: seat.kind.credits and seat.kind.credits(seat.base_url), as_json)


def generation(config: Path | None, id: str, *, as_json: bool) -> int:
    """What became of one answer, by its id, at each provider that tells it. 0, or 1 when one does not know it."""
    return _run(config, lambda seat: seat.kind.generation and seat.kind.generation(seat.base_url, id), as_json)


def _run(config: Path | None, ask: Ask, as_json: bool) -> int:
    settings, kinds = settings_or_exit(config), find_kinds()
    seats = [seat_of(provider, kinds[provider.kind]) for provider in settings.providers.values()]
    told = asyncio.run(_all([seat for seat in seats if ask(seat) is not None], ask))
    if as_json:
        typer.echo(msgspec.json.encode({each.provider: each for each in told}))
    elif not told:
        typer.echo("none of these providers tells that")
    else:
        printed(_table(told))
    return 1 if any(each.figures is None for each in told) else 0


async def _all(seats: list[Seat], ask: Ask) -> tuple[Told, ...]:
    tasks = Tasks("credits")
    return tuple([await _one(seat, ask, tasks) for seat in seats])


async def _one(seat: Seat, ask: Ask, tasks: Tasks) -> Told:
    inquiry = ask(seat)
    assert inquiry is not None
    transport = transport_of(seat, system_ports(), lambda coroutine, name: tasks.start(coroutine, name=name))
    headers = headers_of(seat, seat.kind.spoken(seat.base_url, ""), seat.settings.keys[0])
    await transport.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            figures = await conduct(inquiry, transport, headers, seat.settings.timeouts.connect_s)
    except WireFault as fault:
        return Told(provider=seat.name, why=fault.message)
    except Unanswered:
        return Told(provider=seat.name, why=_NOTHING)
    except TimeoutError:
        return Told(provider=seat.name, why=f"it did not answer within {WITHIN_S:g} s")
    finally:
        await transport.stop()
    return Told(provider=seat.name, figures=figures)


_TOLD = (Column(title="provider"), Column(title="what"), Column(title="value", breaks=True))


def _table(told: tuple[Told, ...]) -> Listing:
    return listing(
        _TOLD,
        (
            (each.provider, name, "" if value is None else str(value))
            for each in told
            for name, value in (each.figures or {"": each.why or "it told nothing"}).items()
        ),
    )
