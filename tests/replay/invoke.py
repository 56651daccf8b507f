"""A kind for Claude behind Bedrock's InvokeModel, made of the parts in `router/wire/invoke.py`.

No kind of ours speaks it yet, but its recordings are there. It comes the way a third party's does, by entry point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from router.canon.request import ChatRequest
from router.providers import GROUP
from router.providers.kind import Kind, bearer
from router.wire.anthropic_messages import DIALECT
from router.wire.dialect import Ask, Encoded
from router.wire.invoke import InvokeSplitter, invoke_body


def _url(base_url: str, model: str, stream: bool) -> str:
    return f"{base_url}/model/{quote(model, safe='')}/invoke{'-with-response-stream' if stream else ''}"


def _patched(ask: Ask, model: str) -> bytes:
    return invoke_body(DIALECT.patch_request(ask, model))


def _encoded(request: ChatRequest, model: str) -> Encoded:
    said = DIALECT.encode_request(request, model)
    return Encoded(body=invoke_body(said.body), lost=said.lost)


KIND = Kind(
    name="bedrock-invoke",
    dialect=replace(DIALECT, splitter=InvokeSplitter, patch_request=_patched, encode_request=_encoded),
    base_url=None,
    url=_url,
    auth=bearer,
    needs_key=True,
    system="aws.bedrock",
)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """While this lasts, the kind is found as if its package had been installed."""
    made = folder / "replayed_kinds-1.dist-info"
    made.mkdir(exist_ok=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: replayed-kinds\nVersion: 1\n")
    (made / "entry_points.txt").write_text(f"[{GROUP}]\n{KIND.name} = {__name__}:KIND\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
