"""The table of docs/providers.md, from the kinds themselves and from what the replay counted.

`python -m tests.providers.table` writes it into the page; `python -m tests.replay` counts anew and writes it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import UNSET, Struct

from router.providers import find_kinds
from router.providers.kind import Kind
from router.providers.quirks import Quirks, Triples
from router.settings import BUILT_IN
from tests.providers.recordings import answers_of, provider_of
from tests.sources import ROOT

HEAD = (
    "| kind | dialect | base URL | chat, below it | auth | key variable | tells | quirks | checked against |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
PAGE = ROOT / "docs" / "providers.md"
CHECKED = Path(__file__).parent / "checked.json"
"""What the replay counted when it last ran whole: by kind what was recorded, by recorded provider its cells."""
_BASE = "https://BASE"


class Recorded(Struct, frozen=True, kw_only=True):
    """How many whole answers of a kind's provider are recorded, and of which sort."""

    answers: int = 0
    streamed: int = 0
    with_tools: int = 0


class Checked(Struct, frozen=True, kw_only=True):
    """What was counted. `cells` are those of the replay, by the provider that was recorded: passed, failed, unsaid."""

    kinds: dict[str, Recorded] = {}
    cells: dict[str, tuple[int, int, int]] = {}


def checked() -> Checked:
    """As it was last written."""
    return msgspec.json.decode(CHECKED.read_bytes(), type=Checked)


def counted() -> dict[str, Recorded]:
    """What is recorded of each kind now."""
    found = {kind.name: answers_of(kind) for kind in find_kinds().values() if kind.name in BUILT_IN and not kind.local}
    return {
        name: Recorded(
            answers=len(lines),
            streamed=sum(line.stream for line in lines),
            with_tools=sum(any("tool_call" in kind for kind in line.kinds) for line in lines),
        )
        for name, lines in sorted(found.items())
        if lines
    }


def rows() -> list[str]:
    """One for each kind that comes with the router."""
    kinds, known = find_kinds(), checked()
    return [_row(kinds[name], known) for name in sorted(BUILT_IN)]


def beside_chat() -> list[str]:
    """One for each kind that can be asked for more than chat: what, and where, below its base URL."""
    kinds = find_kinds()
    asked = (kinds[name] for name in sorted(BUILT_IN) if kinds[name].others)
    return [f"- `{kind.name}`: {', '.join(_others(kind))}" for kind in asked]


def _others(kind: Kind) -> Iterable[str]:
    for operation, endpoint in kind.others.items():
        bent = "; ".join(_bent(endpoint.quirks or Quirks()))
        told = f"{operation} `{endpoint.url(_BASE, 'MODEL', False).removeprefix(_BASE)}`"
        yield f"{told} ({bent})" if bent else told


def write(known: Checked) -> None:
    """Keep what was counted, and write the page's table anew."""
    text = msgspec.json.format(msgspec.json.encode(known), indent=1)
    CHECKED.write_bytes(text + b"\n")
    lines = PAGE.read_text().splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("| kind |"))
    after = next(place for place in range(first, len(lines)) if not lines[place].startswith("|"))
    lines = [*lines[:first], *HEAD, *rows(), *lines[after:]]
    first = next(place for place in range(lines.index("## Beside chat"), len(lines)) if lines[place].startswith("- `"))
    after = next(place for place in range(first, len(lines)) if not lines[place].startswith("- `"))
    PAGE.write_text("\n".join([*lines[:first], *beside_chat(), *lines[after:], ""]))


def _row(kind: Kind, known: Checked) -> str:
    cells = (
        f"`{kind.name}`",
        "; ".join(_dialects(kind)),
        f"`{kind.base_url}`" if kind.base_url and not kind.local else "this machine" if kind.local else "configured",
        "" if kind.local else _paths(kind),
        _auth(kind),
        f"`{kind.key_variable}`" if kind.key_variable else "",
        ", ".join(_tells(kind)),
        "; ".join(_quirks(kind)),
        _checked(kind, known),
    )
    return f"| {' | '.join(cells)} |"


