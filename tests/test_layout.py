"""The arrows between rooms, and what may be touched where. The tables are the law; `design.md` 4 draws it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import pytest

from tests.sources import Source, product, python_files

ANYTHING = None
"""The composition root and its faces know every room."""

ROOMS = {
    "router.errors": "errors",
    "router.canon": "canon",
    "router.wire": "wire",
    "router.policy": "policy",
    "router.providers": "providers",
    "router.settings": "settings",
    "router.upstream": "upstream",
    "router.store": "store",
    "router.telemetry": "telemetry",
    "router.front": "front",
    "router.app": "app",
    "router.api": "api",
    "router.cli": "cli",
    "router.__main__": "cli",
    "router": "router",  # the bare package, which holds nothing
    "actors.runtime": "runtime",
    "actors.messages": "messages",
    "actors": "actors",
}
"""Which room a module is in: the longest name that it begins with."""

SEAMS = frozenset({"router.upstream.transport", "router.store.answers", "router.store.journal", "router.store.leases"})
"""Modules that hold a Protocol and nothing else; reaching one is not reaching its room."""

_TREE = frozenset({"runtime", "canon", "errors", "wire", "policy", "providers", "telemetry", "seams"})
ARROWS: dict[str, frozenset[str] | None] = {
    "errors": frozenset(),
    "canon": frozenset(),
    "runtime": frozenset(),
    "router": frozenset(),
    "wire": frozenset({"canon", "errors"}),
    "policy": frozenset({"canon", "errors"}),
    "providers": frozenset({"wire", "canon", "errors"}),
    "settings": frozenset({"errors"}),
    "upstream": frozenset({"errors", "canon"}),
    "store": frozenset({"errors", "canon"}),
    "telemetry": frozenset({"errors", "canon"}),
    "messages": frozenset({"runtime", "canon", "errors", "wire", "policy", "providers", "telemetry", "seams"}),
    "actors": frozenset(
        {"messages", "runtime", "canon", "errors", "wire", "policy", "providers", "telemetry", "seams"}
    ),
    "front": frozenset({"messages", "runtime", "wire", "canon", "errors", "telemetry"}),
    "app": ANYTHING,
    "api": ANYTHING,
    "cli": ANYTHING,
}
"""Room -> the rooms it may import, beside itself."""

LIBRARIES = {
    "aiohttp": ("router/front/", "router/upstream/"),
    "llama_cpp": ("router/upstream/llama/worker", "router/upstream/llama/engine.py"),
    "router.upstream.llama.engine": ("router/upstream/llama/worker.py",),
    "router.upstream.llama.worker": (),
    "pykka": ("actors/runtime/",),
    "aiobreaker": ("actors/breaker.py",),
    "sqlalchemy": ("router/store/",),
}
"""Module -> where it may be imported: paths that begin so. Nothing native is loaded beside the worker."""

PURE = ("router/errors.py", "router/canon/", "router/wire/", "router/policy/", "router/providers/")
EFFECTS = frozenset({"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "time"})
"""What a pure room may not import: whoever decides is given what it needs."""

FILES = ("router/front/", "router/upstream/", "router/store/", "router/telemetry/", "router/settings/", "router/cli/")
"""Where files and the environment may be touched."""
FILE_CALLS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "getenv", "putenv"})

TASKS = ("actors/runtime/",)
"""Where asyncio tasks may be made."""
TASK_CALLS = frozenset({"create_task", "ensure_future"})

KINDS = ("router/providers/", "router/settings/", "router/wire/")
"""Where a provider kind may be named: its own file, and the table of known keys. Everything else is told by data. No
translator is told a kind's name: what stands in `wire` are the names of dialects, models and signatures."""


