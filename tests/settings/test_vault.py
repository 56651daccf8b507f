"""The encrypted store: what it keeps, and what it says when it cannot."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from router.settings.schema import SecretsKeys
from router.settings.vault import Damaged, Kept, Vault, VaultError, WrongKey
from router.settings.vaultkey import VARIABLE, FileKeys, Safe, safe_of

ONE, TWO = b"1" * 32, b"2" * 32
CANARY = "sk-canary-in-the-store"


def sealed(path: Path) -> Vault:
    """A store with one secret."""
    vault = Vault(path, (ONE,))
    vault.put({"main": CANARY}, 1.0)
    return vault


def test_a_secret_comes_back_and_is_not_in_the_file(tmp_path: Path) -> None:
    """Nor is its name; nobody else may read the file."""
    path = tmp_path / "store"
    assert sealed(path).read() == {"main": Kept(CANARY, 1.0)}
    assert CANARY.encode() not in path.read_bytes()
    assert b"main" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_another_key_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    """The one is mended with the right key, the other with a copy."""
    path = tmp_path / "store"
    sealed(path)
    with pytest.raises(WrongKey, match="another key"):
        Vault(path, (TWO,)).read()
    with pytest.raises(WrongKey):
        Vault(path, ()).read()


def test_every_byte_that_is_changed_is_noticed(tmp_path: Path) -> None:
    """As damage, never as another key and never as another secret; so is a file that was cut."""
    path = tmp_path / "store"
    vault = sealed(path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        try:
            assert vault.read() == {"main": Kept(CANARY, 1.0)}  # the last bits of base64 may stand for nothing
        except VaultError as noticed:
            assert not isinstance(noticed, WrongKey)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            vault.read()


def test_a_forged_store_is_refused(tmp_path: Path) -> None:
    """The sum is no seal: whoever can compute it still cannot write what the key opens."""
    path = tmp_path / "store"
    vault = sealed(path)
    forger = Vault(tmp_path / "forged", (TWO,))
    forger.put({"main": "another"}, 2.0)
    mine, theirs = json.loads(path.read_bytes()), json.loads((tmp_path / "forged").read_bytes())
    path.write_text(json.dumps({**theirs, "key": mine["key"]}))
    with pytest.raises(Damaged):
        vault.read()


def test_two_seals_of_one_secret_differ(tmp_path: Path) -> None:
    """A nonce is never used again."""
    path = tmp_path / "store"
    vault = sealed(path)
    first = json.loads(path.read_bytes())
    vault.write(vault.read())
    second = json.loads(path.read_bytes())
    assert first["nonce"] != second["nonce"]
    assert first["sealed"] != second["sealed"]


def test_a_rotation_seals_with_a_new_key_and_forgets_the_old_one(tmp_path: Path) -> None:
    """Interrupted after any of its steps, the store still opens."""
    safe = Safe(tmp_path / "store", FileKeys(tmp_path / "key"))
    safe.open_or_make().put({"main": CANARY}, 1.0)
    old = safe.keys.read()
    before = (tmp_path / "store").read_bytes()
    safe.rotate()
    new = safe.keys.read()
    assert len(new) == 1
    assert new != old
    assert safe.open().read()["main"].text == CANARY
    with pytest.raises(WrongKey):
        Vault(tmp_path / "store", old).read()
    safe.keys.write((*new, *old))  # the moment before the store is sealed anew
    (tmp_path / "store").write_bytes(before)
    assert safe.open().read()["main"].text == CANARY


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    safe = Safe(tmp_path / "store", FileKeys(tmp_path / "key"))
    safe.open_or_make().put({"main": CANARY}, 1.0)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        safe.open()


def test_a_store_without_its_key_gets_no_new_one(tmp_path: Path) -> None:
    """A new key would seal over what the lost one still opens, and no key is not another key."""
    safe = Safe(tmp_path / "store", FileKeys(tmp_path / "key"))
    safe.open_or_make().put({"main": CANARY}, 1.0)
    (tmp_path / "key").unlink()
    for opened in (safe.open_or_make, safe.open):
        with pytest.raises(VaultError, match="its key is not") as caught:
            opened()
        assert not isinstance(caught.value, WrongKey)


def test_the_key_may_come_from_the_environment(tmp_path: Path) -> None:
    """Of several the first seals and each opens; one that is no key is said to be none, without being quoted."""
    one, two = (base64.b64encode(key).decode() for key in (ONE, TWO))
    safe_of(SecretsKeys(), tmp_path, {VARIABLE: one}).open_or_make().put({"main": CANARY}, 1.0)
    both = safe_of(SecretsKeys(), tmp_path, {VARIABLE: f"{two},{one}"})
    assert both.open().read()["main"].text == CANARY
    both.reseal()
    assert safe_of(SecretsKeys(), tmp_path, {VARIABLE: two}).open().read()["main"].text == CANARY
    assert not (tmp_path / "secrets.key").exists()
    with pytest.raises(VaultError) as refused:
        safe_of(SecretsKeys(), tmp_path, {VARIABLE: "a-key-that-is-none"}).open()
    assert "a-key-that-is-none" not in str(refused.value)
