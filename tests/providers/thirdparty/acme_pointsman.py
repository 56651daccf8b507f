"""A provider kind as somebody else would bring it: installed beside the router, it is found by its entry point."""

from __future__ import annotations

from router.errors import Reason
from router.providers.faults import judging
from router.providers.kind import Kind, key_header
from router.providers.quirks import Quirks
from router.wire.openai_chat import DIALECT


def _url(base_url: str, model: str, stream: bool) -> str:
    return f"{base_url}/models/{model}/{'stream' if stream else 'complete'}"


KIND = Kind(
    name="acme",
    dialect=judging(DIALECT, (Reason.QUOTA_EXHAUSTED, r"anvils are sold out")),
    base_url="https://api.acme.example/v1",
    url=_url,
    auth=key_header("x-acme-key"),
    headers=(("x-acme-client", "pointsman"),),
    needs_key=True,
    system="acme",
    quirks=Quirks(renames=(("max_completion_tokens", "max_tokens"),), refused=("user",)),
)
