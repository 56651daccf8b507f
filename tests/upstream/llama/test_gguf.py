"""What is known of a model file before it is loaded."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from router.upstream.llama.gguf import BrokenModel, discover, read_metadata


def text(value: str) -> bytes:
    """A GGUF string."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(*, architecture: str = "llama", version: int = 3, weights: int = 64, template: bool = True) -> bytes:
    """A model file of one tensor of 32-bit floats, with a vocabulary of three between its scalars."""
    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text(architecture),
        text("general.name") + struct.pack("<I", 8) + text("A small model"),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + text("a") + text("") + text("ü"),
        text("tokenizer.ggml.scores") + struct.pack("<IIQ3f", 9, 6, 3, 0.0, 1.0, 2.0),
        text(f"{architecture}.context_length") + struct.pack("<II", 4, 2048),
    ]
    if template:
        pairs.append(text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}"))
    tensor = text("w") + struct.pack("<IQIQ", 1, weights, 0, 0)
    header = b"GGUF" + struct.pack("<IQQ", version, 1, len(pairs)) + b"".join(pairs) + tensor
    return header + b"\0" * (-len(header) % 32) + b"\0" * (4 * weights)


def test_models_are_listed_by_name_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    """Sorted; other files and the later parts of a split model are not models."""
    (tmp_path / "b.gguf").write_bytes(gguf(template=False))
    (tmp_path / "a.Q4.gguf").write_bytes(gguf())
    (tmp_path / "c-00001-of-00002.gguf").write_bytes(gguf())
    (tmp_path / "c-00002-of-00002.gguf").write_bytes(gguf())
    (tmp_path / "notes.txt").write_text("no model")
    first, second, split = discover(str(tmp_path))
    assert (first.name, second.name, split.name) == ("a.Q4", "b", "c-00001-of-00002")
    assert (first.architecture, first.title, first.context_length) == ("llama", "A small model", 2048)
    assert (first.has_chat_template, second.has_chat_template) == (True, False)
    assert first.fault is None and first.size_bytes == len(gguf())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"<!DOCTYPE html>", "not a GGUF file", id="a web page"),
        pytest.param(gguf(version=1), "version 1", id="too old"),
        pytest.param(gguf(architecture=""), "general.architecture", id="no model"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60) + b"\xff" * 64, "cut short", id="nonsense"),
    ],
)
def test_a_file_that_is_no_model_is_named_with_the_reason(tmp_path: Path, content: bytes, why: str) -> None:
    """It does not keep the good ones from being listed."""
    (tmp_path / "bad.gguf").write_bytes(content)
    (tmp_path / "good.gguf").write_bytes(gguf())
    with pytest.raises(BrokenModel, match=f"bad.gguf: .*{why}"):
        read_metadata(tmp_path / "bad.gguf")
    bad, good = discover(str(tmp_path))
    assert bad.fault is not None and why in bad.fault
    assert good.fault is None


def test_a_model_cut_at_any_byte_is_known_to_be_cut(tmp_path: Path) -> None:
    """A download that broke off must not be loaded: llama.cpp would crash, or answer nonsense."""
    whole = gguf()
    path = tmp_path / "cut.gguf"
    for length in range(4, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BrokenModel, match="cut short"):
            read_metadata(path)


def test_a_dangling_link_is_a_fault_of_that_file(tmp_path: Path) -> None:
    """Model directories are full of links into caches."""
    (tmp_path / "gone.gguf").symlink_to(tmp_path / "nowhere")
    (gone,) = discover(str(tmp_path))
    assert gone.fault == "No such file or directory"


def test_no_directory_is_an_error() -> None:
    """An empty list would read as "no models", which is another thing."""
    with pytest.raises(NotADirectoryError, match="nowhere"):
        discover("nowhere")
