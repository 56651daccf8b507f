"""Errors that are a sentence and a status: how the sentence is found, and what is never shown of it."""

from __future__ import annotations

import re

import pytest
from msgspec import Raw

from router.errors import Reason
from router.wire.complaint import Complaints

COMPLAINTS = Complaints(
    words=((Reason.OVERLOADED, re.compile("no room")),),
    statuses={401: Reason.CREDENTIAL, 404: Reason.MODEL_MISSING, 500: Reason.SERVER_ERROR},
    plain=frozenset({401}),
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"message":"no"}', "no", id="message"),
        pytest.param(b'{"error":"no"}', "no", id="error"),
        pytest.param(b'{"detail":"no"}', "no", id="detail"),
        pytest.param(b'{"error":{"message":"no","type":"x"}}', "no", id="OpenAI's envelope"),
        pytest.param(b'{"message":"","error":"no"}', "no", id="an empty message"),
        pytest.param(b'"no"', "no", id="a bare string"),
        pytest.param(b"no\n", "no", id="plain text"),
        pytest.param(b"{not json", "{not json", id="broken JSON"),
        pytest.param(b"", "the provider answered with status 400 and no body", id="nothing"),
        pytest.param(b"<html>secret</html>", "the provider answered with status 400 and a web page", id="a web page"),
        pytest.param(
            b'x <HTML lang="">secret', "the provider answered with status 400 and a web page", id="a late tag"
        ),
        pytest.param(b'{"code":7}', "the provider answered with status 400 and no reason", id="no words"),
        pytest.param(b"[1]", "the provider answered with status 400 and no reason", id="a list"),
    ],
)
def test_the_sentence_is_found_in_any_envelope(body: bytes, message: str) -> None:
    """And a web page is never quoted."""
    fault = COMPLAINTS.fault(400, {}, body, 0.0)
    assert (fault.message, fault.reason) == (message, Reason.REJECTED)


@pytest.mark.parametrize(
    "body", [b'{"error":' * 100_000, b'{"error":' * 600 + b'"no"' + b"}" * 600], ids=["cut", "deep"]
)
def test_envelopes_in_envelopes_are_not_opened_for_ever(body: bytes) -> None:
    """Nor do they exhaust the stack."""
    assert COMPLAINTS.fault(400, {}, body, 0.0).reason is Reason.REJECTED
    assert COMPLAINTS.inside(Raw(body)).reason is Reason.SERVER_ERROR


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        pytest.param(400, "no room", Reason.OVERLOADED, id="its own words"),
        pytest.param(400, "maximum context length is 3", Reason.CONTEXT_LENGTH, id="everybody's words"),
        pytest.param(401, "no room", Reason.CREDENTIAL, id="a plain status"),
        pytest.param(404, "x", Reason.MODEL_MISSING, id="a status of its own"),
        pytest.param(418, "x", Reason.REJECTED, id="any other 4xx"),
        pytest.param(502, "x", Reason.SERVER_ERROR, id="any other 5xx"),
        pytest.param(302, "x", Reason.MALFORMED, id="no error at all"),
    ],
)
def test_words_go_before_statuses_but_for_plain_ones(status: int, message: str, reason: Reason) -> None:
    """The provider's own words first, then what everybody says."""
    assert COMPLAINTS.fault(status, {}, message.encode(), 0.0).reason is reason


@pytest.mark.parametrize("said", ["no room", {"message": "no room"}, Raw(b'"no room"'), Raw(b'{"error":"no room"}')])
def test_an_error_inside_a_200_is_judged_by_its_words(said: object) -> None:
    """In whichever form it came."""
    fault = COMPLAINTS.inside(said)
    assert (fault.reason, fault.status, fault.message) == (Reason.OVERLOADED, None, "no room")


def test_what_a_caller_may_see_of_the_headers_goes_with_the_fault() -> None:
    """And the time to wait."""
    fault = COMPLAINTS.fault(503, {"retry-after": "3", "set-cookie": "x"}, b"", 0.0)
    assert (fault.retry_after_s, fault.headers) == (3.0, (("retry-after", "3"),))


def test_the_words_about_a_credential_are_never_shown() -> None:
    """They may hold a part of it, or say whose it is."""
    assert "Ann" not in COMPLAINTS.fault(401, {}, b"the key of Ann is not valid", 0.0).message
