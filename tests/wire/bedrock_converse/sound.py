"""AWS's own description of Converse, as botocore carries it: a judge of requests that had no hand in them."""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import Any


@cache
def _shape() -> Any:
    described = import_module("botocore.loaders").Loader().load_service_model("bedrock-runtime", "service-2")
    service = import_module("botocore.model").ServiceModel(described, "bedrock-runtime")
    return service.operation_model("Converse").input_shape


def faults_of(body: bytes) -> str:
    """What AWS's description has against a body; "" when it has nothing. The model is in the URL, so it is added.

    Beside that description: turns begin with the user and alternate, hold something, and hold no blank text.
    """
    said = json.loads(body)
    validator = import_module("botocore.validate").ParamValidator()
    found: str = validator.validate({"modelId": "m", **said}, _shape()).generate_report()
    roles = [turn["role"] for turn in said["messages"]]
    if roles != ["user" if place % 2 == 0 else "assistant" for place in range(len(roles))]:
        found += f"\nturns do not alternate: {roles}"
    for turn in said["messages"]:
        if not turn["content"] or any(not text.strip() for text in _texts(turn["content"])):
            found += f"\na turn is empty, or holds blank text: {turn}"
    return found


def _texts(content: list[dict[str, Any]]) -> list[str]:
    inner = [text for block in content for text in _texts(block.get("toolResult", {}).get("content", []))]
    return [block["text"] for block in content if "text" in block] + inner
