"""What the package shows, and what it needs."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import actors.runtime

ROOT = Path(__file__).resolve().parents[2]


def test_all_is_what_is_importable() -> None:
    """No name is exported by accident, none is promised and missing."""
    public = {
        name
        for name, value in vars(actors.runtime).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert sorted(public) == sorted(actors.runtime.__all__)


def test_the_runtime_can_be_imported_alone() -> None:
    """In a process of its own: nothing of the router comes with it, no HTTP, no store, no telemetry."""
    code = "import sys, actors.runtime; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert loaded.isdisjoint({"router", "aiohttp", "uvloop", "structlog", "opentelemetry", "sqlalchemy", "aiobreaker"})
    third_party = {"pykka", "msgspec"}
    assert third_party <= loaded
