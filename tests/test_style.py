"""The house rules that a machine can hold and ruff does not: sizes, docstrings, banned words, where tests stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.sources import ROOT, Source, committed, product, python_files

FILE_LINES = 600
BODY_LINES = 60
NESTING = 4

BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "base"})
"""Module names that say nothing of what is inside."""

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error")
"""Words for what is not done. In two pieces, so that this file passes."""

UNMIRRORED = frozenset({"tests/test_layout.py", "tests/test_style.py"})
"""Tests of the repository itself."""

WHOLE_THINGS = tuple(
    f"tests/{name}/" for name in ("spine", "scenarios", "replay", "fuzz", "ops", "docs", "bench", "simulation")
)
"""Tests of what no single file of the packages is: the running product, `ops/`, the documents, the measurements."""

MACHINE = re.compile(
    r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+)/|--(?:extra-)?index-url|https?://[^\s\"']+/simple\b|"
    + r"files\.pythonhosted\.org|pypi\.org"
)
"""A path of somebody's machine, or the address of a package index: neither is there for whoever reads this."""

BINARY = frozenset({".gz", ".gguf", ".ico", ".jpg", ".pem", ".png", ".woff2"})

_ANEW = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def long_files(source: Source) -> Iterator[str]:
    """Files past the size where a noun is missing."""
    lines = source.text.count("\n") + 1
    if lines > FILE_LINES:
        yield f"{source.path}: {lines} lines"


def long_bodies(source: Source) -> Iterator[str]:
    """Functions whose body, without its docstring, is past the limit."""
    for function in source.functions:
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > BODY_LINES:
            yield f"{source.path}:{function.lineno} {function.name} has {lines} lines"


def deep_bodies(source: Source) -> Iterator[str]:
    """Functions that nest deeper than can be read; an `elif` is as deep as its `if`, an inner function starts anew."""
    for function in source.functions:
        depth = max((_depth(statement) for statement in function.body), default=0)
        if depth > NESTING:
            yield f"{source.path}:{function.lineno} {function.name} nests {depth} deep"


def _depth(node: ast.AST) -> int:
    # What is neither a statement nor a part of one cannot hold a block, and is most of the tree.
    if isinstance(node, _ANEW) or not isinstance(node, _STATEMENTS):
        return 0
    inner = max((_depth(child) for child in ast.iter_child_nodes(node) if not _is_elif(node, child)), default=0)
    chained = max((_depth(child) - 1 for child in ast.iter_child_nodes(node) if _is_elif(node, child)), default=0)
    return max(inner, chained) + isinstance(node, _BLOCKS)


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]


def bare_names(source: Source) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring; a Protocol's fields are named by it."""
    if ast.get_docstring(source.tree) is None and source.text.strip():
        yield f"{source.path}:1 the module has no docstring"
    yield from _bare(source, source.tree, "")


