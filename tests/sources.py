"""The source files that layout and style are held on: path from the repository root, text, tree."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent


class Source:
    """One file of Python. A snippet in a test is one too: `path` says where it would stand."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @property
    def module(self) -> str:
        """The dotted name it is imported by."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        return (node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The ids of the nodes that are prose: strings that stand as a statement."""
        return frozenset(id(node.value) for node in self.nodes if isinstance(node, ast.Expr))


@cache
def python_files(*folders: str) -> tuple[Source, ...]:
    """Every Python file under `folders`, committed or not yet, in the order of their paths."""
    return tuple(_file(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def _file(path: Path) -> Source:
    """One for whoever asks, whichever folders it asks for: parsing them all takes four seconds."""
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


@cache
def product() -> tuple[Source, ...]:
    """Both packages."""
    return python_files("router", "actors")


@cache
def committed() -> tuple[str, ...]:
    """The paths that git keeps, those of an unpacked archive where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return tuple(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("*")) if path.is_file())
    return tuple(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())