def _dialects(kind: Kind) -> Iterable[str]:
    """The usual one, then the others with the models or addresses that they are for."""
    yield kind.dialect.name
    for form in kind.forms:
        if form.dialect is not UNSET:
            where = " ".join(filter(None, (form.models.replace("|", "\\|"), form.base_url.replace("|", "\\|"))))
            yield f"{form.dialect.name} for `{where}`"


def _tells(kind: Kind) -> Iterable[str]:
    """What it can be asked, and what is known without asking."""
    told = {"models": kind.survey, "credits": kind.credits, "single answers": kind.generation}
    yield from (name for name, inquiry in told.items() if inquiry is not None)
    if any(form.survey not in (UNSET, None) for form in kind.forms) and kind.survey is None:
        yield "models at some addresses"
    if kind.known:
        yield "abilities known"


def _checked(kind: Kind, known: Checked) -> str:
    if kind.local:
        return "the engine"
    recorded = known.kinds.get(kind.name)
    if recorded is None:
        return "documentation"
    said = f"{recorded.answers} recordings ({recorded.streamed} streamed, {recorded.with_tools} with tools)"
    cells = known.cells.get(provider_of(kind))
    return said if cells is None else f"{said}, {cells[0]} replays"


def _paths(kind: Kind) -> str:
    """Where chat goes, and streams where that is elsewhere."""
    whole, stream = (kind.address(_BASE, "MODEL", streamed).removeprefix(_BASE) for streamed in (False, True))
    return f"`{whole}`" if whole == stream else f"`{whole}`, streams `{stream}`"


def _auth(kind: Kind) -> str:
    said = ", ".join(f"`{name}: {value}`" for name, value in kind.auth("KEY"))
    if kind.grant:
        return f"{said}, or `{kind.grant}`"
    return said and (said if kind.needs_key else f"{said}, if any")


def _quirks(kind: Kind) -> Iterable[str]:
    if kind.headers:
        yield "sends " + ", ".join(f"`{name}: {value}`" for name, value in kind.headers)
    if not kind.relays:
        yield "answers are always translated"
    if kind.quirks is not None:
        yield from _bent(kind.quirks)


def _bent(quirks: Quirks) -> Iterable[str]:
    for name, own in quirks.renames + quirks.roles:
        yield f"`{name}` is `{own}`"
    yield from _instead(quirks.words, "is")
    yield from _instead(quirks.nearest, "becomes")
    yield from (f"`{name}` `{value}` is `{other}: {instead}`" for name, value, other, instead in quirks.swaps)
    for name, least, most in quirks.bounds:
        yield f"`{name}` from {least:g} to {most:g}"
    refused = (*quirks.refused, *(f"messages[].{name}" for name in quirks.message_refused))
    for word, names in (("without", refused), ("needs no", quirks.needless)):
        if names:
            yield f"{word} " + ", ".join(f"`{name}`" for name in names)
    if quirks.part is not None:
        yield "documents and recordings in its own form"
    yield from (f"at most {count} of `{name}`" for name, count in quirks.most)
    yield from (f"`{words}` between a `{before}` and a `{after}`" for before, after, words in quirks.bridges)
    yield from (f"no `{name}` with `{other}: {value}`" for name, other, value in quirks.apart)
    if quirks.plain:
        yield "one text a message"
    if quirks.call_id is not None:
        yield f"ids of tool calls like `{quirks.call_id('call_1')}`"


def _instead(triples: Triples, verb: str) -> Iterable[str]:
    for (name, instead), those in groupby(triples, key=lambda triple: (triple[0], triple[2])):
        yield f"`{name}` {', '.join(f'`{value}`' for _, value, _ in those)} {verb} `{instead}`"


if __name__ == "__main__":
    write(checked())
