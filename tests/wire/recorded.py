"""Real exchanges of providers, recorded by others and read where they lie: beside the repository, never in it."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures"


class Recorded(Struct, frozen=True):
    """One line of the recordings' index."""

    id: str
    provider: str
    api: str
    stream: bool
    status: int
    kinds: tuple[str, ...] = ()


class _Response(Struct, frozen=True):
    status: int
    headers: dict[str, str] = {}
    body: str | None = None
    body_b64: str = ""


class _Exchange(Struct, frozen=True):
    response: _Response


def recordings(*apis: str) -> list[Recorded]:
    """The recordings of these protocols; none where the folder is absent, and `needs_recordings` says so."""
    index = FOLDER / "index.json"
    if not index.exists():
        return []
    return [line for line in msgspec.json.decode(index.read_bytes(), type=list[Recorded]) if line.api in apis]


def response_of(recording_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one recording; skips the test where the recordings are absent."""
    path = FOLDER / f"{recording_id}.json"
    if not path.exists():
        pytest.skip("the recorded exchanges are not beside this repository")
    response = msgspec.json.decode(path.read_bytes(), type=_Exchange).response
    body = b64decode(response.body_b64) if response.body is None else response.body.encode()
    return response.status, response.headers, body


needs_recordings = pytest.mark.skipif(
    not FOLDER.exists(), reason="the recorded exchanges are not beside this repository"
)
