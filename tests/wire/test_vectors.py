"""Vectors in their two forms: what is said in one is said in the other."""

from __future__ import annotations

import json
from base64 import b64encode
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.errors import Reason, WireFault
from router.wire.vectors import in_form, is_packed

numbers = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20)


@given(st.lists(numbers, max_size=4))
def test_there_and_back_every_number_is_the_same(vectors: list[list[float]]) -> None:
    """To the last of its 32 bits."""
    written = tuple(Raw(json.dumps(vector).encode()) for vector in vectors)
    packed = in_form(written, packed=True)
    assert all(map(is_packed, packed))
    back = [json.loads(bytes(vector)) for vector in in_form(packed, packed=False)]
    assert [pack(f"<{len(one)}f", *one) for one in back] == [pack(f"<{len(one)}f", *one) for one in vectors]


def test_what_has_the_form_already_is_the_very_same_tuple() -> None:
    """So that bytes pass through untouched."""
    vectors = (Raw(b"[1.50, 2]"),)
    assert in_form(vectors, packed=False) is vectors
    assert unpack("<2f", b"\0\0\xc0?\0\0\0@") == (1.5, 2.0)
    assert in_form(vectors, packed=True) == (Raw(b'"AADAPwAAAEA="'),)


@pytest.mark.parametrize(
    ("raw", "packed"),
    [
        pytest.param(b'"AAA="', False, id="bytes that make no float32"),
        pytest.param(b'"no base64!"', False, id="no base64"),
        pytest.param(b'["a"]', True, id="no numbers"),
        pytest.param(b"{}", True, id="no list"),
        pytest.param(b"[1e400]", True, id="a number without end"),
    ],
)
def test_what_is_no_vector_is_the_providers_fault(raw: bytes, packed: bool) -> None:
    """Never a wrong number."""
    with pytest.raises(WireFault) as caught:
        in_form((Raw(raw),), packed=packed)
    assert caught.value.reason is Reason.MALFORMED


def test_packed_is_little_end_first() -> None:
    """As OpenAI's clients read it."""
    [vector] = in_form((Raw(b"[1.0]"),), packed=True)
    assert bytes(vector) == b'"' + b64encode(b"\0\0\x80?") + b'"'
