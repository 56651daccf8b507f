"""Errors: this protocol's are OpenAI's, as `router/wire/envelope.py` reads and says them."""

from __future__ import annotations

from router.wire.envelope import decode_fault, encode_envelope, encode_fault, fault_inside

__all__ = ["decode_fault", "encode_envelope", "encode_fault", "fault_inside"]
