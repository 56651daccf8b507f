"""docs/api.md, written from the table of operations: `python -m tests.front.apidoc`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from router.front.manual import MANUAL, Entry
from router.front.paths import is_keyed, is_operational
from tests.sources import ROOT

PAGE = ROOT / "docs" / "api.md"
_URL = "http://127.0.0.1:8094"

_HEAD = """# The API

Every operation, made from one table (`router/front/manual.py`); `GET /openapi.json` says the same for tools. Errors
have the form that the caller's protocol gives them, here OpenAI's: `{"error": {"message", "type", "param", "code"}}`.
Every answer has an `x-request-id`.

Who may call:

- **anyone**: whoever reaches the address.
- **callers**: anyone too, until client keys are configured; then those with one, as `Authorization: Bearer` or
  `x-api-key`.
- **operators**: whoever reaches the address, until `admin.key` is set; then those with it, as `Authorization: Bearer`
  or `x-admin-key`. With `admin.port` these paths are on that port alone.

On loopback, requests of web pages from elsewhere are refused everywhere.
"""

_NOTES = """
## Reading on

Logs and the audit log come newest first, at most `limit` rows (1 to 1000); while `next` is not null, the same request
with `cursor=<next>` gives the older ones. Logs are the last `telemetry.request_log_size` rows of this process; costs,
acts and entries are the ledger's, over all runs. No prompt, no answer, no secret and no words of a provider are in any
of them but transcripts, which are there only where somebody wants them kept. Money is in US dollars, and null where
nobody knows it. Reading transcripts, and exporting or erasing an end user, are acts of the audit log.

An estimate counts a prompt by its letters (rather too high), takes an answer of 500 tokens where nothing bounds it
shorter, and gives for each target the cost with an answer of one token (`low_usd`), of that length (`usd`) and of the
longest there can be (`high_usd`, null where nothing bounds it), and the row of prices that was used. `costs` has each
provider by its first target. The body is that of any chat request: with `anthropic-version` among the headers it is
read as Anthropic's, with an `input` as that of the Responses API; with `?operation=embeddings` or `images` it is that
of `/v1/embeddings` or `/v1/images/generations`. A picture's cost is known beforehand only where its price is by the
picture.

Answers to changes of the configuration carry its `ETag`; with `If-Match` a change is made to that one or not at all
(412).
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections()) + _NOTES


def _sections() -> Iterator[str]:
    rows = [(entry.tag, method, path, entry) for (method, path), entry in MANUAL.items()]
    for tag, group in groupby(sorted(rows, key=lambda row: _ORDER.index(row[0])), key=lambda row: row[0]):
        yield f"\n## {tag.capitalize()}\n\n| | who | what for | example |\n| --- | --- | --- | --- |\n"
        for _tag, method, path, entry in group:
            yield f"| `{method} {path}` | {_who(path)} | {entry.summary} | `{_example(method, path, entry)}` |\n"


_ORDER = list(dict.fromkeys(entry.tag for entry in MANUAL.values()))


def _who(path: str) -> str:
    return "operators" if is_operational(path) else "callers" if is_keyed(path) else "anyone"


def _example(method: str, path: str, entry: Entry) -> str:
    where = f"{_URL}{path}".replace("{name}", "one").replace("{id}", "ID")
    if entry.body is None:
        where += entry.example
        quoted = f"'{where}'" if "?" in where else where
        return f"curl {quoted}" if method == "GET" else f"curl -X {method} {quoted}"
    verb = "" if method == "POST" else f"-X {method} "
    return f"curl {verb}{where} -d '{entry.example}'"


if __name__ == "__main__":
    PAGE.write_text(page())
