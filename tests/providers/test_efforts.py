"""How much to think, which every provider has another word for, and what its models that think do not take."""

from __future__ import annotations

import pytest

from router.providers import find_kinds
from router.providers.quirks import bend

KINDS = find_kinds()

_TOLD: dict[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    "deepseek does not think": ("deepseek", "deepseek-flash", '"none"', '"thinking":{"type":"disabled"}', ()),
    "glm does not think": ("zai", "glm-5.2", '"none"', '"thinking":{"type":"disabled"}', ()),
    "glm that always thinks": ("zai", "glm-5.3", '"none"', '"reasoning_effort":"low"', ("reasoning_effort",)),
    "together does not think": ("together", "zai-org/GLM-5.3-Flash", '"none"', '"reasoning":{"enabled":false}', ()),
    "vllm does not think": ("vllm", "qwen", '"none"', '"chat_template_kwargs":{"enable_thinking":false}', ()),
    "qwen at groq does not think": ("groq", "qwen/qwen3-32b", '"none"', '"reasoning_effort":"none"', ()),
    "qwen at groq thinks": ("groq", "qwen/qwen3-32b", '"low"', '"reasoning_effort":"default"', ("reasoning_effort",)),
    "gpt-oss at groq thinks": ("groq", "openai/gpt-oss-20b", '"low"', '"reasoning_effort":"low"', ()),
    "grok thinks": ("xai", "grok-4.7", '"low"', '"reasoning_effort":"low"', ()),
    "grok that is told nothing": ("xai", "grok-4.20-0309-non-reasoning", '"none"', "", ("reasoning_effort",)),
}


@pytest.mark.parametrize(("kind", "model", "effort", "told", "lost"), _TOLD.values(), ids=_TOLD)
def test_how_much_to_think_is_told_as_each_model_takes_it(
    kind: str, model: str, effort: str, told: str, lost: tuple[str, ...]
) -> None:
    """OpenAI's word for not at all is no word of most others, and an error at some."""
    found = KINDS[kind]
    quirks = found.spoken(found.base_url or "", model).quirks
    assert quirks is not None
    expected = f'{{"model":"m",{told}}}' if told else '{"model":"m"}'
    assert bend(b'{"model":"m","reasoning_effort":%b}' % effort.encode(), quirks) == (expected.encode(), lost)


@pytest.mark.parametrize(
    ("model", "lost"),
    [
        ("grok-4.7", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-3-mini", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-4.20-0309-reasoning", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-4.20-0309-non-reasoning", set()),
        ("grok-3", set()),
    ],
)
def test_a_grok_that_thinks_is_not_told_where_to_stop(model: str, lost: set[str]) -> None:
    """It answers that with an error; a stop is a wish that may not be dropped unseen, so that another is asked."""
    quirks = KINDS["xai"].spoken("https://api.x.ai/v1", model).quirks
    assert quirks is not None
    body, named = bend(b'{"model":"m","stop":["x"],"presence_penalty":1,"frequency_penalty":1}', quirks)
    assert set(named) == lost and (b"stop" in body) == (not lost)


def test_what_the_caller_says_itself_of_thinking_counts() -> None:
    """Beside its effort, in the provider's own words."""
    quirks = KINDS["deepseek"].quirks
    assert quirks is not None
    body = b'{"reasoning_effort":"none","thinking":{"type":"enabled"}}'
    assert bend(body, quirks) == (b'{"thinking":{"type":"enabled"}}', ())
