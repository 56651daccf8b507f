"""The key of the encrypted store in a keyring: a real backend that writes files, and those that refuse."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.core import load_keyring
from keyring.errors import InitError, KeyringLocked, PasswordSetError

from router.settings import Origin
from router.settings.kinds import BUILT_IN
from router.settings.vault import VaultError, WrongKey
from router.settings.vaultkey import KeyringKeys
from tests.fakes.command import given_to, run

CANARY = "sk-canary-beside-a-keyring"
FILE = """
home: {home}
secrets: {{key_from: keyring}}
providers:
  main: {{kind: openai, api_key: "secret:main", models: [m]}}
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Whatever keyring a test takes, the next one finds the process as it was."""
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def filed(folder: Path) -> KeyringBackend:
    """The backend of `keyrings.alt` that writes a file, with its file where a test may write."""
    backend = load_keyring("keyrings.alt.file.PlaintextKeyring")
    vars(backend)["file_path"] = str(folder / "keyring.cfg")
    return backend


def test_a_secret_lives_and_is_renewed_with_its_key_in_the_keyring(tmp_path: Path) -> None:
    """From the command to the configuration: the key is nowhere in the home, and one key opens what it sealed alone."""
    home = tmp_path / "home"
    home.mkdir()
    file = tmp_path / "router.yaml"
    file.write_text(FILE.format(home=home))
    keyring.set_keyring(filed(tmp_path))

    def read() -> str:
        key = Origin(file, {}, BUILT_IN).read().providers["main"].api_key
        assert key is not None
        return key.reveal()

    assert given_to("secrets", "set", "main", "--config", file, text=CANARY).exit_code == 0
    first = keyring.get_password("pointsman", "secrets key")
    assert first is not None and read() == CANARY
    assert run("secrets", "rotate", "--config", file).exit_code == 0
    second = keyring.get_password("pointsman", "secrets key")
    assert second is not None and second != first and read() == CANARY
    assert len(second.split()) == 1
    assert [path.name for path in home.glob("secrets*")] == ["secrets.sealed"]
    keyring.set_password("pointsman", "secrets key", first)
    said = run("secrets", "list", "--config", file)
    assert said.exit_code == 1 and "another key" in said.output and CANARY not in said.output
    keyring.set_password("pointsman", "secrets key", "no key at all")
    assert "the keyring's entry holds no key" in run("secrets", "list", "--config", file).output
    keyring.set_password("pointsman", "secrets key", second)
    assert run("secrets", "remove", "main", "--config", file).exit_code == 0


class _Refusing(KeyringBackend):
    """A backend of a system that is not in the mood."""

    priority = -1.0  # never taken unasked
    why: Exception

    def get_password(self, service: str, username: str) -> str | None:
        raise self.why

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.why


@pytest.mark.parametrize(
    ("why", "words"),
    [
        pytest.param(KeyringLocked("canary"), "is locked; unlock it", id="locked"),
        pytest.param(InitError("canary"), r"refuses \(InitError\)", id="broken"),
        pytest.param(PasswordSetError("canary"), r"refuses \(PasswordSetError\)", id="full"),
    ],
)
def test_a_keyring_that_refuses_is_told_in_words(why: Exception, words: str) -> None:
    """Ours: a backend's may hold what it was given."""
    refusing = _Refusing()  # type: ignore[no-untyped-call]  # the package has no types for it
    refusing.why = why
    keyring.set_keyring(refusing)
    for act in (KeyringKeys().read, lambda: KeyringKeys().write((b"1" * 32,))):
        with pytest.raises(VaultError, match=words) as caught:
            act()
        assert "canary" not in str(caught.value) and not isinstance(caught.value, WrongKey)


def test_a_system_without_a_keyring_or_its_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a crash."""
    keyring.set_keyring(load_keyring("keyring.backends.fail.Keyring"))
    with pytest.raises(VaultError, match="this system has no keyring; start one"):
        KeyringKeys().read()
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(VaultError, match=r"needs pointsman\[keyring\]"):
        KeyringKeys().read()


def test_several_keys_stand_in_one_entry(tmp_path: Path) -> None:
    """As a rotation that was interrupted leaves them."""
    keyring.set_keyring(filed(tmp_path))
    KeyringKeys().write((b"1" * 32, b"2" * 32))
    assert KeyringKeys().read() == (b"1" * 32, b"2" * 32)
    words = keyring.get_password("pointsman", "secrets key")
    assert words is not None and [base64.b64decode(word) for word in words.split()] == [b"1" * 32, b"2" * 32]
