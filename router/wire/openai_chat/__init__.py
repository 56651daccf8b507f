"""OpenAI's chat completions: what most clients speak, and most providers too. `DIALECT` is all that others need."""

from __future__ import annotations

from router.wire.dialect import Dialect, FrontHalf, Turn
from router.wire.openai_chat.embeddings import CODEC as EMBEDDINGS
from router.wire.openai_chat.fault import decode_fault, encode_fault
from router.wire.openai_chat.images import CODEC as IMAGES
from router.wire.openai_chat.message import FAMILY
from router.wire.openai_chat.moderations import CODEC as MODERATIONS
from router.wire.openai_chat.relay import ChatRelay, mended_reply, take_over
from router.wire.openai_chat.reply import decode_reply, encode_reply
from router.wire.openai_chat.request import decode_request, encode_request, patch_request, peek
from router.wire.openai_chat.rerank import CODEC as RERANK
from router.wire.openai_chat.stream import KEEPALIVE, ChatDecoder, ChatEncoder
from router.wire.sse import SseSplitter
from router.wire.tiers import OPENAI
from router.wire.toolnames import name_rule

DIALECT = Dialect(
    name="openai-chat",
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=SseSplitter,
    decoder=ChatDecoder,
    others=(EMBEDDINGS, IMAGES, MODERATIONS, RERANK),
    tool_names=name_rule("A-Za-z0-9_-", 64),
    front=FrontHalf(
        peek=peek,
        decode_request=decode_request,
        encode_reply=encode_reply,
        encoder=ChatEncoder,
        relay=ChatRelay,
        take_over=take_over,
        mend=mended_reply,
        encode_fault=encode_fault,
        keepalive=KEEPALIVE,
        stream_type="text/event-stream; charset=utf-8",
        family=FAMILY,
        tiers=OPENAI,
    ),
    turn=Turn(),
)
