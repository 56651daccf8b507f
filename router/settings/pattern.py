"""Regular expressions of an operator's own, by RE2: however one is written, it takes time in proportion to the text.

Python's `re` takes ages for `(a+)+$` and thirty characters, and a thread is no help: it holds the interpreter.
The price is what RE2 has not: looking around, and back-references.
"""

from __future__ import annotations

SYNTAX = "https://github.com/google/re2/wiki/Syntax"


class PatternInvalid(Exception):
    """The text is no regular expression of RE2. It is not quoted: it may be a key in the wrong place."""


class Pattern:
    """One expression, compiled. Raises `PatternInvalid`."""

    def __init__(self, text: str) -> None:
        import re2  # here, because it costs every command 15 ms, and few have patterns

        quiet = re2.Options()
        quiet.log_errors = False  # on standard error, with the pattern in it
        try:
            self._engine = re2.compile(text, quiet)
        except (re2.error, UnicodeEncodeError) as error:
            raise PatternInvalid("is no regular expression of RE2") from error

    @property
    def matches_nothing(self) -> bool:
        """Whether it is found where there is no text at all: so it is everywhere."""
        return self._engine.search("") is not None

    def replaced(self, text: str, by: str) -> str:
        """The text with `by` wherever it matches. 40,000 characters that all match one by one take 0.5 s, most texts
        a thousandth of it."""
        replaced: str = self._engine.sub(lambda _found: by, text)
        return replaced
