"""Embedding: the whole router inside another asyncio program.

    async with Router.from_config("pointsman.yaml") as router:
        async for event in router.stream({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}):
            ...

Nothing global is touched: no signal handlers, no event loop policy, no logging configuration, no garbage collector
settings. Two routers in one loop do not meet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from actors.messages import Answered, Call, Committed, Flow, Opened, Whole
from router.app import CODECS, FRONT_DIALECT, Assembly, kind_rules
from router.canon.count import TokenCount
from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.event import Event
from router.canon.image import ImageRequest, Images
from router.canon.moderation import ModerationRequest, Moderations
from router.canon.ranking import Ranking, RankRequest
from router.canon.reply import Reply
from router.canon.request import ChatRequest
from router.errors import Reason, Unavailable
from router.front.server import Application, NoServer, add_routes
from router.settings import Settings, from_environment, load, process_environment
from router.wire.dialect import Ask, Codec
from router.wire.members import MEMBERS, joined

Body = Mapping[str, Any]
Request = ChatRequest | Body
Other = EmbedRequest | ModerationRequest | RankRequest | ImageRequest
T = TypeVar("T")

EMBEDDINGS = CODECS["openai-embeddings"]
MODERATIONS = CODECS["openai-moderations"]
IMAGES = CODECS["openai-images"]
RERANK = CODECS["cohere-rerank"]
COUNT = CODECS["anthropic-count"]

LOOK_EVERY_S = 0.5
"""How often a handler under a host's application looks whether its caller is still there."""


class Router:
    """A router to be used with `async with`, or attached to an aiohttp application.

    Args:
        settings: validated settings; `from_config` makes them from a file or a mapping.
    """

    def __init__(self, settings: Settings) -> None:
        self._assembly = Assembly(settings, server=NoServer())

    @classmethod
    def from_config(
        cls,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> Router:
        """A router from a YAML, TOML or JSON file, a mapping of the same shape, or, with None, the environment alone.

        Raises:
            ConfigInvalid: naming every fault by its path.
        """
        environ = process_environment() if environ is None else environ
        if source is None:
            return cls(from_environment(environ, kind_rules()))
        return cls(load(source if isinstance(source, Mapping) else Path(source), environ, kind_rules()))

    async def __aenter__(self) -> Router:
        """Start the tree. Raises `StartFailed` when an actor cannot start."""
        await self._assembly.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Drain, then stop everything in reverse order."""
        await self._assembly.stop()

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """The answer as canon events, as they come; the last one is `Ended`.

        Leaving the loop early ends the exchange, and its upstream call, when the generator is closed.

        Args:
            request: a `ChatRequest`, or a mapping in the form of OpenAI's chat API; whether it says `stream` is of no
                account.

        Raises:
            GatewayError: before the first event or, for an answer that is cut, after the last one that came.
        """
        opened = self._open(FRONT_DIALECT, self._ask(request, stream=True))
        try:
            while True:
                piece = await opened.outbox.get()
                if isinstance(piece, Flow):
                    for event in piece.events:
                        yield event
                elif isinstance(piece, Answered):
                    return
        finally:
            opened.leave()

    async def complete(self, request: Request) -> Reply:
        """The whole answer. Raises `GatewayError`."""
        return await self._whole(FRONT_DIALECT, self._ask(request, stream=False), Reply)

    async def embed(self, request: EmbedRequest | Body) -> Embeddings:
        """One vector for each text, as JSON: a list of numbers unless the request asks for base64.

        Args:
            request: an `EmbedRequest`, or a mapping in the form of OpenAI's embeddings.

        Raises:
            GatewayError: as `complete`.
        """
        return await self._whole(EMBEDDINGS, _heard(EMBEDDINGS, request), Embeddings)

    async def moderate(self, request: ModerationRequest | Body) -> Moderations:
        """One verdict for each text, in the form of OpenAI's moderations or canon. Raises `GatewayError`."""
        return await self._whole(MODERATIONS, _heard(MODERATIONS, request), Moderations)

    async def rerank(self, request: RankRequest | Body) -> Ranking:
        """Texts in order, the best first, asked in the form of Cohere's rerank or canon. Raises `GatewayError`."""
        return await self._whole(RERANK, _heard(RERANK, request), Ranking)

    async def images(self, request: ImageRequest | Body) -> Images:
        """The pictures, whole, asked in the form of OpenAI's image generation or canon. Raises `GatewayError`."""
        return await self._whole(IMAGES, _heard(IMAGES, request), Images)

    async def count_tokens(self, request: Request) -> TokenCount:
        """How long the prompt of a request to `complete` is, without an answer to it; `estimated` where nobody who was
        asked counts. Raises `GatewayError`."""
        return await self._whole(COUNT, self._counted(request), TokenCount)

    def attach(self, app: Application) -> None:
        """Serve all HTTP endpoints under `app`, and start and stop with it unless this router is running already."""
        contexts = self._assembly.contexts(self._assembly.desk, look_every_s=LOOK_EVERY_S)
        add_routes(app, contexts, self._assembly.on_bug)
        app.cleanup_ctx.append(self._while_running)

    async def _while_running(self, _app: Application) -> AsyncIterator[None]:
        mine = not self._assembly.started
        if mine:
            await self._assembly.start()
        yield
        if mine:
            await self._assembly.stop()

    async def _whole(self, codec: Codec, ask: Ask, form: type[T]) -> T:
        opened = self._open(codec, ask)
        answer: T | None = None
        try:
            while True:
                piece = await opened.outbox.get()
                match piece:
                    case Whole(reply=said) if isinstance(said, form):
                        answer = said
                    case Answered() if answer is not None:
                        return answer
                    case Committed():
                        continue
                    case _:
                        raise Unavailable("an exchange ended without its answer", reason=Reason.INTERNAL)
        finally:
            opened.leave()

    def _open(self, codec: Codec, ask: Ask) -> Opened:
        desk = self._assembly.desk
        return desk.open(
            Call(
                ask=ask,
                dialect=codec.name,
                operation=codec.operation,
                request_id=desk.new_id("req"),
                trace_id=desk.trace_id(),
            )
        )

    def _ask(self, request: Request, *, stream: bool) -> Ask:
        """The request as the front end would have read it, so that there is no second way in."""
        ask = _heard(FRONT_DIALECT, request)
        fields = {**ask.fields, "stream": Raw(b"true" if stream else b"false")}
        return replace(ask, stream=stream, include_usage=True if stream else None, fields=fields)

    def _counted(self, request: Request) -> Ask:
        """A chat request in the words in which counting is asked for; what it wishes of the routing stays."""
        ask = _heard(FRONT_DIALECT, request)
        if not isinstance(request, ChatRequest):
            assert FRONT_DIALECT.front is not None
            request = FRONT_DIALECT.front.decode_request(ask)
        return replace(_heard(COUNT, request), requirements=ask.requirements)


def _heard(codec: Codec, request: ChatRequest | Other | Body) -> Ask:
    """What the front end would have read, of an answer that is not streamed. Raises `Refused`."""
    assert codec.front is not None
    ask = codec.front.peek(_written(codec, request))
    return replace(ask, stream=False, fields={name: raw for name, raw in ask.fields.items() if name != "stream"})


def _written(codec: Codec, request: ChatRequest | Other | Body) -> bytes:
    """The body of a request; members of canon's that no dialect has a word for are its own still."""
    if isinstance(request, Mapping):
        return msgspec.json.encode(request)
    body = codec.encode_request(request, request.model).body
    if isinstance(request, ChatRequest):
        return body
    return joined({**dict(request.extra), **MEMBERS.decode(body)})
