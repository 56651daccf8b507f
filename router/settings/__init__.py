"""The configuration: what may be written (`schema.py`), what holds (`settings.py`), and the way from one to the other.

    source.py -> expand.py -> environment.py -> shape.py -> rules.py -> resolve.py
    file         ${NAME}      older variables    types       relations   defaults from other keys

Every step records its faults and goes on, so that all are told at once. No message quotes a value.
"""

from __future__ import annotations

from router.settings.describe import REQUIRED, Key, describe
from router.settings.environment import KNOWN_KEYS, OVERRIDES, KnownKey
from router.settings.faults import ConfigInvalid, Fault
from router.settings.kinds import BUILT_IN, KindRules
from router.settings.loading import from_environment, load, process_environment
from router.settings.rules import TargetRef
from router.settings.schema import Breaker, Cache, Failover, Price, Retry, Server, Telemetry
from router.settings.secret import Secret
from router.settings.settings import FailoverGroup, Ledger, LocalModels, Model, Provider, Settings, Timeouts

__all__ = [
    "BUILT_IN",
    "KNOWN_KEYS",
    "OVERRIDES",
    "REQUIRED",
    "Breaker",
    "Cache",
    "ConfigInvalid",
    "Failover",
    "FailoverGroup",
    "Fault",
    "Key",
    "KindRules",
    "KnownKey",
    "Ledger",
    "LocalModels",
    "Model",
    "Price",
    "Provider",
    "Retry",
    "Secret",
    "Server",
    "Settings",
    "TargetRef",
    "Telemetry",
    "Timeouts",
    "describe",
    "from_environment",
    "load",
    "process_environment",
]
