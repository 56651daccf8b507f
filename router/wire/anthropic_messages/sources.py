"""Sources that other families name, in Anthropic's words.

A page has a form here: a find of a web search. Its `encrypted_index` is for Anthropic's servers alone, so a find of
another family holds a mark of ours in that place, by which it is known when a client sends it back: to Anthropic it
would be forged.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.wire.anthropic_messages.seal import PREFIX
from router.wire.citations import pages
from router.wire.members import ENCODER, MEMBERS, UNREADABLE, joined


class _Found(Struct, frozen=True):
    """A source, as far as it can hold a mark of ours."""

    encrypted_index: str | None = None


_FOUND = Decoder(_Found)
_SOURCES = Decoder(tuple[Raw, ...])


def located(citation: Raw) -> list[Raw]:
    """A citation of any family as finds of a web search; none where it names no page."""
    return [
        Raw(
            ENCODER.encode(
                {
                    "type": "web_search_result_location",
                    "url": page.url,
                    "title": page.title,
                    "encrypted_index": PREFIX,
                    "cited_text": "",
                }
            )
        )
        for page in pages(citation)
    ]


def is_borrowed(citation: Raw) -> bool:
    """Whether a source is another family's, in our words."""
    try:
        return (_FOUND.decode(citation).encrypted_index or "").startswith(PREFIX)
    except UNREADABLE:
        return False


def own_sources(block: Raw) -> bytes:
    """A text without the sources that are not Anthropic's; those it wrote stay byte for byte.

    Nothing where only such sources were in it: a text without words is refused.
    """
    members = MEMBERS.decode(block)
    sources = members.get("citations", Raw(b"null"))
    if not bytes(sources).startswith(b"["):
        return bytes(block)
    kept = [bytes(source) for source in _SOURCES.decode(sources) if not is_borrowed(source)]
    rest = {name: raw for name, raw in members.items() if name != "citations"}
    if kept:
        return joined({**rest, "citations": Raw(b"[%b]" % b",".join(kept))})
    return b"" if bytes(rest.get("text", Raw(b""))) == b'""' else joined(rest)
