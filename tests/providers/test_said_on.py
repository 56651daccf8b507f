"""Every error that a provider documents, as each front end says it on: kind by kind, row by row, front by front.

What a caller may be told is written down here anew, by reason and by front, as its clients know it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from router.errors import Reason as R
from router.errors import UpstreamFailed
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Rendered
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from tests.providers.test_documented import DOCUMENTED, KINDS

OWN_FAULT = frozenset({400, 413})
"""What a caller's own request is answered with; no other status may blame it, and none of 401 to 404 may come."""

OPENAI: dict[R, tuple[int, str]] = {
    R.REJECTED: (400, "invalid_request_error"),
    R.CONTEXT_LENGTH: (400, "invalid_request_error"),
    R.CONTENT_POLICY: (400, "invalid_request_error"),
    R.TOO_LARGE: (413, "invalid_request_error"),
    R.THROTTLED: (429, "rate_limit_error"),
    R.OVERLOADED: (503, "service_unavailable_error"),
    R.QUOTA_EXHAUSTED: (503, "service_unavailable_error"),
    R.CREDENTIAL: (502, "upstream_error"),
    R.MODEL_MISSING: (502, "upstream_error"),
    R.SERVER_ERROR: (502, "upstream_error"),
    R.MALFORMED: (502, "upstream_error"),
}
ANTHROPIC: dict[R, tuple[int, str]] = {
    R.REJECTED: (400, "invalid_request_error"),
    R.CONTEXT_LENGTH: (400, "invalid_request_error"),
    R.CONTENT_POLICY: (400, "invalid_request_error"),
    R.TOO_LARGE: (413, "request_too_large"),
    R.THROTTLED: (429, "rate_limit_error"),
    R.OVERLOADED: (529, "overloaded_error"),
    R.QUOTA_EXHAUSTED: (503, "api_error"),
    R.CREDENTIAL: (502, "api_error"),
    R.MODEL_MISSING: (502, "api_error"),
    R.SERVER_ERROR: (502, "api_error"),
    R.MALFORMED: (502, "api_error"),
}


class Front(NamedTuple):
    """A front end: its half of a dialect, and what its clients are told of each reason."""

    half: Any
    told: dict[R, tuple[int, str]]


FRONTS = {
    "chat": Front(CHAT.front, OPENAI),
    "responses": Front(RESPONSES.front, OPENAI),
    "messages": Front(MESSAGES.front, ANTHROPIC),
    "rerank": Front(COHERE.others[-1].front, OPENAI),
}


def said_on(front: Front, kind: str, status: int, headers: dict[str, str], body: bytes) -> tuple[R, Rendered]:
    """What the error of the only target is, and what its caller reads."""
    fault = KINDS[kind].dialect.decode_fault(status, {**headers, "retry-after": "7"}, body, 0.0)
    failed = UpstreamFailed(fault.message, target="a:m", reason=fault.reason, fault=fault)
    rendered: Rendered = front.half.encode_fault(failed)
    return fault.reason, rendered


def rows() -> Iterator[tuple[str, int, dict[str, str], bytes]]:
    """Every row of every kind: kind, status, headers, body."""
    for said_by, (form, documented) in DOCUMENTED.items():
        for status, code, words, _reason in documented:
            headers, body = form(code, words)
            yield said_by.partition(" ")[0], status, headers, msgspec.json.encode(body)


@pytest.mark.parametrize("name", FRONTS)
def test_every_documented_error_is_said_in_the_words_of_each_front(name: str) -> None:
    """Status and type are those its clients know for the reason; the wait is the provider's, and nobody tries again."""
    front = FRONTS[name]
    wrong = []
    for kind, status, headers, body in rows():
        reason, rendered = said_on(front, kind, status, headers, body)
        error = json.loads(rendered.body)
        error = error.get("error", error)
        shown = dict(rendered.headers)
        found = (rendered.status, error["type"], shown["retry-after"], shown["x-should-retry"])
        if (
            found != (*front.told[reason], "7", "false")
            or error["metadata"]["reason"] != reason
            or not error["message"]
        ):
            wrong.append((kind, status, body, found))
    assert wrong == []


@pytest.mark.parametrize("name", FRONTS)
def test_a_full_context_is_known_by_its_words_in_every_front(name: str) -> None:
    """Agents make room where they are told so: OpenAI's clients by the code, Anthropic's by the words."""
    front = FRONTS[name]
    full = [row for row in rows() if said_on(front, *row)[0] is R.CONTEXT_LENGTH]
    assert len({kind for kind, *_ in full}) >= 20
    for row in full:
        error = json.loads(said_on(front, *row)[1].body)
        error = error.get("error", error)
        if name == "messages":
            assert re.search(r"prompt is too long|input length and `max_tokens` exceed", error["message"]), row
        else:
            assert error["code"] == "context_length_exceeded", row


def test_no_row_blames_a_caller_for_what_is_not_its_own() -> None:
    """A wrong key of ours, a model that is not there and a spent account are nobody's but the operator's."""
    for name, front in FRONTS.items():
        assert {status for status, _ in front.told.values()}.isdisjoint({401, 402, 403, 404}), name
        blamed = {reason for reason, (status, _) in front.told.items() if status in OWN_FAULT}
        assert blamed == {R.REJECTED, R.CONTEXT_LENGTH, R.CONTENT_POLICY, R.TOO_LARGE}
