"""Google's generateContent: the Gemini API (`DIALECT`) and Vertex AI (`VERTEX`), which refuses some of the same.

Only providers speak it. The model and whether to stream stand in the URL, as `call_path` writes it.
"""

from __future__ import annotations

from functools import partial

from router.wire.dialect import Codec, Dialect, Turn
from router.wire.gemini.count import count_path, counting
from router.wire.gemini.embeddings import BATCH, embed_path, vertex_path
from router.wire.gemini.embeddings import VERTEX as VERTEX_EMBEDDINGS
from router.wire.gemini.fault import decode_fault
from router.wire.gemini.frames import GeminiSplitter
from router.wire.gemini.message import TOOL_NAMES
from router.wire.gemini.reply import decode_reply
from router.wire.gemini.request import call_path, encode_request, patch_request
from router.wire.gemini.stream import GeminiDecoder
from router.wire.gemini.surface import GEMINI, Surface
from router.wire.gemini.surface import RESOLD as RESOLD_SURFACE
from router.wire.gemini.surface import VERTEX as VERTEX_SURFACE

__all__ = ["DIALECT", "RESOLD", "VERTEX", "call_path", "count_path", "embed_path", "vertex_path"]


def _on(surface: Surface, embeddings: Codec) -> Dialect:
    """The dialect as one of the two services speaks it."""
    return Dialect(
        name="gemini",
        patch_request=patch_request,
        encode_request=partial(encode_request, surface=surface),
        decode_reply=partial(decode_reply, family=surface.family),
        decode_fault=decode_fault,
        splitter=GeminiSplitter,
        decoder=partial(GeminiDecoder, surface.family),
        others=(counting(surface), embeddings),
        tool_names=TOOL_NAMES,
        turn=Turn(member="contents", role="model", content="parts", say=lambda text: [{"text": text}]),
    )


DIALECT = _on(GEMINI, BATCH)
RESOLD = _on(RESOLD_SURFACE, BATCH)
VERTEX = _on(VERTEX_SURFACE, VERTEX_EMBEDDINGS)
