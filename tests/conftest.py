"""What every test shares: the repository root on the path, where recorded exchanges live, and the real model."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Whom the system trusts takes 50 ms to read for every client that is made, and no test asks anybody it would vouch for.
# A certificate that nobody has the key of stands for them; the processes that tests start inherit it.
os.environ["SSL_CERT_FILE"] = str(ROOT / "tests/fakes/nobody.pem")

from tests.board import pytest_collection_modifyitems, pytest_terminal_summary  # noqa: E402 the path comes first

__all__ = ["pytest_collection_modifyitems", "pytest_terminal_summary"]


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: ten thousand tests, and half a second for each full
    collection that looked at them. They are not looked at again, as in a router that has started."""
    gc.freeze()


def home() -> Path:
    """Where `make setup` puts wheels and models."""
    return Path(os.environ.get("POINTSMAN_HOME") or Path.home() / ".pointsman")


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The GGUF that `make setup` fetched. Without it, or the binding: skipped, but in CI a failure."""
    models = sorted((home() / "models").glob("*.gguf"))
    missing = [
        why
        for found, why in (
            (importlib.util.find_spec("llama_cpp"), "llama-cpp-python is not installed"),
            (models, f"no *.gguf in {home() / 'models'}"),
        )
        if not found
    ]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{missing[0]}: `make setup` must provide it in CI")
    if missing:
        pytest.skip(f"{missing[0]}: `make setup` provides it")
    return models[0]
