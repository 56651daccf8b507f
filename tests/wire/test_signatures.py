"""Signatures in ids: what goes in comes out, and nothing else does."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.signatures import LONGEST_ID, MARK, SignedId, pack_id, unpack_id
from tests.wire.recorded import needs_recordings, recordings, response_of

ids = st.text(max_size=60)
base64_text = st.binary(min_size=1, max_size=300).map(lambda some: b64encode(some).decode())
signatures = base64_text | st.text(min_size=1, max_size=60)
families = st.sampled_from(["gemini", "vertex"])


@given(ids, signatures, families)
def test_what_was_packed_comes_out_again(call_id: str, signature: str, family: str) -> None:
    """For any id and any signature: the codec has no text it cannot carry, an id that looks packed included."""
    packed = pack_id(call_id, signature, family)
    assert unpack_id(packed) == SignedId(id=call_id, signature=signature, family=family)
    assert unpack_id(pack_id(packed, signature, family)).id == packed


@given(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), signatures)
def test_a_packed_id_has_only_letters_that_every_client_accepts(call_id: str, signature: str) -> None:
    """Anthropic's clients check ids against this pattern."""
    assert re.fullmatch(r"[A-Za-z0-9_-]+", pack_id(call_id, signature, "gemini"))


@given(st.text(max_size=80) | ids.map(lambda text: MARK + text))
def test_an_id_that_was_not_packed_comes_back_as_it_is(seen: str) -> None:
    """Ids of other providers are never shortened, however they look."""
    assert unpack_id(seen) == SignedId(id=seen)


@given(ids, signatures, st.data())
def test_an_id_that_was_cut_or_altered_gives_no_signature(call_id: str, signature: str, data: st.DataObject) -> None:
    """A broken signature would be refused by the provider; none at all it forgives."""
    packed = pack_id(call_id, signature, "gemini")
    place = data.draw(st.integers(0, len(packed) - 1))
    assert unpack_id(packed[:place]) == SignedId(id=packed[:place])
    altered = packed[:place] + ("x" if packed[place] != "x" else "y") + packed[place + 1 :]
    assert unpack_id(altered) == SignedId(id=altered)


@pytest.mark.parametrize(
    ("signature", "family"),
    [
        pytest.param(None, "gemini", id="no signature"),
        pytest.param("", "gemini", id="an empty one"),
        pytest.param("c2ln", None, id="nobody's"),
        pytest.param("c2ln", "a family-name", id="a family that cannot be written"),
        pytest.param("A" * LONGEST_ID, "gemini", id="too long"),
    ],
)
def test_an_id_stays_plain_where_nothing_can_be_packed(signature: str | None, family: str | None) -> None:
    """A caller's store is not made to hold ids without bound."""
    assert pack_id("call_1", signature, family) == "call_1"


def test_the_bound_is_on_what_the_caller_sees() -> None:
    """The longest packed id is as long as the bound says, and one letter more is none."""
    spent = len(pack_id("c", "AAAA", "gemini")) - 4
    fits = "A" * ((LONGEST_ID - spent) // 4 * 4)
    assert len(pack_id("c", fits, "gemini")) <= LONGEST_ID
    assert unpack_id(pack_id("c", fits, "gemini")).signature == fits
    assert pack_id("c", fits + "AAAA", "gemini") == "c"


@needs_recordings
def test_every_recorded_signature_of_a_call_fits() -> None:
    """What providers really send is carried without growing by more than what names it."""
    found = 0
    for line in recordings("gemini.generateContent", "gemini.streamGenerateContent"):
        for signature in re.findall(r'"thoughtSignature": ?"([^"]+)"', response_of(line.id)[2].decode()):
            packed = pack_id("call_1", signature, "gemini")
            assert unpack_id(packed).signature == signature
            assert len(packed) <= len(signature) + 40
            found += 1
    assert found
