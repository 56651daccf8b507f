"""What is known of models without asking anybody: a kind's own table, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from router.canon.ability import Traits, merged


class Known(Struct, frozen=True, kw_only=True):
    """A row: what holds for models whose upstream name begins like this. The more special row stands first.

    Args:
        models: regular expression that the name has to begin with; "" is every model of the kind.
    """

    traits: Traits
    models: str = ""


def known_of(rows: Iterable[Known], model: str) -> Traits:
    """All that the rows say of a model; of each thing the first word counts."""
    return merged(row.traits for row in rows if re.match(row.models, model))
