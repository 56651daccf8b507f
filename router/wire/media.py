"""Where a medium's bytes are, in the one string OpenAI's protocols have for it: a URL, a data URL, or bare base64."""

from __future__ import annotations

from router.canon.request import Source


def source_at(url: str) -> Source:
    """Where a medium is: inside its data URL, at its URL, or bare base64 as some clients send files."""
    if url.startswith(("https:", "http:")):
        return Source(url=url)
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Source(data=data, media_type=head.removeprefix("data:").removesuffix(";base64") or None)
    return Source(url=url) if comma else Source(data=url)


def url_of(source: Source, otherwise: str) -> str:
    """The source as a URL; its data as a data URL, of the type `otherwise` where it names none."""
    return source.url or f"data:{source.media_type or otherwise};base64,{source.data or ''}"
