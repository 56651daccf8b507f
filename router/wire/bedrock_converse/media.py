"""Pictures, documents and sound as blocks. Their bytes travel inside the request or lie in S3: nothing is fetched."""

from __future__ import annotations

import re
from base64 import b64encode

from router.canon.request import Audio, Document, Image, Source
from router.wire.bedrock_converse.schema import Block

_PICTURES = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_PICTURE_HEADS = {"iVBORw0": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}
"""How the base64 of a picture begins -> its format; the wrong format beside a picture is refused."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_SOUNDS = frozenset(
    {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"}
)

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_SPACES = re.compile(r" {2,}")
_LONGEST_NAME = 180
"""Characters a document's name may have, with room for a number behind it."""


class Names:
    """The names of the documents of one request: no two the same, in the letters the service takes."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, wanted: str | None, kind: str) -> str:
        """A name near to the wanted one, without the ending that its format says already."""
        bare = (wanted or "").removesuffix(f".{kind}")
        base = _SPACES.sub(" ", _UNNAMEABLE.sub("-", bare)).strip(" -")[:_LONGEST_NAME].strip() or "document"
        name, number = base, 1
        while name in self._given:
            number += 1
            name = f"{base} ({number})"
        self._given.add(name)
        return name


def image_block(image: Image) -> Block | None:
    """A picture, or None for one of a type, or at a place, that the service does not take."""
    source = image.source
    if source.data is None:
        kind = _PICTURES.get(source.media_type or "") or _ending(source, frozenset(_PICTURES.values()), "jpeg")
    else:
        found = next((kind for head, kind in _PICTURE_HEADS.items() if (source.data or "").startswith(head)), None)
        kind = found or _PICTURES.get(source.media_type or "")
    place = _place(source)
    return None if kind is None or place is None else {"image": {"format": kind, "source": place}}


def document_block(document: Document, names: Names) -> Block | None:
    """A document, or None for one of a type, or at a place, that the service does not take."""
    source = document.source
    kinds = frozenset(_DOCUMENTS.values())
    kind = _DOCUMENTS.get(source.media_type or "") if source.media_type else _ending(source, kinds, "pdf")
    if kind is None and document.name:
        kind = _ending(Source(url=document.name), kinds, None)
    place = _place(source)
    if kind is None or place is None:
        return None
    block: Block = {"format": kind, "name": names.give(document.name, kind), "source": place}
    if document.context is not None:
        block["context"] = document.context
    if document.citations is not None:
        block["citations"] = {"enabled": document.citations}
    return {"document": block}


def audio_block(audio: Audio) -> Block | None:
    """Sound, or None for a format that the service does not take."""
    kind = audio.format.lower()
    return {"audio": {"format": kind, "source": {"bytes": audio.data}}} if kind in _SOUNDS else None


def _place(source: Source) -> Block | None:
    """Where the bytes are: with the request, or in S3; the service reads no other address."""
    if source.url is not None:
        return {"s3Location": {"uri": source.url}} if source.url.startswith("s3://") else None
    if not source.data:
        return None
    plain = source.media_type == "text/plain"
    return {"bytes": b64encode(source.data.encode()).decode() if plain else source.data}


def _ending(source: Source, kinds: frozenset[str], otherwise: str | None) -> str | None:
    """The format that an address ends in; `otherwise` where there is no address."""
    if source.url is None:
        return otherwise
    ending = source.url.rpartition(".")[2].lower()
    ending = {"jpg": "jpeg", "htm": "html"}.get(ending, ending)
    return ending if ending in kinds else None
