"""What can be asked of a model. Each has its own words for question and answer; one exchange lives all of them."""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """What a caller wants done; the words are those of the configuration and of metrics."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"
    MODERATIONS = "moderations"
    IMAGES = "images"
    COUNT_TOKENS = "count_tokens"
