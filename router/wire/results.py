"""Tools that failed, for protocols that have no mark for it: the words of the answer say so, since the model must know.

A mark would be better, and cannot be told from the words again; so it is named as lost all the same.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.canon.request import Text, ToolResult

_SAID = "Error: "
_NO_WORDS = "Error: the tool failed and said nothing."


def in_words(result: ToolResult) -> ToolResult:
    """The answer, beginning with the word for a failure where it is one and does not say so itself."""
    if not result.is_error:
        return result
    for place, part in enumerate(result.parts):
        if isinstance(part, Text) and part.text:
            if part.text.lstrip()[: len(_SAID)].lower().startswith("error"):
                return result
            said = replace(part, text=_SAID + part.text)
            return replace(result, parts=(*result.parts[:place], said, *result.parts[place + 1 :]))
    return replace(result, parts=(*result.parts, Text(text=_NO_WORDS)))
