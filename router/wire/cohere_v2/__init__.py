"""Cohere's chat, version 2, as providers speak it. `DIALECT` is all that others need."""

from __future__ import annotations

from router.wire.cohere_v2.embeddings import CODEC as EMBEDDINGS
from router.wire.cohere_v2.fault import decode_fault
from router.wire.cohere_v2.reply import decode_reply
from router.wire.cohere_v2.request import encode_request, patch_request
from router.wire.cohere_v2.rerank import CODEC as RERANK
from router.wire.cohere_v2.stream import CohereDecoder
from router.wire.dialect import Dialect, Turn
from router.wire.sse import SseSplitter
from router.wire.toolnames import name_rule

DIALECT = Dialect(
    name="cohere-v2",
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=SseSplitter,
    decoder=CohereDecoder,
    others=(EMBEDDINGS, RERANK),
    # Source: https://docs.cohere.com/reference/errors, read 2026-11. It states no length; 64 is that of the others.
    tool_names=name_rule("A-Za-z0-9_", 64, first="A-Za-z_"),
    turn=Turn(),
)
