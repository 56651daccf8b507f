"""The same messages inside a call to Google's Vertex: the URL names the model, and the body which protocol it is.

Everything else is as Anthropic has it, streams and errors included. Bedrock's way of it is `router/wire/invoke.py`.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai, read 2026-11.
"""

from __future__ import annotations

from msgspec import Raw

from router.wire.members import MEMBERS, joined

_VERSION = Raw(b'"vertex-2023-10-16"')


def vertex_body(body: bytes) -> bytes:
    """A Messages body as `rawPredict` takes it, its values byte for byte; `model` in it would be refused.

    `stream` stays, and betas stay in their header. A version the caller wrote itself stays too.
    """
    members = {name: value for name, value in MEMBERS.decode(body).items() if name != "model"}
    members.setdefault("anthropic_version", _VERSION)
    return joined(members)
