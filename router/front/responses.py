"""OpenAI's Responses: conversations that go on by the id of their last answer, and answers read again.

Who holds a conversation decides where it can go. What a provider stores under the id it gave is sent to that provider
alone, and if it is down the caller is told so: nobody else has it. What none stores is kept here, and sent whole to
whatever target the route chooses.
"""

from __future__ import annotations

from functools import partial

import msgspec
from aiohttp import web
from msgspec import Raw
from msgspec.structs import replace

from actors.messages import Committed, Memory, Once, Turn
from router.errors import GatewayError, Reason, Refused
from router.front.calls import answer, hear, once_of
from router.front.context import Context
from router.front.delivery import MakeKeeper
from router.front.guard import CALLER
from router.wire.dialect import Ask, Kept
from router.wire.members import joined
from router.wire.openai_responses.turns import (
    as_kept,
    ended_with,
    input_items,
    previous_of,
    read_reply,
    resumed,
    wants_keeping,
)

DIALECT = "openai-responses"

_UNKNOWN = "no response of this id is known here, or no longer"

_PREVIOUS = "previous_response_id"
_MOST_ITEMS = 100
_USUAL_ITEMS = 20


async def converse(request: web.Request, context: Context) -> web.StreamResponse:
    """One call, by itself or on from an earlier answer."""
    ask = await hear(request, context, DIALECT)
    once = once_of(request, ask)
    memory, owner = _memory(request, context), request[CALLER].tenant
    previous = previous_of(ask)
    if memory is None or not (previous or wants_keeping(ask)):
        return await _answer(request, context, ask, (), once)
    turns = await memory.recall(previous, owner) if previous is not None else ()
    said = ask.fields["input"]
    if previous is not None:
        ask = _continued(ask, context, turns, previous)
    if not wants_keeping(ask):
        return await _answer(request, context, ask, turns, once)
    ask = replace(ask, kept=Kept(id=memory.new_id("resp_"), previous=previous))
    keeper = partial(_Keeper, memory, owner, said, previous if turns else None)
    return await _answer(request, context, ask, turns, once, keeper)


async def _answer(
    request: web.Request,
    context: Context,
    ask: Ask,
    turns: tuple[Turn, ...],
    once: Once | None,
    keeper: MakeKeeper | None = None,
) -> web.StreamResponse:
    try:
        return await answer(request, context, DIALECT, ask, once=once, keeper=keeper)
    except GatewayError as error:
        if error.reason is Reason.INEXPRESSIBLE and error.param == _PREVIOUS:
            error.reason = Reason.THREAD_MISSING  # no target here could know it, and clients look for this word
        if turns and turns[-1].held:
            error.message += f"; {turns[-1].target.provider} holds this conversation, and nobody else can go on with it"
        raise


async def one(request: web.Request, context: Context) -> web.Response:
    """`GET /v1/responses/{id}`: a kept answer, once more. Raises `HTTPNotFound`."""
    if request.query.get("stream") == "true":
        raise Refused("a kept answer is not streamed again", param="stream")
    turns = await _known(request, context)
    return web.Response(body=bytes(turns[-1].answer), content_type="application/json")


async def delete(request: web.Request, context: Context) -> web.Response:
    """`DELETE /v1/responses/{id}`. Raises `Refused` for what a provider stores: only it can delete that."""
    id = request.match_info["id"]
    memory = _memory(request, context)
    turn = None if memory is None else await memory.forget(id, request[CALLER].tenant)
    if turn is None:
        raise web.HTTPNotFound(reason=_UNKNOWN)
    if turn.held:
        raise Refused(
            f"{turn.target.provider} stores this response too, and was not asked to delete it; here it is gone"
        )
    return web.json_response({"id": id, "object": "response", "deleted": True})


