"""What one key of a client key's entry asks of another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from math import inf

from router.settings.faults import Findings, Where
from router.settings.schema import BudgetKeys, ClientKeys

LEAST_KEY = 16
"""Characters of a key that somebody made up: fewer can be guessed."""

_PERIOD_DAYS = {"day": 1, "month": 31, "total": inf}
"""The longest that a budget's period can be."""

_KEY_TEXT = re.compile(r"[\x21-\x7e]+")


def moment_at(text: str) -> float | None:
    """Epoch seconds of a moment that says its zone; None for one that does not, or is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def check_clients(clients: Mapping[str, ClientKeys], findings: Findings) -> None:
    """Each with one key, each key once, and moments that are some."""
    seen: dict[str, str] = {}
    for name, client in clients.items():
        where: Where = ("keys", name)
        _check_key(client, findings, where)
        for place in ("expires", "previous_until"):
            said = getattr(client, place)
            if said is not None and moment_at(said) is None:
                findings.add_rule((*where, place), "must be a moment with its zone, as in 2027-01-31T00:00:00Z")
        if (client.previous_sha256 is None) != (client.previous_until is None):
            missing = "previous_sha256" if client.previous_sha256 is None else "previous_until"
            findings.add_rule((*where, missing), "is missing; a previous key and its end go together")
        shown = client.sha256 or (client.key.reveal() if client.key else "")
        if shown and seen.setdefault(shown, name) != name:
            findings.add_rule(where, f"has the same key as {seen[shown]}; each needs its own")


def check_budgets(budgets: Mapping[str, BudgetKeys], clients: Mapping[str, ClientKeys], findings: Findings) -> None:
    """Each counts something, for somebody who is there."""
    known = {
        "key": set(clients),
        "owner": {client.owner for client in clients.values()},
        "group": {client.group for client in clients.values()},
    }
    for name, budget in budgets.items():
        where: Where = ("budgets", name)
        if budget.usd is None and budget.tokens is None:
            findings.add_rule((*where, "usd"), "is missing; give it, or tokens")
        if budget.usd is not None and budget.usd <= 0:
            findings.add_rule((*where, "usd"), "must be more than 0")
        if budget.scope == "overall" and budget.only is not None:
            findings.add_rule((*where, "only"), "is for scope key, owner or group")
        elif budget.only is not None and budget.only not in known.get(budget.scope, ()):
            findings.add_rule((*where, "only"), f"no client key has that {budget.scope}")


def check_kept(keep_days: float | None, budgets: Mapping[str, BudgetKeys], findings: Findings) -> None:
    """What a budget has spent is known after a restart by the entries of its period alone."""
    short = [name for name, budget in budgets.items() if (keep_days or inf) < _PERIOD_DAYS[budget.period]]
    if short:
        why = f"deletes entries by which a restart knows what of budgets.{', budgets.'.join(short)} is spent"
        findings.add_rule(("ledger", "keep_days"), f"{why}; leave it out, or keep a month's for 31 days at least")


def _check_key(client: ClientKeys, findings: Findings, where: Where) -> None:
    if client.key is None:
        if client.sha256 is None:
            findings.add_rule((*where, "key"), "is missing; give it, or its sha256")
        return
    if client.sha256 is not None:
        findings.add_rule((*where, "sha256"), "is instead of key; remove one of the two")
    if not _KEY_TEXT.fullmatch(client.key.reveal()):
        findings.add_rule((*where, "key"), "is empty, or holds a blank or another character that no key has")
    elif len(client.key.reveal()) < LEAST_KEY:
        findings.add_rule((*where, "key"), f"is shorter than {LEAST_KEY} characters and can be guessed")
