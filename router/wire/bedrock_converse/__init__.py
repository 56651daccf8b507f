"""Bedrock's Converse and ConverseStream: what AWS's providers speak, and no caller. `DIALECT` is all that others need.

Streams need botocore, which the extra `aws` brings.
"""

from __future__ import annotations

from router.wire.bedrock_converse.count import CODEC as COUNT
from router.wire.bedrock_converse.embeddings import CODEC as EMBEDDINGS
from router.wire.bedrock_converse.fault import decode_fault
from router.wire.bedrock_converse.reply import decode_reply
from router.wire.bedrock_converse.request import encode_request, patch_request
from router.wire.bedrock_converse.schema import FAMILY
from router.wire.bedrock_converse.stream import ConverseDecoder
from router.wire.dialect import Dialect, Turn
from router.wire.eventstream import EventStreamSplitter
from router.wire.toolnames import name_rule

DIALECT = Dialect(
    name=FAMILY,
    patch_request=patch_request,
    encode_request=encode_request,
    decode_reply=decode_reply,
    decode_fault=decode_fault,
    splitter=EventStreamSplitter,
    decoder=ConverseDecoder,
    others=(COUNT, EMBEDDINGS),
    tool_names=name_rule("A-Za-z0-9_-", 64),
    turn=Turn(say=lambda text: [{"text": text}]),
)
