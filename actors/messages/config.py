"""The configuration in force, and how another one takes its place."""

from __future__ import annotations

from msgspec import Raw, Struct


class ConfigView(Struct, frozen=True, kw_only=True):
    """A configuration in force.

    Args:
        version: a hash of its content.
        number: how many this process has had, this one included.
        public: all of it as JSON, secrets as `***`.
        pending: keys whose new value waits for a restart of the process, by path.
    """

    version: str
    source: str
    public: Raw
    number: int = 1
    pending: tuple[str, ...] = ()


class ReadConfig(Struct, frozen=True, kw_only=True):
    """Ask Config what is in force. Answer: `ConfigView`."""


class ReloadConfig(Struct, frozen=True, kw_only=True):
    """Ask Config to read its source again; may be told as well. Answer: `ConfigTaken` or `ConfigRefused`. `by` says who
    wants it, for the log."""

    by: str


class ConfigFault(Struct, frozen=True, kw_only=True):
    """One thing to change in a configuration, by its path. No value is quoted: it may be a key."""

    path: str
    message: str


class Moves(Struct, frozen=True, kw_only=True):
    """Names that another configuration adds, changes and removes."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class ConfigTaken(Struct, frozen=True, kw_only=True):
    """What was read is in force for every exchange from now on. `changed` is false where nothing was different."""

    view: ConfigView
    changed: bool
    providers: Moves = Moves()
    groups: Moves = Moves()


class ConfigRefused(Struct, frozen=True, kw_only=True):
    """Nothing has changed; `faults` are all that were found."""

    faults: tuple[ConfigFault, ...]


class TargetsChanged(Struct, frozen=True, kw_only=True):
    """Fact for Capability: another configuration is in force, with other targets perhaps."""


class ConfigLoaded(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: this version of the configuration serves new exchanges from now on."""

    version: str
    source: str
    by: str = "start"
    pending: tuple[str, ...] = ()


class ConfigTurnedDown(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a configuration was refused, and the one before it serves on."""

    by: str
    faults: tuple[ConfigFault, ...]


class ProviderReplaced(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry: a provider is another one under the same name. Its scores start anew, and its breakers are in
    these states, by model, and in no others."""

    provider: str
    states: dict[str, str]


class ProviderRemoved(Struct, frozen=True, kw_only=True):
    """Fact for Telemetry and Retry: a provider is gone on purpose, the last of its attempts too; what is kept by its
    name goes as well."""

    provider: str
