"""Web pages that an answer stands on: what every family of citations has in common.

Each dialect keeps citations as its own provider wrote them. A caller of another dialect gets of them what both can say:
address and title. Where a citation belongs in the text only OpenAI's forms say in characters of the answer; for any
other the place is 0 to 0, which is no place, and not a guess.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from router.wire.members import ENCODER, NULL, UNREADABLE


class Page(Struct, frozen=True, kw_only=True):
    """A page, and the characters of the answer that stand on it."""

    url: str
    title: str
    start_index: int = 0
    end_index: int = 0


class _Cited(Struct, frozen=True, kw_only=True):
    """A citation in whichever of the known forms: flat or nested (OpenAI's two), Anthropic's, whose `source` may be an
    address, or Bedrock's, whose `location` may hold one."""

    type: str = ""
    url: str | None = None
    source: str | None = None
    title: str | None = None
    start_index: int = 0
    end_index: int = 0
    url_citation: _Cited | None = None
    location: Raw = NULL


class _Place(Struct, frozen=True, kw_only=True):
    """Where Bedrock found a source: a page, or a place in a document, which is none.

    Source: botocore 1.44.5, bedrock-runtime, `CitationLocation`, read 2026-11.
    """

    web: _Cited | None = None


class _Web(Struct, frozen=True, kw_only=True):
    uri: str | None = None
    title: str | None = None


class _Chunk(Struct, frozen=True, kw_only=True):
    web: _Web | None = None


class _Grounding(Struct, frozen=True, kw_only=True, rename="camel"):
    grounding_chunks: tuple[_Chunk, ...] = ()


class _Grounded(Struct, frozen=True, kw_only=True, rename="camel"):
    """Google's: the pages behind a whole answer."""

    grounding_metadata: _Grounding | None = None


_CITED = msgspec.json.Decoder(_Cited)
_PLACE = msgspec.json.Decoder(_Place)
_GROUNDED = msgspec.json.Decoder(_Grounded)


def nested(raw: Raw) -> list[Raw]:
    """A citation of any family as chat completions write it; none where it names no page."""
    return [Raw(ENCODER.encode({"type": "url_citation", "url_citation": page})) for page in pages(raw)]


def flat(raw: Raw) -> list[Raw]:
    """A citation of any family as the Responses API writes it; none where it names no page."""
    return [Raw(ENCODER.encode({"type": "url_citation", **msgspec.structs.asdict(page)})) for page in pages(raw)]


def pages(raw: Raw) -> tuple[Page, ...]:
    """The pages that a citation names; a document the caller sent, or a search that was made, is none."""
    try:
        cited = _CITED.decode(raw)
        grounded = _GROUNDED.decode(raw).grounding_metadata
    except UNREADABLE:
        return ()
    if grounded is not None:
        webs = (chunk.web for chunk in grounded.grounding_chunks if chunk.web is not None)
        return tuple(Page(url=web.uri, title=web.title or web.uri) for web in webs if web.uri)
    return tuple(_page(cited.url_citation or cited, _web_of(cited.location)))


def _web_of(location: Raw) -> str | None:
    try:
        web = None if location == NULL else _PLACE.decode(location).web
    except UNREADABLE:
        return None
    return None if web is None else web.url


def _page(cited: _Cited, found: str | None) -> Iterator[Page]:
    url = cited.url or found or cited.source or ""
    if url.startswith(("https:", "http:")):
        yield Page(url=url, title=cited.title or url, start_index=cited.start_index, end_index=cited.end_index)
