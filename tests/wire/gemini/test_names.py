"""Names of tools: Google's rules on the way out, the caller's own name on the way back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.gemini.models import model_named
from router.wire.gemini.names import decode_name, encode_name

odd_names = st.text(st.sampled_from("ax_5fé9-.:/ "), max_size=12) | st.text(st.characters(codec="utf-8"), max_size=8)


@given(odd_names)
def test_every_name_comes_back_as_the_caller_wrote_it(name: str) -> None:
    """Also names that look as if they had been rewritten."""
    encoded = encode_name(name)
    assert decode_name(encoded) == name
    assert not name or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]*", encoded)


@pytest.mark.parametrize("name", ["get_weather", "mcp__server__tool", "a.b-c:d", "_x", "fix_x_ray"])
def test_a_name_that_is_allowed_stays_as_it_is(name: str) -> None:
    """The model knows tools by their names."""
    assert encode_name(name) == name


@pytest.mark.parametrize("name", ["_x110000_", "_xd800_"])
def test_a_name_that_codes_no_character_is_no_code(name: str) -> None:
    """A model may invent anything."""
    assert decode_name(name) == name


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("gemini-2.5-pro", (2, 5)),
        ("models/gemini-3-flash-preview", (3, 0)),
        ("gemini-4-argon", (4, 0)),
        ("publishers/google/models/gemini-3.1-pro-preview", (3, 1)),
        ("gemini-flash-latest", (99, 0)),
        ("gemma-3-27b-it", (0, 0)),
        ("tunedModels/mine", (2, 5)),
    ],
)
def test_a_models_generation_is_read_from_its_name(name: str, generation: tuple[int, int]) -> None:
    """Aliases follow the newest, names that tell nothing the oldest that is served."""
    assert model_named(name).generation == generation
