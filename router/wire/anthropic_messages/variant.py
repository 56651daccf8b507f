"""The same messages inside another cloud's call: the URL names the model, and the body says which protocol it is.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai and .../claude-on-amazon-bedrock, read
2026-11.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from router.wire.anthropic_messages.schema import ENCODER
from router.wire.members import MEMBERS, joined


class Variant(Struct, frozen=True, kw_only=True):
    """How a body differs from one to Anthropic itself.

    Args:
        version: the value of `anthropic_version`, which is a header elsewhere.
        streams: whether `stream` stays in the body; where it does not, the URL says it.
        betas: whether the body holds the beta names that are a header elsewhere.
    """

    version: str
    streams: bool
    betas: bool


VERTEX = Variant(version="vertex-2023-10-16", streams=True, betas=False)
BEDROCK = Variant(version="bedrock-2023-05-31", streams=False, betas=True)


def wrap_body(body: bytes, variant: Variant, betas: tuple[str, ...] = ()) -> bytes:
    """A body to Anthropic as this variant takes it, values byte for byte. `betas` are those of the request's header."""
    members = MEMBERS.decode(body)
    del members["model"]
    if not variant.streams:
        members.pop("stream", None)
    # The caller's own value, where a client speaks this variant itself, is the target's all the same.
    members["anthropic_version"] = Raw(ENCODER.encode(variant.version))
    if variant.betas and betas:
        members["anthropic_beta"] = Raw(ENCODER.encode(betas))
    return joined(members)
