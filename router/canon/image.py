"""Pictures made of words."""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.structs import replace

from router.canon.usage import Usage


class ImageRequest(Struct, frozen=True, kw_only=True):
    """A picture to make. `extra` holds size, quality and what else each family of models has words of its own for."""

    model: str
    prompt: str
    count: int = 1
    extra: tuple[tuple[str, Raw], ...] = ()


class Image(Struct, frozen=True, kw_only=True):
    """One picture, as base64 or where it can be fetched; `prompt` is what the model made of the caller's words."""

    base64: Raw | None = None
    url: str | None = None
    prompt: str | None = None


class Images(Struct, frozen=True, kw_only=True):
    """The pictures. `usage` counts them, and tokens where the provider does; `extra` are its words for what it made."""

    model: str
    images: tuple[Image, ...]
    usage: Usage | None = None
    created_s: int | None = None
    extra: tuple[tuple[str, Raw], ...] = ()

    @property
    def says_nothing(self) -> bool:
        """True without a single picture."""
        return not self.images

    @property
    def refuses(self) -> bool:
        """Never: who will not do it says so with an error."""
        return False

    @property
    def may_repeat(self) -> bool:
        """Who asks twice wants two pictures."""
        return False

    def named(self, model: str, created_s: int) -> Images:
        """With a model and a time, the provider's own where it gave them."""
        return replace(self, model=self.model or model, created_s=self.created_s or created_s)