def _bare(source: Source, owner: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in owner.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not _is_given(node):
            yield f"{source.path}:{node.lineno} {prefix}{node.name} has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _bare(source, node, f"{prefix}{node.name}.")


def _is_given(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Told elsewhere: an overload, a setter, an override; a property without a body is a Protocol's field."""
    marks = {getattr(mark, "attr", getattr(mark, "id", "")) for mark in node.decorator_list}
    is_field = "property" in marks and ast.unparse(node.body[0]) == "..."
    return is_field or not marks.isdisjoint({"overload", "override", "setter"})


def bare_tests(source: Source) -> Iterator[str]:
    """Tests without the sentence that says what they are for."""
    for function in source.functions:
        if function.name.startswith("test_") and ast.get_docstring(function) is None:
            yield f"{source.path}:{function.lineno} {function.name} has no docstring"


def empty_names(source: Source) -> Iterator[str]:
    """Modules named for nothing."""
    if not BANNED_NAMES.isdisjoint(PurePosixPath(source.path).with_suffix("").parts):
        yield f"{source.path}: a name that says nothing"


def unfinished(source: Source) -> Iterator[str]:
    """Work left for later."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := UNFINISHED.search(line):
            yield f"{source.path}:{number} {found.group()}"


def mocks(source: Source) -> Iterator[str]:
    """Mocks: fakes of our own seams, or real parts."""
    for node in source.nodes:
        match node:
            case ast.Import(names) if any(alias.name.startswith(("unittest.mock", "mock")) for alias in names):
                yield f"{source.path}:{node.lineno} mocks"
            case ast.ImportFrom("unittest.mock" | "mock"):
                yield f"{source.path}:{node.lineno} mocks"
            case ast.ImportFrom("unittest", names) if any(alias.name == "mock" for alias in names):
                yield f"{source.path}:{node.lineno} mocks"
            case ast.arg("mocker"):
                yield f"{source.path}:{node.lineno} mocks"


def unmirrored(source: Source) -> Iterator[str]:
    """Tests that stand where no source does: `tests/wire/test_sse.py` needs `router/wire/` or `actors/wire/`."""
    path = PurePosixPath(source.path)
    if not path.name.startswith("test_") or source.path in UNMIRRORED or source.path.startswith(WHOLE_THINGS):
        return
    inside = path.parent.relative_to("tests")
    if not any((ROOT / home).is_dir() for home in _homes(inside)):
        yield f"{source.path}: mirrors no folder of the packages"


def _homes(inside: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Where the sources of `tests/<inside>` may be; `tests/actors/` and `tests/` itself stand for whole packages."""
    if inside.parts[:1] in (("actors",), ()):
        return (inside,) if inside.parts else (PurePosixPath("router"), PurePosixPath("actors"))
    return (PurePosixPath("router") / inside, PurePosixPath("actors") / inside)


def machine_words(path: str, text: str) -> Iterator[str]:
    """Lines that only make sense on the machine they were written on."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE.search(line):
            yield f"{path}:{number} {found.group()}"


Rule = Callable[[Source], Iterator[str]]
EVERYWHERE: dict[str, Rule] = {
    "file size": long_files,
    "body size": long_bodies,
    "nesting": deep_bodies,
    "names": empty_names,
    "unfinished": unfinished,
    "mocks": mocks,
}
IN_PRODUCT: dict[str, Rule] = {"docstrings": bare_names}
IN_TESTS: dict[str, Rule] = {"test docstrings": bare_tests, "mirror": unmirrored}
_RULES = EVERYWHERE | IN_PRODUCT | IN_TESTS


@pytest.mark.timeout(60)  # whichever comes first reads and parses every file there is
@pytest.mark.parametrize("rule", EVERYWHERE.values(), ids=EVERYWHERE)
def test_every_file_keeps_the_rules_for_all_code(rule: Rule) -> None:
    """Product, tests and measurements alike."""
    assert [fault for source in python_files("router", "actors", "tests", "bench") for fault in rule(source)] == []


@pytest.mark.parametrize("rule", IN_PRODUCT.values(), ids=IN_PRODUCT)
def test_every_file_of_the_product_keeps_its_rules(rule: Rule) -> None:
    """What a reader of either package relies on."""
    assert [fault for source in product() for fault in rule(source)] == []


@pytest.mark.parametrize("rule", IN_TESTS.values(), ids=IN_TESTS)
def test_every_test_keeps_the_rules_for_tests(rule: Rule) -> None:
    """A test says what it is for, and stands where its source does."""
    assert [fault for source in python_files("tests") for fault in rule(source)] == []


def test_no_committed_file_names_a_machine_or_a_package_index() -> None:
    """Also in documents, containers and configuration."""
    texts = ((path, (ROOT / path).read_bytes()) for path in committed() if PurePosixPath(path).suffix not in BINARY)
    found = [fault for path, raw in texts for fault in machine_words(path, raw.decode("utf-8", "replace"))]
    assert found == []


_DEEP = "def f():\n for a in b:\n  if a:\n   while a:\n    with a:\n     if b: pass"
_CHAIN = "def f():\n if a: pass\n" + "".join(f" elif a == {n}: pass\n" for n in range(9))
_FAULTY = {
    "a long file": ("file size", "router/x.py", "\n" * FILE_LINES, "601 lines"),
    "a long body": ("body size", "router/x.py", "def f():\n" + "    g()\n" * 61, "f has 61 lines"),
    "a deep body": ("nesting", "actors/x.py", _DEEP, "f nests 5 deep"),
    "a deep handler": (
        "nesting",
        "actors/x.py",
        _DEEP.replace("if b: pass", "try: g()\n     except E: pass"),
        "5 deep",
    ),
    "a bare module": ("docstrings", "router/x.py", "X = 1", "the module has no docstring"),
    "a bare function": ("docstrings", "router/x.py", '"""M."""\ndef f(): pass', "2 f has no docstring"),
    "a bare class": ("docstrings", "router/x.py", '"""M."""\nclass C: pass', "2 C has no docstring"),
    "a bare method": (
        "docstrings",
        "router/x.py",
        '"""M."""\nclass C:\n    """C."""\n    async def f(self): pass',
        "4 C.f has no docstring",
    ),
    "a bare test": ("test docstrings", "tests/wire/test_x.py", "def test_f(): pass", "test_f has no docstring"),
    "utils": ("names", "router/wire/utils.py", "", "says nothing"),
    "a folder of helpers": ("names", "router/helpers/x.py", "", "says nothing"),
    "work left": ("unfinished", "router/x.py", "x = 1  # TO" + "DO later", "1 TO" + "DO"),
    "a body left": ("unfinished", "router/x.py", "raise NotImplemented" + "Error", "1 NotImplemented" + "Error"),
    "a mock": ("mocks", "tests/x.py", "from unittest.mock import Mock", "1 mocks"),
    "a mock module": ("mocks", "tests/x.py", "from unittest import mock", "1 mocks"),
    "a mock imported": ("mocks", "tests/x.py", "import unittest.mock", "1 mocks"),
    "a mock fixture": ("mocks", "tests/x.py", "def test_f(mocker): pass", "1 mocks"),
    "a test astray": ("mirror", "tests/nowhere/test_x.py", "", "mirrors no folder"),
}


@pytest.mark.parametrize(("rule", "path", "text", "fault"), _FAULTY.values(), ids=_FAULTY)
def test_each_rule_catches_a_snippet_that_breaks_it(rule: str, path: str, text: str, fault: str) -> None:
    """A rule that cannot fail holds nothing."""
    faults = list(_RULES[rule](Source(path, text)))
    assert len(faults) == 1
    assert fault in faults[0]


_SOUND = {
    "a full file": ("file size", "router/x.py", "\n" * (FILE_LINES - 1)),
    "a full body after a long docstring": ("body size", "router/x.py", f'def f():\n    """{chr(10) * 99}"""\n    g()'),
    "a chain of elifs": ("nesting", "router/x.py", _CHAIN),
    "an inner function": ("nesting", "router/x.py", _DEEP.replace("with a", "def g()")),
    "a field of a Protocol": (
        "docstrings",
        "router/x.py",
        '"""M."""\nclass C(Protocol):\n    """C."""\n    @property\n    def f(self) -> int: ...',
    ),
    "a private name": ("docstrings", "router/x.py", '"""M."""\ndef _f(): pass'),
    "an inner name": ("docstrings", "router/x.py", '"""M."""\ndef _f():\n    def g(): pass'),
    "an empty package": ("docstrings", "router/x/__init__.py", ""),
    "a mirrored test": ("mirror", "tests/wire/test_x.py", ""),
    "a test of actors": ("mirror", "tests/actors/test_x.py", ""),
    "a test of the runtime": ("mirror", "tests/runtime/test_x.py", ""),
    "a test of a top file": ("mirror", "tests/test_errors.py", ""),
    "a fake": ("mirror", "tests/fakes/provider.py", ""),
}


@pytest.mark.parametrize(("rule", "path", "text"), _SOUND.values(), ids=_SOUND)
def test_each_rule_lets_a_sound_snippet_pass(rule: str, path: str, text: str) -> None:
    """The limits are limits, not targets."""
    assert list(_RULES[rule](Source(path, text))) == []


_NAMED = {
    "a checkout": "cd /wo" + "rk/main",
    "a home": "/ro" + "ot/.cache",
    "somebody's home": "/ho" + "me/ann/router",
    "an index option": "pip install --index" + "-url x",
    "an index": "https://host/artifactory/sim" + "ple",
    "the public index": "https://py" + "pi.org/p",
}


@pytest.mark.parametrize("line", _NAMED.values(), ids=_NAMED)
def test_a_line_that_names_a_machine_or_an_index_is_found(line: str) -> None:
    """With the line it stands in."""
    assert [fault.partition(" ")[0] for fault in machine_words("x.md", f"fine\n{line}\n")] == ["x.md:2"]


@pytest.mark.parametrize("line", ["https://host/v1/work/items", "~/.pointsman", "network/", "simple", "./work/x"])
def test_a_line_that_only_looks_like_one_passes(line: str) -> None:
    """Addresses of providers and relative paths are what documents are made of."""
    assert list(machine_words("x.md", line)) == []
