"""Headers that are read for what they say."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from router.errors import Refused
from router.front.forward import forwarding
from router.front.wishes import with_headers
from router.wire.envelope import encode_fault
from router.wire.openai_chat.request import peek

_BYTES = "\udcff"
"""What the server makes of a byte that is no UTF-8."""


@pytest.mark.parametrize("header", ["x-router-requires", "x-router-on-loss", "x-router-affinity-key", "anthropic-beta"])
def test_a_header_that_is_not_utf_8_is_refused(header: str) -> None:
    """It would be a key of the cache or a place to go to, and could not even be written down."""
    ask = peek(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
    headers = CIMultiDict({header: _BYTES})
    with pytest.raises(Refused, match=header) as refused:
        forwarding(with_headers(ask, headers), headers, frozenset({"anthropic-beta"}))
    assert header.encode() in encode_fault(refused.value).body
