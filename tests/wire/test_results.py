"""Tools that failed, said in words."""

from __future__ import annotations

import pytest

from router.canon.request import Image, Source, Text, ToolResult
from router.wire.results import in_words

PICTURE = Image(source=Source(data="iVBO", media_type="image/png"))
SILENT = "Error: the tool failed and said nothing."


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param((Text(text="no such file"),), ["Error: no such file"], id="words"),
        pytest.param((Text(text="Error: no"),), ["Error: no"], id="words that say it"),
        pytest.param((Text(text=" ERROR 5"),), [" ERROR 5"], id="in capitals"),
        pytest.param((PICTURE, Text(text="no")), [PICTURE, "Error: no"], id="behind a picture"),
        pytest.param((Text(text=""), PICTURE), ["", PICTURE, SILENT], id="a picture alone"),
        pytest.param((), [SILENT], id="nothing"),
    ],
)
def test_a_failure_says_that_it_is_one(parts: tuple[Text | Image, ...], words: list[object]) -> None:
    """Once, in its first words; places of parts, by which losses are named, stay as they were."""
    told = in_words(ToolResult(call_id="a", parts=parts, is_error=True))
    assert [part.text if isinstance(part, Text) else part for part in told.parts] == words
    well = ToolResult(call_id="a", parts=parts)
    assert in_words(well) is well
