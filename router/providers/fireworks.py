"""Fireworks' API.

Source: https://docs.fireworks.ai/tools-sdks/openai-compatibility, read 2026-11.
"""

from __future__ import annotations

from router.canon.operation import Operation
from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, at, bearer
from router.providers.survey import openai_survey
from router.wire.openai_chat import DIALECT

KIND = Kind(
    name="fireworks",
    # A suspended account, or an adapter that cannot be loaded: nothing a caller could mend.
    dialect=judging(
        DIALECT, (Reason.QUOTA_EXHAUSTED, r"account\b[^\"]{0,100}suspended"), statuses={412: Reason.MODEL_MISSING}
    ),
    base_url="https://api.fireworks.ai/inference/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    system="fireworks_ai",
    price_id="fireworks",
    key_variable="FIREWORKS_API_KEY",
    others={
        Operation.EMBEDDINGS: at("/embeddings"),
    },
)
