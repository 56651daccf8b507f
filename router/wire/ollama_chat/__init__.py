"""Ollama's native chat, as providers speak it. `DIALECT` is all that others need.

Its own OpenAI endpoint ignores half of what it is sent, hides an error in a stream, and cannot size the window.
"""

from __future__ import annotations

from router.wire.dialect import Dialect, Turn
from router.wire.jsonl import JsonlSplitter
from router.wire.ollama_chat.embeddings import CODEC as EMBEDDINGS
from router.wire.ollama_chat.fault import decode_fault
from router.wire.ollama_chat.reply import decode_reply
from router.wire.ollama_chat.request import encode_request, patch_request
from router.wire.ollama_chat.stream import OllamaDecoder

DIALECT = Dialect(
    name="ollama-chat",
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=JsonlSplitter,
    decoder=OllamaDecoder,
    others=(EMBEDDINGS,),
    turn=Turn(),
)
