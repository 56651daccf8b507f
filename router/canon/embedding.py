"""Texts as numbers: what is asked, and what comes back."""

from __future__ import annotations

from msgspec import Raw, Struct

from router.canon.computed import Computed


class EmbedRequest(Struct, frozen=True, kw_only=True):
    """Texts to turn into vectors.

    Args:
        inputs: texts, or token ids of the model's own tokenizer.
        dimensions: how many numbers a vector shall have; None leaves it to the model.
        packed: whether the caller wants vectors as base64 of float32, little end first, instead of numbers.
        extra: members that no other dialect knows.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    packed: bool = False
    user: str | None = None
    extra: tuple[tuple[str, Raw], ...] = ()


class Embeddings(Computed, frozen=True, kw_only=True):
    """One vector for each input, in their order.

    A vector is JSON as its provider wrote it, a list of numbers or a string of base64: most are only passed on, and
    thousands of numbers are not read to be written again. `usage` is None when the provider reported none.
    """

    vectors: tuple[Raw, ...]

    @property
    def says_nothing(self) -> bool:
        """True without a single vector: clients take that for an error of theirs."""
        return not self.vectors
