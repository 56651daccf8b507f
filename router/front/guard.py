"""The outermost layer: every request has an id, and every error a body that the caller's dialect can read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from actors.messages import ALLOWED, DENIED, UNKNOWN, Desk
from actors.runtime import forget_traceback
from router.canon.caller import NOBODY, Caller
from router.errors import GatewayError, Limited, Reason, Refused, Unavailable
from router.front.context import Context
from router.front.origin import admit_all, key_in
from router.wire.dialect import FrontHalf

REQUEST_ID = web.RequestKey("pointsman_request_id", str)
"""The id of a request; on every answer as `x-request-id`."""

CALLER = web.RequestKey("pointsman_caller", Caller)
"""Whose key a request came with."""

PATH_MAX = 200
"""Characters of a path or a model's name that are kept of a request that was denied."""

MODELS = "/v1/models"
"""What every key may list, as far as it may use it."""

_KEPT = frozenset({"allow", "www-authenticate"})
"""Headers of aiohttp's own refusals that a caller needs."""

_REASONS = {401: Reason.CREDENTIAL, 413: Reason.TOO_LARGE}
"""What an error says by its code and not by its status alone."""

LEFT = 499
"""Stands where the status of an answer would that nobody hears any more."""

Handler = Callable[[web.Request, Context], Awaitable[web.StreamResponse]]
Contexts = Callable[[], Context]
Admit = Callable[[Mapping[str, str]], None]


class Guard:
    """Runs a handler and answers for its failures.

    Args:
        contexts: what handlers are given, of the edition in force.
        half: the dialect errors are said in.
        on_bug: told of every exception nobody foresaw: (request id, error).
        admit: raises for headers of whom the handler must not hear; whom it turned away is kept.
        audits: whether who was let in is kept too.
        keyed: whether callers show client keys here.
    """

    def __init__(
        self,
        contexts: Contexts,
        half: FrontHalf,
        on_bug: Callable[[str, Exception], None],
        admit: Admit = admit_all,
        *,
        audits: bool = False,
        keyed: bool = False,
    ) -> None:
        self._keyed = keyed
        self._contexts = contexts
        self._desk: Desk = contexts().desk
        self._half = half
        self._on_bug = on_bug
        self._admit = admit
        self._audits = audits

    async def answer(self, request: web.Request, handler: Handler, place: str = "") -> web.StreamResponse:
        """One request, whatever becomes of it; `place` is where its route leads, in words."""
        request_id = self._desk.new_id("req")
        request[REQUEST_ID] = request_id
        try:
            self._let_in(request, place)
            response = await handler(request, self._contexts())
        except ConnectionError:
            # The caller's connection died under a write: there is nobody to answer, and nobody has failed.
            if request.transport is not None and not request.transport.is_closing():
                raise
            response = web.Response(status=LEFT)
        except Exception as error:
            # The outermost layer: a bug is reported and answered, never leaked.
            if request.writer.output_size > 0:
                # A second head would be read as part of the answer; aiohttp closes the connection, which can be seen.
                self._on_bug(request_id, error)
                raise
            response = self._answered(error, request_id)
        if not response.prepared:
            if request.content.exception() is not None or response.status == HTTPStatus.REQUEST_TIMEOUT:
                # Where the next request begins is not known: aiohttp closes the connection, and the client must know.
                response.force_close()
            headers = response.headers
            headers["x-request-id"] = headers[self._half.id_header] = request_id
        return response

    def refuse(self, status: int, error: BaseException | None) -> web.Response:
        """The answer to what is no request; or to what broke where no handler's failures are answered."""
        request_id = self._desk.new_id("req")
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, Exception):
            response = self._rendered(Refused("this is not a request in HTTP/1.1"), request_id, status=status)
        else:
            response = self._answered(error, request_id)
        response.headers["x-request-id"] = response.headers[self._half.id_header] = request_id
        return response

    def _let_in(self, request: web.Request, place: str) -> None:
        if request.raw_path[:1] != "/":
            # An absolute form names a host of its own, and a gateway is nobody's proxy.
            raise Refused("the target of a request is a path here")
        headers = request.headers
        try:
            self._admit(headers)
            request[CALLER] = caller = self._desk.identify(key_in(headers)) if self._keyed else NOBODY
            if not caller.may_use(request.path) and not request.path.startswith(MODELS):
                raise web.HTTPForbidden(reason="this key is not for this path")
        except GatewayError as error:
            self._decided(request, UNKNOWN if isinstance(error, Unavailable) else DENIED)
            raise
        except web.HTTPException:
            self._decided(request, DENIED)
            raise
        if self._audits:
            self._desk.accessed(who(request), place, ALLOWED)

    def _decided(self, request: web.Request, outcome: str) -> None:
        self._desk.accessed(who(request), f"{request.method} {request.path[:PATH_MAX]}", outcome)

    def _answered(self, error: Exception, request_id: str) -> web.Response:
        """What a caller who was told nothing yet is told."""
        match error:
            case GatewayError():
                # Its frames hold the request's body, and a cycle of theirs would keep it until a collection.
                forget_traceback(error)
                return self._rendered(error, request_id)
            case web.HTTPException():
                response = self._rendered(_from_http(error), request_id, status=error.status)
                for name in _KEPT & {each.lower() for each in error.headers}:
                    response.headers[name] = error.headers[name]
                return response
        self._on_bug(request_id, error)
        failed = Unavailable("the gateway failed; its log has the request id", reason=Reason.INTERNAL)
        return self._rendered(failed, request_id)

    def _rendered(self, error: GatewayError, request_id: str, *, status: int | None = None) -> web.Response:
        """An error as a response in the dialect."""
        said = self._half.encode_fault(error)
        body = self._half.with_request_id(said.body, request_id)
        headers = dict(said.headers)
        if isinstance(error, Limited) and error.standings:
            headers.update(self._half.limits(error.standings))
        return web.Response(status=status or said.status, body=body, headers=headers)


def by_address(request: web.Request) -> str:
    """Who asks, where no client key says it."""
    return f"http {request.remote or 'unknown'}"


def who(request: web.Request) -> str:
    """Who asks, for the audit. An address is not a name that a key could have."""
    caller = request.get(CALLER, NOBODY)
    return f"key {caller.id}" if caller.id else by_address(request)


def _from_http(error: web.HTTPException) -> GatewayError:
    """aiohttp's own refusals in our words; their HTML never reaches a caller."""
    words = {
        404: "there is nothing at this path",
        405: "this path does not take that method",
        413: "the request is too large",
    }
    reason = _REASONS.get(error.status, Reason.REJECTED)
    # A handler's own word for it is better than ours.
    usual = error.reason == HTTPStatus(error.status).phrase
    said = words.get(error.status) if usual else error.reason
    return Refused(said or error.reason or "the request cannot be read", reason=reason)
