"""One bad configuration per file, named for its fault, with all that is expected to be said of it at its top:

# expect: path: message
# env: NAME=value
"""

from __future__ import annotations

from pathlib import Path

import pytest

from router.settings import ConfigInvalid, load

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


def marked(file: Path, word: str) -> list[str]:
    """What stands behind `# word: ` in the file's comments."""
    mark = f"# {word}: "
    return [line.removeprefix(mark) for line in file.read_text().splitlines() if line.startswith(mark)]


def refusal(file: Path) -> ConfigInvalid:
    """What loading the file ends with."""
    environ = dict(line.split("=", 1) for line in marked(file, "env"))
    with pytest.raises(ConfigInvalid) as refused:
        load(file, environ)
    return refused.value


@pytest.mark.shows(97)
@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_configuration_is_refused_with_exactly_its_faults(file: Path) -> None:
    """All of them, each by its path, and nothing that only follows from another."""
    said = [str(fault).replace(str(file), "<file>") for fault in refusal(file).faults]
    assert said == marked(file, "expect")


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_fault_never_quotes_a_key(file: Path) -> None:
    """Every key in these files is `literal-key`, wherever it stands."""
    assert "literal-key" not in f"{refusal(file)} {refusal(file).faults!r}"
