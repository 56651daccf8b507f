"""Which generation a model is, by the many names it goes by."""

from __future__ import annotations

import pytest

from router.wire.anthropic_messages.models import _TRAITS, traits_of


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("claude-opus-5-5", ("opus", 5, 5)),
        ("claude-opus-5", ("opus", 5, 0)),
        ("claude-sonnet-4-20250514", ("sonnet", 4, 0)),
        ("claude-sonnet-4-0", ("sonnet", 4, 0)),
        ("claude-opus-4-1@20250805", ("opus", 4, 1)),
        ("claude-haiku-4-5-20251001", ("haiku", 4, 5)),
        ("claude-haiku-4-5@20251001", ("haiku", 4, 5)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", ("haiku", 4, 5)),
        ("anthropic/claude-sonnet-4-6", ("sonnet", 4, 6)),
        ("claude-3-7-sonnet-20250219", ("sonnet", 3, 7)),
        ("claude-3-5-haiku-latest", ("haiku", 3, 5)),
        ("claude-3-haiku-20240307", ("haiku", 3, 0)),
        ("claude-fable-5-1", ("fable", 5, 1)),
    ],
)
def test_a_name_tells_family_and_version(name: str, generation: tuple[str, int, int]) -> None:
    """Dates, regions and publishers around it do not."""
    assert traits_of(name) is _TRAITS[generation]


@pytest.mark.parametrize("name", ["claude-opus-7", "claude-sonnet-6-1", "claude-lyric-1"])
def test_a_claude_nobody_has_heard_of_is_taken_for_the_newest(name: str) -> None:
    """What the newest takes, a later one most likely takes too."""
    assert traits_of(name) is _TRAITS["opus", 5, 5]


@pytest.mark.parametrize("name", ["glm-5", "deepseek-chat", "MiniMax-M3", "my-claude"])
def test_a_model_that_is_no_claude_takes_the_plain_protocol(name: str) -> None:
    """Servers that imitate it know nothing of generations."""
    traits = traits_of(name)
    assert (traits.thinking, traits.sampling, traits.forced_tools) == ("budget", "free", True)
