"""Errors: OpenAI's, as `router/wire/envelope.py` reads and says them, and the form they have inside a stream."""

from __future__ import annotations

import msgspec

from router.errors import GatewayError
from router.wire.envelope import decode_fault, encode_fault, error_members, fault_inside

__all__ = ["decode_fault", "encode_error_event", "encode_fault", "fault_inside"]


def encode_error_event(error: GatewayError, sequence_number: int) -> bytes:
    """The event that ends a stream unfinished.

    Both forms in which OpenAI has sent it: clients read the members beside `type`, or those in `error`, or both.
    """
    members = error_members(error)
    flat = {name: members[name] for name in ("code", "message", "param")}
    event = {"type": "error", "sequence_number": sequence_number, **flat, "error": members}
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode(event)
