"""OpenAI's Responses: what newer clients speak, and providers that think or search. `DIALECT` is all others need."""

from __future__ import annotations

from router.wire.dialect import Dialect, FrontHalf
from router.wire.openai_responses.count import CODEC as COUNT
from router.wire.openai_responses.fault import decode_fault, encode_fault
from router.wire.openai_responses.relay import ResponsesRelay, take_over
from router.wire.openai_responses.reply import decode_reply, encode_reply
from router.wire.openai_responses.request import decode_request, encode_request, patch_request, peek
from router.wire.openai_responses.stream import KEEPALIVE, ResponsesDecoder, ResponsesEncoder
from router.wire.openai_responses.thought import FAMILY
from router.wire.sse import SseSplitter
from router.wire.tiers import OPENAI
from router.wire.toolnames import name_rule

DIALECT = Dialect(
    name="openai-responses",
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=SseSplitter,
    decoder=ResponsesDecoder,
    others=(COUNT,),
    tool_names=name_rule("A-Za-z0-9_-", 64),
    front=FrontHalf(
        peek=peek,
        decode_request=decode_request,
        encode_reply=encode_reply,
        encoder=ResponsesEncoder,
        relay=ResponsesRelay,
        take_over=take_over,
        encode_fault=encode_fault,
        keepalive=KEEPALIVE,
        stream_type="text/event-stream; charset=utf-8",
        family=FAMILY,
        tiers=OPENAI,
    ),
)
