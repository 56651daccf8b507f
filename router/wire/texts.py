"""Inputs as the many providers take them: without words for another model's token ids, and only so many at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from msgspec.structs import replace

from router.canon.embedding import Embeddings, EmbedRequest
from router.canon.usage import added
from router.errors import Reason, Refused, WireFault
from router.wire.dialect import Portions

MOST_REQUESTS = 32
"""For one request of a caller. Clients of OpenAI may send 2048 texts, which are 22 requests to Cohere."""


def texts_of(request: EmbedRequest) -> tuple[str, ...]:
    """The inputs as texts. Raises `Refused` for token ids."""
    texts = tuple(text for text in request.inputs if isinstance(text, str))
    if len(texts) < len(request.inputs):
        raise Refused("this provider takes texts, not token ids", param="input")
    return texts


def in_portions(most_of: Callable[[str], int | None] = lambda _model: None) -> Portions:
    """Several requests for more texts than fit into one; each text must come back as one vector.

    Args:
        most_of: upstream model -> how many it takes at a time; None where no bound is named.
    """

    def split(request: EmbedRequest, model: str) -> tuple[EmbedRequest, ...]:
        """Raises `Refused`, so that another target may be asked."""
        most = most_of(model)
        if most is None or len(request.inputs) <= most:
            return (request,)
        if len(request.inputs) > most * MOST_REQUESTS:
            told = f"this target takes at most {most * MOST_REQUESTS} inputs, and there are {len(request.inputs)}"
            raise Refused(told, reason=Reason.INEXPRESSIBLE, param="input")
        starts = range(0, len(request.inputs), most)
        return tuple(replace(request, inputs=request.inputs[start : start + most]) for start in starts)

    return Portions(split=split, join=_join)


def _join(asked: tuple[EmbedRequest, ...], answers: tuple[Embeddings, ...]) -> Embeddings:
    """All vectors in order. One too few would give every later text another's meaning, and nobody would see it."""
    for request, answer in zip(asked, answers, strict=True):
        if len(answer.vectors) != len(request.inputs):
            told = f"it answered {len(request.inputs)} inputs with {len(answer.vectors)} vectors"
            raise WireFault(Reason.MALFORMED, told)
    if len(answers) == 1:
        return answers[0]
    vectors = tuple(vector for answer in answers for vector in answer.vectors)
    counted = [answer.usage for answer in answers if answer.usage is not None]
    return Embeddings(model=answers[-1].model, vectors=vectors, usage=reduce(added, counted) if counted else None)
