"""No secret gets past the scrubber, however it is written."""

from __future__ import annotations

import msgspec
import pytest

from router.telemetry.scrub import REDACTED, RETIRED, Scrubber

SECRETS = [
    pytest.param("canary-plain-0123", id="plain"),
    pytest.param('canary"quote\\slash', id="needs-escaping"),
    pytest.param("canary/slash+plus=&", id="needs-url-quoting"),
    pytest.param("canäry-ümlaut-key", id="not-ascii"),
    pytest.param("canary\nnewline", id="control-character"),
]


def render(value: object) -> str:
    """As a log line is rendered."""
    return msgspec.json.encode(value).decode()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_known_secret_is_replaced_in_every_place_of_a_line(secret: str) -> None:
    """As a value, as a key, inside a text, in a list, and inside JSON that is itself a string."""
    line = render({"a": secret, "b": f"x{secret}y", "c": [secret], secret: 1, "d": render({"e": secret})})
    scrubbed = Scrubber([secret]).json(line)
    msgspec.json.decode(scrubbed)
    for form in (secret, render(secret)[1:-1], render(render(secret))[3:-3]):
        assert form not in scrubbed


def test_a_known_secret_is_replaced_in_a_url() -> None:
    """Keys travel in queries too, quoted."""
    assert Scrubber(["canary/+="]).text("https://h/?key=canary%2F%2B%3D&x=1") == f"https://h/?key={REDACTED}&x=1"


def test_a_secret_that_begins_with_another_leaves_no_tail() -> None:
    """The longer is looked for first."""
    assert Scrubber(["canary-1", "canary-1-more"]).text("k=canary-1-more") == f"k={REDACTED}"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        pytest.param("Authorization: Bearer abc.def-123", f"Authorization: Bearer {REDACTED}", id="bearer"),
        pytest.param("authorization: bearer abcdefgh", f"authorization: bearer {REDACTED}", id="bearer-lower"),
        pytest.param(r'{"h":"Bearer\tabcdefgh"}', f'{{"h":"Bearer {REDACTED}"}}', id="bearer-escaped-tab"),
        pytest.param("BEARER abcdefgh", f"BEARER {REDACTED}", id="bearer-upper"),
        pytest.param("key sk-ant-api03-AbCdEf_123 used", f"key {REDACTED} used", id="sk"),
        pytest.param("key=AIzaSyA1234567890abcdefg", f"key={REDACTED}", id="google"),
        pytest.param("gsk_abcdefgh12345", REDACTED, id="groq"),
        pytest.param("xai-abcdefgh12345", REDACTED, id="xai"),
    ],
)
def test_what_is_shaped_like_a_credential_is_replaced(text: str, scrubbed: str) -> None:
    """A caller's key is not among the known ones."""
    assert Scrubber().text(text) == scrubbed


@pytest.mark.parametrize("text", ["task-oriented", "a basic question", "the bearer of news", "risk-free", "disk-1"])
def test_plain_words_stay(text: str) -> None:
    """A scrubber that eats words gets switched off."""
    assert Scrubber(["abcdef"]).text(text) == text


def test_very_short_secrets_are_left_alone() -> None:
    """A key of one letter would turn every line to dust."""
    assert Scrubber(["a", ""]).text("banana") == "banana"


def test_a_line_that_scrubbing_would_break_is_withheld() -> None:
    """A secret made of JSON's own punctuation can cut through a line; then nothing of it is said."""
    scrubbed = Scrubber(['":"x', "canary-key"]).json(render({"a": "x canary-key"}))
    assert msgspec.json.decode(scrubbed) == {"event": "line withheld"}


def test_secrets_learnt_later_count_too() -> None:
    """A reload brings new keys."""
    scrubber = Scrubber()
    scrubber.learn(["canary-late"])
    assert scrubber.text("canary-late") == REDACTED


def test_what_was_rotated_out_is_known_for_a_while() -> None:
    """It may be good still; of very many only the last are kept."""
    scrubber = Scrubber(("first-secret",))
    scrubber.keep(("second-secret",))
    assert scrubber.text("first-secret second-secret") == f"{REDACTED} {REDACTED}"
    for number in range(RETIRED + 1):
        scrubber.learn((f"secret-number-{number}",))
        scrubber.keep((f"secret-number-{number}",))
    assert scrubber.text("first-secret") == "first-secret"
    assert scrubber.text("secret-number-1") == REDACTED
