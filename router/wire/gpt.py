"""What OpenAI's own models refuse, by their names: a caller of another protocol, who says what models usually take,
would be answered 400 for it.

Callers of OpenAI's protocols are not held to this: what they say passes as they say it.

Source: https://platform.openai.com/docs/guides/reasoning, https://platform.openai.com/docs/guides/latest-model and
https://platform.openai.com/docs/api-reference/chat/create, read 2026-11.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from router.canon.request import ChatRequest, Sampling

MOST_STOPS = 4
"""Stop sequences that any of them takes."""

_OWN = re.compile(r"(?:^|/)(?:o\d|gpt-\d|chatgpt-)")
_THINKS = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9])(?![^/]*-chat)")
_THINKS_OR_DRAWS = re.compile(r"(?:^|/)gpt-(?:5\.\d|[6-9])")
"""Those that take sampling after all, where they are told not to think."""
_NEVER_STOPS = re.compile(r"(?:^|/)(?:o3(?!-mini)|o4-mini|gpt-5(?!\.))")

_DRAWING: dict[str, object] = {"temperature": 1, "top_p": 1, "logprobs": False, "top_logprobs": None}
_LEANING: dict[str, object] = {"frequency_penalty": 0, "presence_penalty": 0, "logit_bias": None}
"""Members of a sampling that a thinking model refuses, and what it does unasked: that is not lost."""


def admitted(request: ChatRequest, model: str) -> tuple[ChatRequest, list[str]]:
    """The request as a model of this name takes it, and by path what was taken out of it."""
    if _OWN.search(model) is None:
        return request, []
    sampling = request.sampling
    without = _refused(model, request)
    lost = [name for name, unasked in without.items() if getattr(sampling, name) not in (None, unasked)]
    kept = sampling.stop[:MOST_STOPS] if _NEVER_STOPS.search(model) is None or _THINKS.search(model) is None else ()
    lost += ["stop"] if len(kept) < len(sampling.stop) else []
    unsaid = {name: getattr(Sampling(), name) for name in without}
    told = replace(request, sampling=replace(sampling, stop=kept, **unsaid))
    return told, [f"sampling.{name}" for name in lost]


def _refused(model: str, request: ChatRequest) -> dict[str, object]:
    """The members that this model refuses of this request."""
    if _THINKS.search(model) is None:
        return {}
    still = request.thinking is not None and request.thinking.effort == "none"
    return _LEANING if still and _THINKS_OR_DRAWS.search(model) else _DRAWING | _LEANING
