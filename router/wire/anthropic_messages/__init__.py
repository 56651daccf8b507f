"""Anthropic's Messages API: what Claude and its clients speak, and servers that imitate it. `DIALECT` is all that
others need; `count.py` has the call that only counts."""

from __future__ import annotations

from router.wire.anthropic_messages.count import CODEC as COUNT
from router.wire.anthropic_messages.encoder import KEEPALIVE, MessageEncoder
from router.wire.anthropic_messages.fault import decode_fault, encode_fault, with_request_id
from router.wire.anthropic_messages.message import FAMILY
from router.wire.anthropic_messages.relay import MessageRelay, take_over
from router.wire.anthropic_messages.reply import decode_reply, encode_reply
from router.wire.anthropic_messages.request import decode_request, encode_request, patch_request, peek
from router.wire.anthropic_messages.stream import MessageDecoder
from router.wire.anthropic_messages.usage import TIERS
from router.wire.dialect import Dialect, FrontHalf, Turn
from router.wire.headers import anthropic_limits
from router.wire.sse import SseSplitter
from router.wire.toolnames import name_rule

DIALECT = Dialect(
    name="anthropic-messages",
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=SseSplitter,
    decoder=MessageDecoder,
    others=(COUNT,),
    tool_names=name_rule("A-Za-z0-9_-", 128),
    front=FrontHalf(
        peek=peek,
        decode_request=decode_request,
        encode_reply=encode_reply,
        encoder=MessageEncoder,
        relay=MessageRelay,
        take_over=take_over,
        encode_fault=encode_fault,
        keepalive=KEEPALIVE,
        stream_type="text/event-stream; charset=utf-8",
        family=FAMILY,
        tiers=frozenset(TIERS),
        # Betas come in pairs with members of the body: to keep one without the other is a 400.
        limits=anthropic_limits,
        forwarded=frozenset({"anthropic-version", "anthropic-beta"}),
        id_header="request-id",
        with_request_id=with_request_id,
    ),
    turn=Turn(),
)
