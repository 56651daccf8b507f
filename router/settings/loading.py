"""Loading: read, put variables in, fit to the schema, check, resolve; the faults of all steps are told together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from router.settings.environment import add_home, add_overrides, write_environment
from router.settings.expand import expand
from router.settings.faults import Findings
from router.settings.kinds import BUILT_IN, KindRules
from router.settings.resolve import resolve
from router.settings.rules import check_rules
from router.settings.schema import Document
from router.settings.settings import Settings
from router.settings.shape import Shaper
from router.settings.source import read_tree


def process_environment() -> Mapping[str, str]:
    """The variables of this process, for whoever has no environment of its own to give."""
    return os.environ


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
    if isinstance(source, Path):
        tree, folder = read_tree(source, findings), Path.cwd() / source.parent
    else:
        tree, folder = source, Path.cwd()
    if tree is None:
        findings.raise_any()
        tree = {}
    tree = add_overrides(expand(tree, environ, findings), environ, findings)
    tree = add_home(tree, environ, Path.cwd())
    user_home = environ.get("HOME")
    document = Shaper(findings, folder, Path(user_home) if user_home else Path.home()).shape(tree, Document)
    check_rules(document, tree, kinds, findings)
    findings.raise_any()
    return resolve(document, kinds)


def from_environment(environ: Mapping[str, str], kinds: Mapping[str, KindRules] = BUILT_IN) -> Settings:
    """The settings without a file: every provider whose key the environment holds, and then the local model.

    Raises:
        ConfigInvalid: a variable holds what it cannot; it is named.
    """
    return load(write_environment(environ), environ, kinds)
