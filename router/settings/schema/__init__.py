"""Every key that may be written, with its default and its bounds. The docstrings are the documentation of the keys:
`docs/configuration.md` and `config/reference.yaml` are held to them by a test.

What is written here is not yet what holds: `resolve.py` fills in what one key takes from another.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import field

from router.settings.schema.account import (
    AuditKeys,
    Cache,
    ConversationKeys,
    IdempotencyKeys,
    LedgerKeys,
    TranscriptKeys,
)
from router.settings.schema.clients import BudgetKeys, ClientKeys, Endpoint
from router.settings.schema.failover import Breaker, Failover, GroupKeys, HedgeKeys, Retry, Strategy
from router.settings.schema.grants import AwsKeys, EntraKeys, GoogleKeys
from router.settings.schema.keys import GroupName, KeyName, Keys, ProviderName
from router.settings.schema.operation import KeyFrom, ReloadKeys, SecretsKeys
from router.settings.schema.prices import Basis, PriceFile, PriceRowKeys, PricesKeys
from router.settings.schema.provider import (
    GRANTS,
    LOCAL_KEYS,
    REMOTE_KEYS,
    Adaptive,
    CacheType,
    Dispatch,
    KeyKeys,
    LimitKeys,
    LocalKeys,
    ModelKeys,
    PrefixStyle,
    Price,
    ProviderKeys,
    TimeoutKeys,
)
from router.settings.schema.server import AdminKeys, Server
from router.settings.schema.telemetry import LogLevel, Telemetry

__all__ = [
    "GRANTS",
    "LOCAL_KEYS",
    "REMOTE_KEYS",
    "Adaptive",
    "AdminKeys",
    "AuditKeys",
    "AwsKeys",
    "Basis",
    "Breaker",
    "BudgetKeys",
    "Cache",
    "CacheType",
    "ClientKeys",
    "ConversationKeys",
    "Dispatch",
    "Document",
    "Endpoint",
    "EntraKeys",
    "Failover",
    "GoogleKeys",
    "GroupKeys",
    "GroupName",
    "HedgeKeys",
    "IdempotencyKeys",
    "KeyFrom",
    "KeyKeys",
    "KeyName",
    "Keys",
    "LedgerKeys",
    "LimitKeys",
    "LocalKeys",
    "LogLevel",
    "ModelKeys",
    "PrefixStyle",
    "Price",
    "PriceFile",
    "PriceRowKeys",
    "PricesKeys",
    "ProviderKeys",
    "ProviderName",
    "ReloadKeys",
    "Retry",
    "SecretsKeys",
    "Server",
    "Strategy",
    "Telemetry",
    "TimeoutKeys",
    "TranscriptKeys",
]


class Document(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole configuration.

    Args:
        home: folder for models and the ledger; left out, `$POINTSMAN_HOME` or else `~/.pointsman`.
        server: where clients are heard.
        keys: who may call, by a name of your choice.
        budgets: what may be spent, by a name of your choice.
        providers: who answers, by a name of your choice.
        failover: what holds for every public name.
        failover_groups: public names for several targets.
        breaker: when a failing target is left alone.
        retry: how often and how soon the same target is asked again.
        cache: whole answers, given again.
        idempotency: requests that come again with the same key.
        conversations: answers that callers go on from by their id.
        ledger: what every attempt cost.
        audit: who was let in where.
        prices: what models cost.
        transcripts: what was asked and answered, in words.
        telemetry: what is told about requests.
        admin: where it is administered.
        reload: when the configuration is read again.
        secrets: the encrypted store of secrets.
    """

    home: Path = Path("~/.pointsman")
    server: Server = Server()
    keys: dict[KeyName, ClientKeys] = field(default_factory=dict)
    budgets: dict[KeyName, BudgetKeys] = field(default_factory=dict)
    providers: dict[ProviderName, ProviderKeys] = field(default_factory=dict)
    failover: Failover = Failover()
    failover_groups: dict[GroupName, GroupKeys] = field(default_factory=dict)
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    cache: Cache = Cache()
    idempotency: IdempotencyKeys = IdempotencyKeys()
    conversations: ConversationKeys = ConversationKeys()
    ledger: LedgerKeys = LedgerKeys()
    audit: AuditKeys = AuditKeys()
    prices: PricesKeys = PricesKeys()
    transcripts: TranscriptKeys = TranscriptKeys()
    telemetry: Telemetry = Telemetry()
    admin: AdminKeys = AdminKeys()
    reload: ReloadKeys = ReloadKeys()
    secrets: SecretsKeys = SecretsKeys()
