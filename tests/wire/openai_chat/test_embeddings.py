"""OpenAI's embeddings: requests there and back, answers in order, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.usage import Usage
from router.errors import Reason, Refused, WireFault
from router.wire.openai_chat.embeddings import decode_reply, decode_request, encode_reply, encode_request, peek

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1)
ids = st.lists(st.integers(0, 2**31), min_size=1, max_size=5).map(tuple)
requests = st.builds(
    EmbedRequest,
    model=texts,
    inputs=st.one_of(
        st.lists(texts, min_size=1, max_size=4).map(tuple), st.lists(ids, min_size=1, max_size=4).map(tuple)
    ),
    dimensions=st.none() | st.integers(1, 4096),
    packed=st.booleans(),
    user=st.none() | texts,
)


@given(requests)
def test_a_request_comes_back_as_it_was(request: EmbedRequest) -> None:
    """Whatever is in it."""
    assert decode_request(peek(encode_request(request, request.model).body)) == request


def test_a_reply_comes_back_as_it_was_and_in_order() -> None:
    """Places count, not the order of sending; a provider's own names for counts are read."""
    reply = Embeddings(model="m", vectors=(Raw(b"[1]"), Raw(b'"AAA="')), usage=Usage(input=3, reported_total=3))
    assert decode_reply(encode_reply(reply)) == reply
    turned = decode_reply(b'{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}')
    assert (turned.vectors, turned.usage) == ((Raw(b"[1]"), Raw(b"[2]")), None)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"input":"x"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":[1,"a"]}', "input"),
        (b'{"model":"m","input":{}}', "input"),
        (b'{"model":"m","input":"x","dimensions":"3"}', "dimensions"),
    ],
)
def test_what_cannot_be_asked_is_named(body: bytes, param: str) -> None:
    """The field, before anybody is asked."""
    with pytest.raises(Refused) as caught:
        decode_request(peek(body))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY_ANSWER),
        (b"<html>", Reason.MALFORMED),
        (b'{"data":1}', Reason.MALFORMED),
        (b'{"error":{"message":"slow down","code":"rate_limit_exceeded"}}', Reason.THROTTLED),
    ],
)
def test_what_is_no_answer_is_a_fault(body: bytes, reason: Reason) -> None:
    """Errors inside a 200 for their reason."""
    with pytest.raises(WireFault) as caught:
        decode_reply(body)
    assert caught.value.reason is reason
