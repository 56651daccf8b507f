"""Messages inside a call to Vertex."""

from __future__ import annotations

from router.wire.anthropic_messages.vertex import vertex_body


def test_the_model_leaves_the_body_and_the_version_enters_it() -> None:
    """Everything else, `stream` included, is byte for byte as it was."""
    body = b'{"model":"m","max_tokens":1,"messages":[ {"role":"user"} ],"stream":true}'
    assert vertex_body(body) == (
        b'{"max_tokens":1,"messages":[ {"role":"user"} ],"stream":true,"anthropic_version":"vertex-2023-10-16"}'
    )


def test_a_version_the_caller_wrote_stays() -> None:
    """A client that speaks this form itself knows what it wants."""
    assert vertex_body(b'{"anthropic_version":"vertex-2027-01-01"}') == b'{"anthropic_version":"vertex-2027-01-01"}'
