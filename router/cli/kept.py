"""`pointsman cache`: answers that a running router keeps."""

from __future__ import annotations

from typing import Any

from router.cli.place import Place
from router.cli.remote import shown


def purge(place: Place, wish: dict[str, Any], *, as_json: bool) -> int:
    """Have them let go, as the API says."""
    return shown(place, "/cache/purge", as_json, _gone, wish)


def _gone(answer: dict[str, Any]) -> str:
    entries = answer["entries"]
    return "1 answer is forgotten" if entries == 1 else f"{entries} answers are forgotten"
