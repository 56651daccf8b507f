"""Loading: read, put variables in, fit to the schema, check, resolve; the faults of all steps are told together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from router.settings.environment import add_home, add_overrides, write_environment
from router.settings.expand import expand
from router.settings.faults import Findings
from router.settings.kinds import BUILT_IN, KindRules
from router.settings.pricefile import PriceRows, read_prices
from router.settings.references import References
from router.settings.resolve import resolve
from router.settings.rules import check_rules
from router.settings.schema import Document
from router.settings.settings import Settings
from router.settings.shape import Shaper
from router.settings.source import read_tree
from router.settings.vaultkey import Safe, safe_of


def process_environment() -> Mapping[str, str]:
    """The variables of this process, for whoever has no environment of its own to give."""
    return os.environ


class Given(Struct, frozen=True, kw_only=True):
    """A document as it was written, and what it is read with.

    Args:
        tree: plain mappings, lists and scalars.
        folder: what relative paths are relative to.
    """

    tree: Mapping[str, Any]
    folder: Path
    environ: Mapping[str, str]


def load(
    source: Path | Mapping[str, Any], environ: Mapping[str, str], kinds: Mapping[str, KindRules] = BUILT_IN
) -> Settings:
    """The settings that a file, or a mapping of the same shape, describes.

    Args:
        source: a `.yaml`, `.yml`, `.toml` or `.json` file; relative paths in it are relative to its folder. Those in a
            mapping are relative to the working folder.
        environ: what `${NAME}` stands for, and the variables of older systems.
        kinds: the kinds of provider that are installed.

    Raises:
        ConfigInvalid: naming every fault by its path.
    """
    findings = Findings()
    return load_tree(read_source(source, environ, findings), kinds, findings, {})


def read_source(source: Path | Mapping[str, Any], environ: Mapping[str, str], findings: Findings) -> Given:
    """What is written there. Raises `ConfigInvalid` where that cannot be read at all."""
    if not isinstance(source, Path):
        return Given(tree=source, folder=Path.cwd(), environ=environ)
    tree = read_tree(source, findings)
    if tree is None:
        findings.raise_any()
    return Given(
        tree=cast(Mapping[str, Any], {} if tree is None else tree), folder=Path.cwd() / source.parent, environ=environ
    )


def load_tree(given: Given, kinds: Mapping[str, KindRules], findings: Findings, pending: Mapping[str, str]) -> Settings:
    """The settings of a document.

    Args:
        pending: secrets that are about to be stored, by name.

    Raises:
        ConfigInvalid: naming every fault by its path, those found before included.
    """
    environ = given.environ
    tree = add_overrides(expand(given.tree, environ, findings), environ, findings)
    tree = add_home(tree, environ, Path.cwd())
    shaper = Shaper(findings, given.folder, _user_home(environ))
    references = shaper.references = References(shaper.path_of, safe_in(given), pending)
    document = shaper.shape(tree, Document)
    check_rules(document, tree, kinds, findings)
    file = document.prices.file
    table = PriceRows() if file is None else read_prices(file, findings, ("prices", "file"))
    findings.raise_any()
    return replace(resolve(document, kinds, table), secret_files=tuple(references.files))


def home_of(given: Given) -> Path:
    """The folder of the router's own files, whatever else is wrong with the document."""
    return _places(given).home


def safe_in(given: Given) -> Safe:
    """The store of secrets, likewise."""
    places = _places(given)
    return safe_of(places.secrets, places.home, given.environ)


def listeners_of(source: Path | Mapping[str, Any] | None, environ: Mapping[str, str]) -> Document:
    """A document of which only its home, where it listens and the key of administration are read: whoever looks for a
    running router needs none of the rest, nor the variables that it names. None is the environment alone. Raises
    `ConfigInvalid` where it cannot be read at all."""
    given = read_source(write_environment(environ) if source is None else source, environ, Findings())
    shaper = Shaper(Findings(), given.folder, _user_home(environ))
    shaper.references = References(shaper.path_of, safe_in(given), {})
    return shaper.shape(_part(given, ("home", "server", "admin")), Document)


def _places(given: Given) -> Document:
    """A document of which only where things lie is read."""
    shaper = Shaper(Findings(), given.folder, _user_home(given.environ))
    return shaper.shape(_part(given, ("home", "secrets")), Document)


def _part(given: Given, keys: tuple[str, ...]) -> Mapping[str, Any]:
    tree = add_home(expand(given.tree, given.environ, Findings()), given.environ, Path.cwd())
    return {key: tree[key] for key in keys if key in tree} if isinstance(tree, Mapping) else {}


def _user_home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) if home else Path.home()


def from_environment(environ: Mapping[str, str], kinds: Mapping[str, KindRules] = BUILT_IN) -> Settings:
    """The settings without a file: every provider whose key the environment holds, and then the local model.

    Raises:
        ConfigInvalid: a variable holds what it cannot; it is named.
    """
    return load(write_environment(environ), environ, kinds)
