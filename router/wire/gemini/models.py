"""What a model takes, read from its name: one protocol, several generations with different rules.

Source: ai.google.dev, generate-content, thinking and thought signatures, read 2026-11.
"""

from __future__ import annotations

import re

from msgspec import Struct

_GEMINI = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST = (99, 0)
_TUNED = (2, 5)
"""What a name that tells nothing is taken for: the oldest generation still served. Its rules hurt no newer one."""


class Model(Struct, frozen=True, kw_only=True):
    """A model's generation, and its kind where that changes the rules."""

    generation: tuple[int, int]
    is_gemma: bool = False
    is_flash: bool = False
    is_lite: bool = False
    is_pro: bool = False

    @property
    def takes_system(self) -> bool:
        """Gemma refuses a system instruction."""
        return not self.is_gemma

    @property
    def thinks(self) -> bool:
        """Whether thinking can be asked for; others refuse a request that names it."""
        return self.generation >= (2, 5)

    @property
    def thinks_by_level(self) -> bool:
        """Levels since 3; token budgets before."""
        return self.generation >= (3, 0)

    @property
    def wants_signatures(self) -> bool:
        """Whether a call in the history is refused without a signature."""
        return self.generation >= (3, 0)

    @property
    def takes_json_schema(self) -> bool:
        """Whether the fields for JSON Schema stand beside those for OpenAPI's."""
        return self.generation >= (2, 5)

    @property
    def mixes(self) -> bool:
        """Whether functions go together with an output format."""
        return self.generation >= (3, 0)

    @property
    def takes_media_in_results(self) -> bool:
        """Whether a tool's answer may hold pictures and documents itself."""
        return self.generation >= (3, 0)


def model_named(name: str) -> Model:
    """The rules for a model. Unknown Gemini models and aliases (`gemini-flash-latest`) follow the newest."""
    last = name.rpartition("/")[2]
    match = _GEMINI.match(last)
    if match is not None:
        generation = (int(match[1]), int(match[2] or 0))
    elif last.startswith("gemma"):
        generation = (0, 0)
    else:
        generation = _NEWEST if last.startswith("gemini") else _TUNED
    return Model(
        generation=generation,
        is_gemma=last.startswith("gemma"),
        is_flash="flash" in last,
        is_lite="flash-lite" in last,
        is_pro="-pro" in last,
    )
