"""How an exchange or an attempt ended: exactly one of these, for each of them."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """The terminal outcomes. `COMPLETED` needs the provider's own terminal event; a refusal by the model is completed
    too. `SUPERSEDED` is an attempt that the gateway let go, because another one is the answer."""

    COMPLETED = "completed"
    REFUSED = "refused"
    LIMITED = "limited"
    FAILED = "failed"
    CUT = "cut"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    CLIENT_GONE = "client_gone"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"


class UsageSource(StrEnum):
    """Who counted an attempt's tokens: the provider at the end, the provider on the way, we by estimate, or nobody."""

    FINAL = "provider_final"
    PARTIAL = "provider_partial"
    ESTIMATED = "estimated"
    NONE = "none"
