"""What a model file says about itself, read without llama.cpp: a few bytes of header instead of a loaded model.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (format version 3; from memory).
"""

from __future__ import annotations

import mmap
import re
import struct
from pathlib import Path

from msgspec import Struct

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""GGUF value type -> how it is packed."""

_STRING = 8
_ARRAY = 9

_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    30: (1, 2),
}
"""ggml tensor type -> weights and bytes of one block. A type that is not here is checked by its offset only."""

_LATER_SHARD = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")

_VERSIONS = (2, 3)


class BrokenModel(Exception):
    """A file that is not a model, or not all of one. Names the file."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name}: {why}")
        self.path = path
        self.why = why


class ModelFile(Struct, frozen=True, kw_only=True):
    """One `*.gguf` of a directory.

    Args:
        name: what a caller calls it: the file's name without `.gguf`.
        path: absolute.
        size_bytes: of the file.
        modified_ns: its modification time; with the size it tells whether a remembered fault still stands.
        architecture: `general.architecture`, empty where the file is broken.
        title: `general.name`, for people.
        context_length: tokens the model was trained with; None where the file does not say.
        has_chat_template: False means that the binding guesses a chat format.
        fault: why the file cannot be loaded; None for a good one.
    """

    name: str
    path: str
    size_bytes: int
    modified_ns: int
    architecture: str = ""
    title: str = ""
    context_length: int | None = None
    has_chat_template: bool = False
    fault: str | None = None


def discover(models_dir: str) -> tuple[ModelFile, ...]:
    """The models of a directory, by name; later parts of a split model are left out. Blocks: reads every header.

    Raises:
        NotADirectoryError: when there is no such directory.
    """
    directory = Path(models_dir)
    if not directory.is_dir():
        raise NotADirectoryError(f"no directory of models at {models_dir}")
    paths = sorted(path.absolute() for path in directory.glob("*.gguf"))
    return tuple(describe(path) for path in paths if not _LATER_SHARD.search(path.stem))


def describe(path: Path) -> ModelFile:
    """One file, with its fault where it has one."""
    try:
        status = path.stat()
    except OSError as error:
        return ModelFile(name=path.stem, path=str(path), size_bytes=0, modified_ns=0, fault=str(error.strerror))
    fault: str | None = None
    said: dict[str, object] = {}
    try:
        said = read_metadata(path)
    except BrokenModel as error:
        fault = error.why
    architecture = str(said.get("general.architecture", ""))
    trained = said.get(f"{architecture}.context_length")
    return ModelFile(
        name=path.stem,
        path=str(path),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        architecture=architecture,
        title=str(said.get("general.name", "")),
        context_length=trained if isinstance(trained, int) else None,
        has_chat_template="tokenizer.chat_template" in said,
        fault=fault,
    )


def read_metadata(path: Path) -> dict[str, object]:
    """The header's scalars and strings by key (arrays are skipped), once every tensor is known to lie within the file.

    Raises:
        BrokenModel: not a GGUF file, cut short, or of a version nobody here can read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return _Header(view).read()
    except (struct.error, IndexError, OverflowError) as error:
        raise BrokenModel(path, "cut short: the file ends inside its header") from error
    except ValueError as error:  # mmap of an empty file is one too
        raise BrokenModel(path, str(error)) from error
    except OSError as error:
        raise BrokenModel(path, f"cannot be read: {error.strerror}") from error


class _Header:
    """A cursor over the header. Raises `struct.error` past the end of the file, ValueError for what makes no sense."""

    def __init__(self, view: mmap.mmap) -> None:
        self._view = view
        self._at = 0

    def read(self) -> dict[str, object]:
        if self._view[:4] != b"GGUF":
            raise ValueError("not a GGUF file: it does not begin with GGUF")
        self._at = 4
        version = self._take("<I")
        if version not in _VERSIONS:
            raise ValueError(f"GGUF version {version} is not among {_VERSIONS}")
        tensors, pairs = self._take("<Q"), self._take("<Q")
        said: dict[str, object] = {}
        for _ in range(pairs):
            key = self._text()
            said[key] = self._value(self._take("<I"))
        if not said.get("general.architecture"):
            raise ValueError("not a model: the header has no general.architecture")
        self._check_tensors(tensors, said.get("general.alignment", 32))
        return said

    def _take(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self._view, self._at)
        self._at += struct.calcsize(layout)
        return value  # type: ignore[no-any-return] # struct knows the layout, the type checker does not

    def _text(self) -> str:
        length = self._take("<Q")
        end = self._at + length
        if end > len(self._view):
            raise IndexError(end)
        text = self._view[self._at : end].decode("utf-8", errors="replace")
        self._at = end
        return text

    def _value(self, kind: int) -> object:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            self._skip_array()
            return None
        if kind not in _SCALARS:
            raise ValueError(f"the header has a value of unknown type {kind}")
        return self._take(_SCALARS[kind])

    def _skip_array(self) -> None:
        kind, count = self._take("<I"), self._take("<Q")
        if kind in _SCALARS:
            self._at += struct.calcsize(_SCALARS[kind]) * count
        elif kind == _STRING:
            self._skip_strings(count)
        else:
            raise ValueError(f"the header has an array of unknown type {kind}")

    def _skip_strings(self, count: int) -> None:
        # A vocabulary has up to a quarter of a million of them: no slices, no method calls.
        at, unpack, view = self._at, struct.Struct("<Q").unpack_from, self._view
        for _ in range(count):
            at += 8 + unpack(view, at)[0]
        self._at = at

    def _check_tensors(self, count: int, alignment: object) -> None:
        end = 0
        for _ in range(count):
            self._text()
            weights = 1
            for _ in range(self._take("<I")):
                weights *= self._take("<Q")
            per_block, block_bytes = _BLOCKS.get(self._take("<I"), (1, 0))
            end = max(end, self._take("<Q") + weights // per_block * block_bytes)
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        needed = (self._at + step - 1) // step * step + end
        if needed > len(self._view):
            raise ValueError(f"cut short: {len(self._view)} bytes of at least {needed}")
