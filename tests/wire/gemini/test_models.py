"""What a model's name says of it."""

from __future__ import annotations

import pytest

from router.wire.gemini.models import model_named


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