async def items(request: web.Request, context: Context) -> web.Response:
    """`GET /v1/responses/{id}/input_items`: all that the answer was made from, in pages, newest first unless asked
    otherwise."""
    turns = await _known(request, context)
    listed = input_items((turn.input, turn.answer) for turn in turns)
    if request.query.get("order", "desc") == "desc":
        listed = listed[::-1]
    ids = [msgspec.json.decode(item["id"]) for item in listed]
    after = request.query.get("after")
    if after is not None and after not in ids:
        raise Refused(f"there is no item {after!r} to list after", param="after")
    first = 0 if after is None else ids.index(after) + 1
    last = first + _limit(request.query.get("limit"))
    page = {
        "object": "list",
        "data": [Raw(joined(item)) for item in listed[first:last]],
        "first_id": next(iter(ids[first:last]), None),
        "last_id": next(iter(ids[first:last][::-1]), None),
        "has_more": last < len(ids),
    }
    return web.Response(body=msgspec.json.encode(page), content_type="application/json")


class _Keeper:
    """Keeps the answer to one request, before the caller has all of it: the next request may come at once."""

    def __init__(self, memory: Memory, owner: str, said: Raw, previous: str | None, ask: Ask) -> None:
        self._owner = owner
        self._memory = memory
        self._ask = ask
        self._said = said
        self._previous = previous

    def whole(self, body: bytes, committed: Committed, *, passed: bool) -> bytes:
        """An answer that is not streamed; `passed` says that its bytes are the provider's own."""
        kept = self._ask.kept
        body = body if passed or kept is None else as_kept(body, kept)
        self._keep(Raw(body), committed, passed=passed)
        return body

    def stream(self, ending: bytes, committed: Committed, *, passed: bool) -> None:
        """The last bytes of a stream."""
        response = ended_with(ending)
        if response is not None:
            self._keep(response, committed, passed=passed)

    def _keep(self, response: Raw, committed: Committed, *, passed: bool) -> None:
        reply = read_reply(response)
        if reply is None:
            return
        self._memory.keep(
            Turn(
                id=reply.id,
                previous=self._previous,
                owner=self._owner,
                target=committed.target,
                held=passed and reply.store is not False,
                input=self._said,
                answer=response.copy(),
            )
        )


def _continued(ask: Ask, context: Context, turns: tuple[Turn, ...], previous: str) -> Ask:
    """The request as it goes on: to who holds the conversation, or with all of it. Raises `Refused`."""
    card = next((card for card in context.desk.models() if card.id == ask.model), None)
    targets = () if card is None else card.targets
    if not turns:
        if len(targets) == 1:
            # It may be older than this process. The caller named one target, and that one knows.
            return ask
        raise Refused(
            f"previous response {previous!r} is not known here, or no longer; the whole conversation in `input` does"
            " without it, and so does a model that leads to the one target that stores it",
            reason=Reason.THREAD_MISSING,
            param=_PREVIOUS,
        )
    last = turns[-1]
    if not last.held:
        return resumed(ask, ((turn.input, turn.answer) for turn in turns))
    holder = f"{last.target.provider}:"
    pinned = next((target for target in targets if target.startswith(holder)), None)
    if targets and pinned is None:
        raise Refused(
            f"{last.target.provider} holds this conversation, and {ask.model!r} does not lead there: send the whole"
            " conversation in `input` to go on elsewhere",
            reason=Reason.THREAD_MISSING,
            param=_PREVIOUS,
        )
    return ask if pinned is None else replace(ask, model=pinned)


def _memory(request: web.Request, context: Context) -> Memory | None:
    """Where this caller's conversations are kept; None where they are not to be."""
    return context.memory if request[CALLER].keeps else None


async def _known(request: web.Request, context: Context) -> tuple[Turn, ...]:
    id = request.match_info["id"]
    memory = _memory(request, context)
    turns = () if memory is None else await memory.recall(id, request[CALLER].tenant)
    if not turns:
        raise web.HTTPNotFound(reason=_UNKNOWN)
    return turns


def _limit(said: str | None) -> int:
    if said is None:
        return _USUAL_ITEMS
    if not said.isdecimal() or not 1 <= int(said) <= _MOST_ITEMS:
        raise Refused(f"`limit` must be a whole number from 1 to {_MOST_ITEMS}", param="limit")
    return int(said)
