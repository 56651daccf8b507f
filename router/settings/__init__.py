"""The configuration: what may be written (`schema.py`), what holds (`settings.py`), and the way from one to the other.

    source.py -> expand.py -> environment.py -> shape.py -> rules.py -> resolve.py
    file         ${NAME}      older variables    types       relations   defaults from other keys

Every step records its faults and goes on, so that all are told at once. No message quotes a value.
"""

from __future__ import annotations

from router.settings.clients import moment_at
from router.settings.describe import REQUIRED, Key, describe
from router.settings.editing import Edit
from router.settings.environment import KNOWN_KEYS, OVERRIDES, KnownKey
from router.settings.faults import ConfigInvalid, Fault
from router.settings.kinds import BUILT_IN, KindRules
from router.settings.loading import from_environment, listeners_of, load, process_environment
from router.settings.origin import Draft, EntryThere, NoEntry, Origin
from router.settings.overlay import Laid
from router.settings.pricefile import PriceRows
from router.settings.rules import TargetRef
from router.settings.schema import (
    Breaker,
    BudgetKeys,
    Cache,
    ClientKeys,
    Failover,
    HedgeKeys,
    Price,
    Retry,
    Server,
    Telemetry,
)
from router.settings.secret import Secret
from router.settings.settings import FailoverGroup, Ledger, LocalModels, Model, Prices, Provider, Settings, Timeouts
from router.settings.vault import Damaged, VaultError, WrongKey
from router.settings.vaultkey import Safe, safe_of
from router.settings.watching import Watch

__all__ = [
    "BUILT_IN",
    "KNOWN_KEYS",
    "OVERRIDES",
    "REQUIRED",
    "Breaker",
    "BudgetKeys",
    "Cache",
    "ClientKeys",
    "ConfigInvalid",
    "Damaged",
    "Draft",
    "Edit",
    "EntryThere",
    "Failover",
    "FailoverGroup",
    "Fault",
    "HedgeKeys",
    "Key",
    "KindRules",
    "KnownKey",
    "Laid",
    "Ledger",
    "LocalModels",
    "Model",
    "NoEntry",
    "Origin",
    "Price",
    "PriceRows",
    "Prices",
    "Provider",
    "Retry",
    "Safe",
    "Secret",
    "Server",
    "Settings",
    "TargetRef",
    "Telemetry",
    "Timeouts",
    "VaultError",
    "Watch",
    "WrongKey",
    "describe",
    "from_environment",
    "listeners_of",
    "load",
    "moment_at",
    "process_environment",
    "safe_of",
]
