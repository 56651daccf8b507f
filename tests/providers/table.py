"""The table of docs/providers.md, from the kinds themselves. `python -m tests.providers.table` prints it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from router.providers import find_kinds
from router.providers.kind import Kind
from router.providers.quirks import Quirks, Triples
from router.settings import BUILT_IN
from tests.providers.recordings import answers_of

HEAD = (
    "| kind | dialect | base URL | chat, below it | auth | key variable | quirks | checked against |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)
_BASE = "https://BASE"


def rows() -> list[str]:
    """One for each kind that comes with the router."""
    kinds = find_kinds()
    return [_row(kinds[name]) for name in sorted(BUILT_IN)]


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


def _row(kind: Kind) -> str:
    cells = (
        f"`{kind.name}`",
        kind.dialect.name,
        f"`{kind.base_url}`" if kind.base_url and not kind.local else "this machine" if kind.local else "configured",
        "" if kind.local else _paths(kind),
        _auth(kind),
        f"`{kind.key_variable}`" if kind.key_variable else "",
        "; ".join(_quirks(kind)),
        "recordings" if not kind.local and answers_of(kind) else "documentation" if not kind.local else "the engine",
    )
    return f"| {' | '.join(cells)} |"


def _paths(kind: Kind) -> str:
    """Where chat goes, and streams where that is elsewhere."""
    whole, stream = (kind.address(_BASE, "MODEL", streamed).removeprefix(_BASE) for streamed in (False, True))
    return f"`{whole}`" if whole == stream else f"`{whole}`, streams `{stream}`"


def _auth(kind: Kind) -> str:
    said = ", ".join(f"`{name}: {value}`" for name, value in kind.auth("KEY"))
    if kind.aws_service is not None:
        return f"{said}, or SigV4"
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
    for name, least, most in quirks.bounds:
        yield f"`{name}` from {least:g} to {most:g}"
    refused = (*quirks.refused, *(f"messages[].{name}" for name in quirks.message_refused))
    for word, names in (("without", refused), ("needs no", quirks.needless)):
        if names:
            yield f"{word} " + ", ".join(f"`{name}`" for name in names)
    if quirks.call_id is not None:
        yield f"ids of tool calls like `{quirks.call_id('call_1')}`"


def _instead(triples: Triples, verb: str) -> Iterable[str]:
    for (name, instead), those in groupby(triples, key=lambda triple: (triple[0], triple[2])):
        yield f"`{name}` {', '.join(f'`{value}`' for _, value, _ in those)} {verb} `{instead}`"


if __name__ == "__main__":
    print("\n".join((*HEAD, *rows(), "", *beside_chat())))
