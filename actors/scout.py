"""The Scout actor: finds out which models its provider has, and what it says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar, assert_never

from msgspec import Struct

from actors.messages import FactsLearned, ModelsSurveyed
from actors.provider import MakeTransport
from actors.runtime import Actor, Exit, Ref, Snapshot, forget_traceback
from router.errors import WireFault
from router.providers.survey import FoundModel, Inquiry, Question, Survey, Unanswered
from router.upstream.transport import Transport, UpstreamRequest

SURVEY_S = 60.0
"""How long one survey may take, all its questions together."""

AGAIN_S = 15.0
"""How soon a survey that failed is tried again; each further failure doubles it, up to the usual interval."""

MOST_BYTES = 32 * 1024 * 1024

Headers = tuple[tuple[str, str], ...]
T = TypeVar("T")

Found = Mapping[str, FoundModel]
"""By name, those that chat first."""


class Errand(Struct, frozen=True, kw_only=True):
    """What a scout asks, and how often.

    Args:
        survey: a fresh survey.
        headers: credentials and static headers, lower-case names.
        every_s: between two surveys, give or take a tenth.
    """

    provider: str
    survey: Callable[[], Survey]
    headers: tuple[tuple[str, str], ...]
    connect_s: float
    every_s: float


class Ends(Struct, frozen=True, kw_only=True):
    """Where what was found goes."""

    published: Snapshot[Found]
    capability: Ref
    telemetry: Ref


_WORDS: Mapping[type[Exception], str] = {
    Unanswered: "it answered with nothing that is a list of models",
    TimeoutError: f"it did not answer within {SURVEY_S:g} s",
}


class Scout(Actor):
    """Surveys its provider at once and then now and again, on connections of its own; no request waits for it.

    Accepts nothing. Publishes what was found, and tells Capability what it reveals. A survey that fails changes
    nothing: what is known stays known.

    A restart loses nothing: what was found stays published, and the provider is asked anew.
    """

    def __init__(self, errand: Errand, *, make_transport: MakeTransport, ends: Ends) -> None:
        super().__init__()
        self._errand = errand
        self._make_transport = make_transport
        self._ends = ends

    async def on_start(self) -> None:
        """Begin; the first survey is a job like all others, so that a provider that is down delays no start."""
        self._transport = self._make_transport(lambda coroutine, name: self.tasks.start(coroutine, name=name))
        await self._transport.start()
        self.tasks.start(self._rounds(), name="survey")

    def on_receive(self, message: NoReturn) -> None:
        """There is nothing to tell it."""
        assert_never(message)

    async def on_stop(self, reason: Exit) -> None:
        """Give the connections back."""
        await self._transport.stop()

    async def _rounds(self) -> None:
        errand, wait_s = self._errand, 0.0
        while True:
            try:
                self._take(await self._round())
                wait_s = errand.every_s
            except (WireFault, Unanswered, TimeoutError) as error:
                forget_traceback(error)
                wait_s = min(AGAIN_S if wait_s in (0.0, errand.every_s) else wait_s * 2, errand.every_s)
                why = error.message if isinstance(error, WireFault) else _WORDS[type(error)]
                self._ends.telemetry.tell(ModelsSurveyed(provider=errand.provider, found=None, why=why))
            # Jittered, so that the routers of a fleet do not ask in step.
            await asyncio.sleep(wait_s * self.ports.rng.uniform(0.9, 1.1))

    def _take(self, found: tuple[FoundModel, ...]) -> None:
        """Publish it, and tell those who keep account of it."""
        provider = self._errand.provider
        ranked = sorted(found, key=lambda model: not model.chats)
        self._ends.published.publish({model.name: model for model in ranked})
        learned = {model.name: model.traits for model in found}
        self._ends.capability.tell(FactsLearned(provider=provider, models=learned))
        self._ends.telemetry.tell(ModelsSurveyed(provider=provider, found=len(found)))

    async def _round(self) -> tuple[FoundModel, ...]:
        """One whole survey. Raises what ends one early."""
        async with asyncio.timeout(SURVEY_S):
            errand = self._errand
            return await conduct(errand.survey(), self._transport, errand.headers, errand.connect_s)


async def conduct(inquiry: Inquiry[T], transport: Transport, headers: Headers, connect_s: float) -> T:
    """Carry an inquiry's questions to a provider and its answers back. Raises `WireFault`, and as the inquiry does."""
    try:
        question = next(inquiry)
        while True:
            question = inquiry.send(await _answer(question, transport, headers, connect_s))
    except StopIteration as done:
        told: T = done.value
        return told


async def _answer(question: Question, transport: Transport, headers: Headers, connect_s: float) -> bytes | None:
    """An answer's body; None for one that says that there is none."""
    extra = (("content-type", "application/json"),) if question.body else ()
    request = UpstreamRequest(
        method="POST" if question.body else "GET",
        url=question.url,
        headers=(*headers, *extra),
        body=question.body,
        connect_s=connect_s,
    )
    async with transport.send(request) as reply:
        return await reply.read(MOST_BYTES) if reply.status == 200 else None
