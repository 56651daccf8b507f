"""The configuration in force, and how another one takes its place."""

from __future__ import annotations

from msgspec import Raw, Struct


class EntryChange(Struct, frozen=True, kw_only=True):
    """What was changed at run time of one entry, and what that does to the file's own.

    Args:
        section: providers, failover_groups or keys.
        effect: `added` (the file has none of that name), `changed` (keys of the file's), `replaced` (the file got one
            of that name later), `removed` (the file's), or `idle` (the file's is gone, there is nothing to change).
        hidden: keys of the file's entry that do not count.
        edited: those of them that the file says otherwise, or anew, since then.
    """

    section: str
    name: str
    effect: str
    hidden: tuple[str, ...]
    edited: tuple[str, ...]


class ConfigView(Struct, frozen=True, kw_only=True):
    """A configuration in force.

    Args:
        version: a hash of its content.
        number: how many this process has had, this one included.
        public: all of it as JSON, secrets as `***`.
        pending: keys whose new value waits for a restart of the process, by path.
        changes: what of it was changed at run time.
    """

    version: str
    source: str
    public: Raw
    number: int = 1
    pending: tuple[str, ...] = ()
    changes: tuple[EntryChange, ...] = ()

    @property
    def tag(self) -> str:
        """What names this configuration among those of this process; it changes with a secret, too."""
        return f"{self.version}-{self.number}"


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


class ChangeConfig(Struct, frozen=True, kw_only=True):
    """Ask Config to change one entry, and to keep the change over restarts, or to take such a change back. Answer:
    `ConfigTaken`, `ConfigRefused`, `ConfigMoved`, or `EntryMissing` or `EntryExists` where that is asked for which is
    not so.

    Args:
        section: providers or failover_groups.
        how: create, put, patch, remove, or revert to what the file has.
        keys: the entry as a JSON object; None for the last two.
        expected: tag of the configuration that the change was made for; None for whichever is in force.
        by: who asks, for the log and the audit.
    """

    section: str
    name: str
    how: str
    keys: Raw | None
    expected: str | None
    by: str


class ConfigMoved(Struct, frozen=True, kw_only=True):
    """Another configuration is in force than the one the change was made for; nothing was done."""

    tag: str


class EntryMissing(Struct, frozen=True, kw_only=True):
    """There is no entry of that name."""


class EntryExists(Struct, frozen=True, kw_only=True):
    """There is an entry of that name already."""


class ExportConfig(Struct, frozen=True, kw_only=True):
    """Ask Config for the document as it is written. Answer: `ConfigDocument` or `ConfigRefused`."""


class ConfigDocument(Struct, frozen=True, kw_only=True):
    """A configuration to be written into a file: secrets are names or masks. The same as JSON and as YAML."""

    tag: str
    json: Raw
    yaml: str


class AdminActed(Struct, frozen=True, kw_only=True):
    """Fact for the Ledger's audit and for the log: an administrative act, or accesses.

    Args:
        by: who: a signal, the file, the name of a client key, or whoever asked over HTTP; never a key.
        act: what, a word of ours: config.reload, config.put, access.
        subject: on what: an entry's path, or a request's method and path.
        outcome: taken, refused, moved, missing, exists; of an access allowed, denied, unknown.
        detail: more, as JSON text: of accesses that are summed their count, and when the first and the last were.
    """

    by: str
    act: str
    subject: str
    outcome: str
    at: float
    detail: str = "{}"


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
