"""Whole tables of prices, in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from router.settings.schema.keys import Keys, Name
from router.settings.schema.provider import Price

Basis = Literal["reported", "priced"]


class PricesKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What models cost.

    Args:
        basis: which cost counts, for budgets, totals and callers, where both are known: what the provider says it
            charged, or ours by price; the ledger keeps both.
        file: a table of prices, YAML, TOML or JSON, read with the configuration; it goes before the list that comes
            with this router, and after what a model's own `price` says; left out, there is none.
    """

    basis: Basis = "reported"
    file: Path | None = None


class PriceRowKeys(Price, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a table.

    Args:
        provider: the provider's name in the configuration; one that is not there prices nothing.
        model: what callers ask for, or what the provider calls it; `*` is every model of it without a row of its own.
    """

    provider: Name
    model: Name


class PriceFile(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table. Of several rows for one model, that with the latest `date` which is not to come holds.

    Args:
        prices: its rows.
    """

    prices: tuple[PriceRowKeys, ...]
