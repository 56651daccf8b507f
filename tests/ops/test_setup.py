"""`ops/setup.sh`, as far as it can be run without making anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sources import ROOT

pytestmark = pytest.mark.process

_PYTHON = """#!/bin/sh
# Says it will do, and then makes no environment.
case $1 in -c) exit 0 ;; --version) echo Python 3.12.0 ;; *) exit 1 ;; esac
"""


def _setup(checkout: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What it says in an empty checkout, given nothing but `environ`."""
    (checkout / "ops").mkdir()
    shutil.copy(ROOT / "ops" / "setup.sh", checkout / "ops")
    (checkout / "llama.lock").touch()
    command = ["bash", str(checkout / "ops" / "setup.sh")]
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(command, env={**path, **environ}, capture_output=True, text=True, timeout=8.0, check=False)


def test_without_a_home_it_says_which_variable_is_missing(tmp_path: Path) -> None:
    """A service has none; the shell would only speak of an unbound variable."""
    ended = _setup(tmp_path)
    assert (ended.returncode, ended.stderr) == (
        1,
        "setup: neither HOME nor POINTSMAN_HOME is set; set one of them\n",
    )


def test_paths_may_begin_with_a_tilde_and_hold_blanks(tmp_path: Path) -> None:
    """As a file of variables gives them, which no shell has expanded."""
    python, checkout, home = tmp_path / "my tools" / "python", tmp_path / "checkout", tmp_path / "home"
    for folder in (python.parent, checkout, home):
        folder.mkdir()
    python.write_text(_PYTHON)
    python.chmod(0o755)
    ended = _setup(checkout, HOME=str(home), POINTSMAN_HOME="~/kept", PYTHON=str(python))
    assert f"setup: {python} cannot make virtual environments" in ended.stderr
    assert (home / "kept").is_dir()
