"""Errors that mean something else at one provider than everywhere else."""

from __future__ import annotations

import pytest

from router.errors import Reason, WireFault
from router.providers import find_kinds
from router.wire.dialect import Frame

KINDS = find_kinds()

_SAID: dict[str, tuple[str, int, bytes, Reason]] = {
    "xai: a wrong key": (
        "xai",
        400,
        b'{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xai-abcdefgh12."}',
        Reason.CREDENTIAL,
    ),
    "xai: no credits": (
        "xai",
        403,
        b'{"code":"x","error":"Your newly created team doesn\'t have any credits or licenses yet."}',
        Reason.QUOTA_EXHAUSTED,
    ),
    "xai: the caller's fault": ("xai", 400, b'{"code":"x","error":"top_logprobs is above 8"}', Reason.REJECTED),
    "zai: no money, in Chinese": (
        "zai",
        429,
        '{"error":{"code":"1113","message":"余额不足"}}'.encode(),
        Reason.QUOTA_EXHAUSTED,
    ),
    "zai: the plan's window is used up": (
        "zai",
        429,
        b'{"error":{"code": "1308", "message":"Usage limit reached for 5 hour."}}',
        Reason.QUOTA_EXHAUSTED,
    ),
    "zai: too many at once": ("zai", 429, b'{"error":{"code":"1302","message":"High concurrency"}}', Reason.THROTTLED),
    "zai: overloaded": ("zai", 429, b'{"error":{"code":"1305","message":"busy"}}', Reason.OVERLOADED),
    "zai: an account that is locked": ("zai", 429, b'{"error":{"code":"1112","message":"locked"}}', Reason.CREDENTIAL),
    "zai: content": ("zai", 400, b'{"error":{"code":"1301","message":"sensitive"}}', Reason.CONTENT_POLICY),
    "zai: a server that quotes a number": (
        "zai",
        500,
        b'{"error":{"code":"1113","message":"network"}}',
        Reason.SERVER_ERROR,
    ),
    "opencode: a model that is gone": (
        "opencode",
        401,
        b'{"type":"error","error":{"type":"ModelError","message":"Model big-pickle not supported"}}',
        Reason.MODEL_MISSING,
    ),
    "opencode: no credits": (
        "opencode",
        401,
        b'{"type":"error","error":{"type":"CreditsError","message":"Add a payment method"}}',
        Reason.QUOTA_EXHAUSTED,
    ),
    "opencode: a plan's limit": (
        "opencode",
        429,
        b'{"type":"error","error":{"type":"GoUsageLimitError","message":"5 hour limit"}}',
        Reason.QUOTA_EXHAUSTED,
    ),
    "opencode: a wrong key": (
        "opencode",
        401,
        b'{"type":"error","error":{"type":"AuthError","message":"Invalid API key."}}',
        Reason.CREDENTIAL,
    ),
}


@pytest.mark.parametrize(("name", "status", "body", "reason"), _SAID.values(), ids=_SAID)
def test_a_provider_is_understood_in_its_own_words(name: str, status: int, body: bytes, reason: Reason) -> None:
    """A wrong reason blames the wrong one: a caller's 400 for our key, a wait for money that will not come."""
    fault = KINDS[name].dialect.decode_fault(status, {"retry-after": "7"}, body, 0.0)
    assert (fault.reason, fault.status, fault.retry_after_s) == (reason, status, 7.0)
    assert "xai-" not in fault.message


_INSIDE: dict[str, tuple[str, bytes, Reason]] = {
    "zai: overloaded": ("zai", b'{"error":{"code":"1305","message":"busy"}}', Reason.OVERLOADED),
    "zai: no money": ("zai", b'{"error":{"code":"1113","message":"x"}}', Reason.QUOTA_EXHAUSTED),
    "zai: its gateway": ("zai", b'{"code":500,"msg":"404 NOT_FOUND","success":false}', Reason.SERVER_ERROR),
    "xai: no credits": ("xai", b'{"error":"Your team doesn\'t have any credits"}', Reason.QUOTA_EXHAUSTED),
    "lmstudio: no model": ("lmstudio", b'{"error":{"message":"No models loaded."}}', Reason.MODEL_MISSING),
    "nobody's words": ("zai", b'{"error":{"message":"oops"}}', Reason.SERVER_ERROR),
}


@pytest.mark.parametrize(("name", "body", "reason"), _INSIDE.values(), ids=_INSIDE)
def test_a_provider_is_understood_inside_a_200_too(name: str, body: bytes, reason: Reason) -> None:
    """In place of a whole answer, and as an event of a stream."""
    dialect = KINDS[name].dialect
    with pytest.raises(WireFault) as whole:
        dialect.decode_reply(body)
    assert whole.value.reason is reason
    if b'"error"' in body:
        with pytest.raises(WireFault) as streamed:
            dialect.decoder().feed(Frame(raw=b"data: " + body + b"\n\n", data=body))
        assert streamed.value.reason is reason