def room_of(module: str) -> str | None:
    """The room of a module of ours; None for everybody else's."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((ROOMS[name] for name in names if name in ROOMS), None)


def imports(source: Source, modules: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Every import with its line, wherever it stands: at the top, in a function, under TYPE_CHECKING, by a string."""
    for node in source.nodes:
        match node:
            case ast.Import(names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(_, names):
                base = _base(source, node)
                for alias in names:
                    inner = f"{base}.{alias.name}"
                    yield node.lineno, inner if inner in modules else base
            case ast.Call(ast.Name("__import__") | ast.Attribute(_, "import_module"), [ast.Constant(str(name)), *_]):
                yield node.lineno, name


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.module if source.path.endswith("/__init__.py") else source.module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def wrong_arrows(source: Source, modules: frozenset[str]) -> Iterator[str]:
    """`path:line reaches room`, for each import against the arrows."""
    own = room_of(source.module)
    allowed = ARROWS[own] if own is not None else ANYTHING
    if allowed is ANYTHING:
        return
    for line, module in imports(source, modules):
        room = room_of(module)
        seam = module in SEAMS and "seams" in allowed
        if room not in (None, own, "router") and room not in allowed and not seam:
            yield f"{source.path}:{line} reaches {room}"


def wrong_libraries(source: Source, modules: frozenset[str]) -> Iterator[str]:
    """A library outside its rooms, or anything with an effect in a pure one."""
    for line, module in imports(source, modules):
        for library, places in LIBRARIES.items():
            if f"{module}.".startswith(f"{library}.") and not source.path.startswith(places):
                yield f"{source.path}:{line} reaches {library}"
        if module.partition(".")[0] in EFFECTS and source.path.startswith(PURE):
            yield f"{source.path}:{line} reaches {module} from a pure room"


def wrong_files(source: Source, modules: frozenset[str]) -> Iterator[str]:
    """The environment or a file, touched outside the rooms of I/O."""
    if source.path.startswith(FILES):
        return
    for node in source.nodes:
        match node:
            case ast.Attribute(ast.Name("os"), "environ" | "environb"):
                yield f"{source.path}:{node.lineno} touches the environment"
            case ast.ImportFrom("os", names) if any(alias.name.startswith("environ") for alias in names):
                yield f"{source.path}:{node.lineno} touches the environment"
            case ast.Call(ast.Name("open")) | ast.Call(ast.Attribute(ast.Name("io" | "os"), "open")):
                yield f"{source.path}:{node.lineno} opens a file"
            case ast.Call(ast.Attribute(_, name)) if name in FILE_CALLS:
                yield f"{source.path}:{node.lineno} calls {name}"


def wrong_tasks(source: Source, modules: frozenset[str]) -> Iterator[str]:
    """A task made where no supervisor would see it crash."""
    if source.path.startswith(TASKS):
        return
    for node in source.nodes:
        match node:
            case ast.Attribute(_, name) | ast.Name(name) if name in TASK_CALLS:
                yield f"{source.path}:{node.lineno} makes a task"
            case ast.ImportFrom("asyncio", names) if any(alias.name in TASK_CALLS for alias in names):
                yield f"{source.path}:{node.lineno} makes a task"
            case ast.Call(ast.Attribute(ast.Name("asyncio"), "Task" | "TaskGroup")):
                yield f"{source.path}:{node.lineno} makes a task"


def kind_names(providers: Iterable[Source]) -> dict[str, str]:
    """Provider kind -> the file that defines it: every `Kind(name="...")`."""
    return {name: source.path for source in providers for name, _ in _named(source, "Kind")}


def spoken_names(wire: Iterable[Source]) -> frozenset[str]:
    """The dialects that callers speak: every `Dialect(name="...", front=...)`."""
    return frozenset(name for source in wire for name, given in _named(source, "Dialect") if "front" in given)


@cache
def _all_names() -> tuple[dict[str, str], frozenset[str]]:
    """Of the product: its kinds, and the dialects that callers speak. Read once for all sources."""
    return kind_names(python_files("router/providers")), spoken_names(python_files("router/wire"))


def _named(source: Source, made: str) -> Iterator[tuple[str, set[str | None]]]:
    """Each `made(name="...")`: that name, and which keywords the call has."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == made:
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            match given.get("name"):
                case ast.Constant(str(name)):
                    yield name, set(given)


def wrong_kinds(source: Source, kinds: dict[str, str], spoken: frozenset[str]) -> Iterator[str]:
    """A provider's name as a literal outside its own file; a kind may be named as the dialect that it is all about."""
    for node in source.nodes:
        if not isinstance(node, ast.Constant) or id(node) in source.docstrings or node.value not in kinds:
            continue
        if node.value in spoken:
            continue
        if source.path != kinds[node.value] and not source.path.startswith(KINDS[1:]):
            yield f"{source.path}:{node.lineno} names the provider {node.value!r}"


Rule = Callable[[Source, frozenset[str]], Iterator[str]]
RULES: dict[str, Rule] = {
    "arrows": wrong_arrows,
    "libraries": wrong_libraries,
    "files and environment": wrong_files,
    "tasks": wrong_tasks,
    "provider names": lambda source, _: wrong_kinds(source, *_all_names()),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_product_keeps_to_its_rooms(rule: Rule) -> None:
    """No file of ours breaks a rule of the tables above."""
    modules = frozenset(source.module for source in product())
    assert [fault for source in product() for fault in rule(source, modules)] == []


def test_every_file_has_a_room_and_every_room_has_arrows() -> None:
    """A new folder must be given its place before it can be built."""
    unplaced = {source.path for source in product() if room_of(source.module) in (None, "router")}
    assert unplaced <= {"router/__init__.py"}
    assert set(ROOMS.values()) == set(ARROWS)


_MODULES = frozenset({"router.app", "router.front.server", "router.upstream.transport", "router.upstream.http"})
_BROKEN = {
    "at the top": ("arrows", "router/wire/x.py", "import router.front.server", "1 reaches front"),
    "from a package": ("arrows", "router/policy/x.py", "from router.wire import sse", "1 reaches wire"),
    "a module by name": ("arrows", "router/front/x.py", "from router import app", "1 reaches app"),
    "in a function": ("arrows", "router/canon/x.py", "def f():\n    import router.errors", "2 reaches errors"),
    "for types only": (
        "arrows",
        "router/store/x.py",
        "if TYPE_CHECKING:\n    from actors.runtime import Ref",
        "2 reaches runtime",
    ),
    "relative": ("arrows", "router/wire/a/x.py", "from ...front import server", "1 reaches front"),
    "relative, from a package": ("arrows", "router/wire/__init__.py", "from ..store import sql", "1 reaches store"),
    "by a string": ("arrows", "router/wire/x.py", "importlib.import_module('router.store')", "1 reaches store"),
    "behind a seam": ("arrows", "actors/x.py", "from router.upstream import http", "1 reaches upstream"),
    "a seam from front": (
        "arrows",
        "router/front/x.py",
        "from router.upstream.transport import Transport",
        "1 reaches upstream",
    ),
    "an actor from front": ("arrows", "router/front/x.py", "from actors.breaker import Breaker", "1 reaches actors"),
    "a room from runtime": (
        "arrows",
        "actors/runtime/x.py",
        "from router.errors import Reason",
        "1 reaches errors",
    ),
    "settings from an actor": ("arrows", "actors/x.py", "from router.settings import load", "1 reaches settings"),
    "aiohttp": ("libraries", "actors/x.py", "from aiohttp import web", "1 reaches aiohttp"),
    "llama_cpp": ("libraries", "router/upstream/llama/reply.py", "import llama_cpp.llama", "1 reaches llama_cpp"),
    "the engine beside the worker": (
        "libraries",
        "router/upstream/llama/transport.py",
        "from router.upstream.llama.engine import Engine",
        "1 reaches router.upstream.llama.engine",
    ),
    "a clock in a decision": ("libraries", "router/policy/x.py", "import time", "1 reaches time from a pure room"),
    "environ": ("files and environment", "router/app/x.py", "os.environ['HOME']", "1 touches the environment"),
    "environ, imported": (
        "files and environment",
        "actors/x.py",
        "from os import environ",
        "1 touches the environment",
    ),
    "getenv": ("files and environment", "actors/x.py", "os.getenv('HOME')", "1 calls getenv"),
    "open": ("files and environment", "router/policy/x.py", "with open('x') as f: pass", "1 opens a file"),
    "a path read": ("files and environment", "actors/x.py", "Path('x').read_text()", "1 calls read_text"),
    "create_task": ("tasks", "router/front/x.py", "asyncio.create_task(f())", "1 makes a task"),
    "a loop's create_task": ("tasks", "router/upstream/x.py", "loop.create_task(f())", "1 makes a task"),
    "ensure_future": ("tasks", "router/front/x.py", "from asyncio import ensure_future", "1 makes a task"),
    "a task group": ("tasks", "router/front/x.py", "async def f():\n    asyncio.TaskGroup()", "2 makes a task"),
    "an if over providers": (
        "provider names",
        "router/front/x.py",
        "if kind == 'openai': pass",
        "1 names the provider 'openai'",
    ),
    "a match over providers": (
        "provider names",
        "actors/x.py",
        "match kind:\n    case 'openai': pass",
        "2 names the provider 'openai'",
    ),
}


@pytest.mark.parametrize(("rule", "path", "text", "fault"), _BROKEN.values(), ids=_BROKEN)
def test_each_rule_catches_a_snippet_that_breaks_it(rule: str, path: str, text: str, fault: str) -> None:
    """And says where: a rule that cannot fail holds nothing."""
    assert list(RULES[rule](Source(path, text), _MODULES)) == [f"{path}:{fault}"]


_SOUND = {
    "own room": ("arrows", "router/wire/x.py", "from router.wire.dialect import Dialect"),
    "along an arrow": ("arrows", "router/providers/x.py", "from router.wire import dialect"),
    "through a seam": ("arrows", "actors/x.py", "from router.upstream.transport import Transport"),
    "a seam as a module": ("arrows", "actors/x.py", "from router.upstream import transport"),
    "the root": ("arrows", "router/app/x.py", "from router.front import server"),
    "somebody else's": ("arrows", "router/canon/x.py", "import msgspec, routerlike"),
    "an environment in settings": ("files and environment", "router/settings/x.py", "os.environ['HOME']"),
    "something else that opens": ("files and environment", "actors/x.py", "gate.open()"),
    "a task in the runtime": ("tasks", "actors/runtime/x.py", "loop.create_task(f())"),
    "a provider in prose": ("provider names", "router/front/x.py", '"""openai"""'),
    "a kind of a dialect's name": ("provider names", "router/front/x.py", "SPOKEN = 'openai-responses'"),
    "a provider at home": ("provider names", "router/providers/openai.py", "NAME = 'openai'"),
}


@pytest.mark.parametrize(("rule", "path", "text"), _SOUND.values(), ids=_SOUND)
def test_each_rule_lets_a_sound_snippet_pass(rule: str, path: str, text: str) -> None:
    """A rule that cries at everything is soon switched off."""
    assert list(RULES[rule](Source(path, text), _MODULES)) == []
