"""Inputs as the many providers take them that have no words for another model's token ids."""

from __future__ import annotations

from router.canon.embedding import EmbedRequest
from router.errors import Reason, Refused


def texts_of(request: EmbedRequest, *, most: int | None = None) -> tuple[str, ...]:
    """The inputs as texts.

    Args:
        most: how many the provider takes at a time; None where it names no bound.

    Raises:
        Refused: for token ids; for more than `most`, so that another target may be asked.
    """
    if most is not None and len(request.inputs) > most:
        told = f"this provider takes at most {most} inputs at a time, and there are {len(request.inputs)}"
        raise Refused(told, reason=Reason.INEXPRESSIBLE, param="input")
    texts = tuple(text for text in request.inputs if isinstance(text, str))
    if len(texts) < len(request.inputs):
        raise Refused("this provider takes texts, not token ids", param="input")
    return texts


def only_text_of(request: EmbedRequest) -> str:
    """The one input of a model that takes one at a time. Raises `Refused`, so that another target may be asked."""
    texts = texts_of(request)
    if len(texts) != 1:
        raise Refused("this model takes one text at a time", reason=Reason.TOO_LARGE, param="input")
    return texts[0]
