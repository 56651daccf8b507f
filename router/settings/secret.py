"""A value that must not be seen: keys, and headers that may carry one."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "***"


class Secret:
    """Text that prints as `***` wherever it is printed. Only `reveal` gives it out, so that every use can be found.

    It cannot be pickled or serialized: a secret leaves the process in the one header it is meant for.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. For the place that sends it; not for a message, a log or a cache key."""
        return self._text

    def __repr__(self) -> str:
        """The mask."""
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """The mask: a width or a precision would tell its length."""
        return MASK

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """In the same time wherever two texts differ. Never equal to plain text, which could be printed."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        """As that of the text, which Python salts for each process."""
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        """Itself: nothing in it changes."""
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        """Itself."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refused: a pickle would hold the text in the clear."""
        raise TypeError("a Secret cannot be pickled")
