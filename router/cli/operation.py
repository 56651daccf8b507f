"""Commands that show operators what a running router says: health, logs, costs, acts, configuration, prices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import typer
from msgspec.json import decode

from router.cli.console import Column, Listing, listing
from router.cli.place import Place
from router.cli.remote import shown

Answer = dict[str, Any]


def health(place: Place, *, as_json: bool) -> int:
    """The whole, and what each part of it does."""
    return shown(place, "/health/detailed", as_json, _health_table)


def costs(place: Place, since: str | None, *, as_json: bool) -> int:
    """A line for each provider."""
    return shown(place, _path("/providers/costs", since=since), as_json, _cost_table)


def logs(place: Place, only: list[str], limit: int, cursor: str | None, *, as_json: bool) -> int:
    """A line for each row, the newest first. `only` are filters as the API has them, `name=value`."""
    return shown(place, _path("/providers/logs", **_wanted(only), limit=limit, cursor=cursor), as_json, _log_table)


def audit(place: Place, only: list[str], limit: int, cursor: str | None, *, as_json: bool) -> int:
    """A line for each act, the newest first; `only` as for logs."""
    return shown(place, _path("/audit", **_wanted(only), limit=limit, cursor=cursor), as_json, _audit_table)


def metrics_reset(place: Place, *, as_json: bool) -> int:
    """Of all providers together."""
    return shown(place, "/providers/metrics/reset", as_json, lambda _answer: "every count begins anew", {})


def metrics(place: Place, provider: str | None, *, as_json: bool) -> int:
    """A line for each provider, or for that one."""
    if provider is None:
        return shown(place, "/providers/metrics", as_json, _numbers_table)
    path = f"/providers/metrics/{quote(provider, safe='')}"
    return shown(place, path, as_json, lambda answer: _numbers_table({"providers": {provider: answer}}))


def capabilities(place: Place, *, as_json: bool) -> int:
    """A line for each model."""
    return shown(place, "/providers/capabilities", as_json, _abilities_table)


def estimate(place: Place, model: str, message: str, max_tokens: int | None, *, as_json: bool) -> int:
    """A line for each target."""
    body: Answer = {"model": model, "messages": [{"role": "user", "content": message}]}
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    return shown(place, "/costs/estimate", as_json, _estimate_table, body)


def config_in_force(place: Place, *, as_json: bool) -> int:
    """Which configuration serves, and what waits for a restart."""
    return shown(place, "/config", as_json, config_table)


def config_reload(place: Place, *, as_json: bool) -> int:
    """Have the configuration read again."""
    return shown(place, "/config/reload", as_json, config_table, {})


def _wanted(only: list[str]) -> dict[str, str]:
    for each in only:
        if "=" not in each:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE", param_hint="--only")
    return {name: value for name, _, value in (each.partition("=") for each in only)}


def _path(path: str, **query: str | int | None) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _when(at: float) -> str:
    """An instant in UTC, as the column's head says."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _usd(usd: float | None) -> str:
    """Money for a person: all of a small sum, and no more digits of it than it has."""
    return "unknown" if usd is None else f"{usd:.9f}".rstrip("0").rstrip(".")


def _text(value: object) -> str:
    return "" if value is None else str(value)


_PAIRS = (Column(title="what"), Column(title="how", breaks=True))
"""One thing about the whole in each row."""


def _health_table(answer: Answer) -> Listing:
    names = ("status", "in_flight", "total_requests", "config_version", "uptime_s", "ledger_degraded")
    rows = [(name, str(answer[name])) for name in names]
    rows[1:1] = [("because", reason) for reason in answer["reasons"]]
    dead = [name for name, alive in answer["actors"].items() if not alive]
    rows.append(("actors", f"down: {', '.join(dead)}" if dead else "all alive"))
    for name, report in answer["providers"].items():
        how = "healthy" if report["healthy"] else "not healthy"
        rows.append((f"provider {name}", f"{how}, circuit {report['circuit_state']}, score {report['health_score']}"))
    return listing(_PAIRS, rows)


COSTS = (
    Column(title="provider"),
    Column(title="entries", rank=4, number=True),
    Column(title="cost USD", number=True),
    Column(title="by price", rank=5, number=True),
    Column(title="by provider", rank=6, number=True),
    Column(title="unpriced", rank=1, number=True),
    Column(title="uncounted", rank=8, number=True),
    Column(title="cached", rank=7, number=True),
    Column(title="input tokens", rank=2, number=True),
    Column(title="output tokens", rank=3, number=True),
)
"""What sums of entries are shown by."""


def _cost_table(answer: Answer) -> Listing:
    money = ("cost_usd", "priced_usd", "reported_usd")
    counts = ("unpriced", "uncounted", "cached", "input_tokens", "output_tokens")
    totals = (*answer["providers"].values(), {**answer["overall"], "provider": "all"})
    rows = (
        (
            total["provider"],
            str(total["entries"]),
            *(_usd(total[name]) for name in money),
            *(str(total[name]) for name in counts),
        )
        for total in totals
    )
    return listing(COSTS, rows, caption=None if answer["complete"] else "some is missing: the store cannot be read")


_LOGS = (
    Column(title="ended (UTC)"),
    Column(title="kind", rank=1),
    Column(title="provider"),
    Column(title="model", rank=5),
    Column(title="end"),
    Column(title="reason", rank=2),
    Column(title="seconds", rank=3, number=True),
    Column(title="tokens", rank=6, number=True),
    Column(title="cost USD", rank=4, number=True),
    Column(title="request", rank=7),
)


def _log_table(answer: Answer) -> Listing:
    return listing(_LOGS, map(_log_row, answer["rows"]), caption=_older(answer))


def _log_row(row: Answer) -> tuple[str, ...]:
    tokens = None if row["input_tokens"] is None else f"{row['input_tokens']}+{row['output_tokens']}"
    return (
        _when(row["at"]),
        *(_text(row[name]) for name in ("kind", "provider", "model", "end", "reason")),
        f"{row['duration_s']:.3f}",
        _text(tokens),
        _usd(row["cost_usd"]) if row["kind"] == "exchange" else "",
        row["request_id"],
    )


_ACTS = (
    Column(title="when (UTC)"),
    Column(title="who", rank=1, breaks=True),
    Column(title="act", breaks=True),
    Column(title="on what", breaks=True),
    Column(title="outcome"),
    Column(title="times", rank=2, number=True),
)


def _audit_table(answer: Answer) -> Listing:
    rows = (
        (
            _when(row["at"]),
            *(row[name] for name in ("actor", "act", "subject", "outcome")),
            str(decode(row["detail"]).get("count", 1)),
        )
        for row in answer["rows"]
    )
    return listing(_ACTS, rows, caption=_older(answer))


def _older(answer: Answer) -> str | None:
    return None if answer["next"] is None else f"older ones: --cursor {answer['next']}"


_NUMBERS = (
    Column(title="provider"),
    Column(title="attempts", number=True),
    Column(title="ends", rank=1, breaks=True),
    Column(title="reasons", rank=2, breaks=True),
    Column(title="retries", rank=6, number=True),
    Column(title="tokens", rank=4, number=True),
    Column(title="USD", rank=3, number=True),
    Column(title="first token ms", rank=7, number=True),
    Column(title="ms", rank=5, number=True),
)


def _numbers_table(answer: Answer) -> Listing:
    return listing(_NUMBERS, (_numbers_row(name, numbers) for name, numbers in answer["providers"].items()))


def _numbers_row(name: str, numbers: Answer) -> tuple[str, ...]:
    counts = ((f"{what} {count}" for what, count in numbers[part].items()) for part in ("ends", "reasons"))
    return (
        name,
        str(numbers["attempts"]),
        *(", ".join(words) for words in counts),
        str(numbers["retries"]),
        str(sum(numbers["tokens"].values())),
        f"{numbers['cost_usd']:.4f}",
        *(_ms(numbers[part]["mean_ms"]) for part in ("first_token", "duration")),
    )


def _ms(mean: float | None) -> str:
    return "" if mean is None else f"{mean:.0f}"


_ABILITIES = (
    Column(title="model"),
    Column(title="can", rank=1, breaks=True),
    Column(title="cannot", rank=4, breaks=True),
    Column(title="context", rank=2, number=True),
    Column(title="USD in", rank=3, number=True),
    Column(title="USD out", rank=3, number=True),
)


def _abilities_table(answer: Answer) -> Listing:
    rows = []
    for provider, said in answer["providers"].items():
        for model, about in said["models"].items():
            price = about["usd_per_mtok"]
            lists = (", ".join(about[part]) for part in ("can", "cannot"))
            numbers = (_text(each) for each in (about["context_window"], price["input"], price["output"]))
            rows.append((f"{provider}:{model}", *lists, *numbers))
    return listing(_ABILITIES, rows, caption="USD for a million tokens")


_ESTIMATES = (
    Column(title="target"),
    Column(title="USD", number=True),
    Column(title="at least", rank=1, number=True),
    Column(title="at most", rank=1, number=True),
    Column(title="price", rank=2, breaks=True),
)


def _estimate_table(answer: Answer) -> Listing:
    rows = []
    for target, said in answer["targets"].items():
        most = _usd(said["high_usd"]) if said["usd"] is None or said["high_usd"] is not None else "unbounded"
        rows.append((target, _usd(said["usd"]), _usd(said["low_usd"]), most, _text(said["price_id"])))
    return listing(_ESTIMATES, rows, caption=f"for a prompt of about {answer['prompt_tokens']} tokens")


def config_table(answer: Answer) -> Listing:
    """Which configuration is in force now, and what moved."""
    rows = [(name, str(answer[name])) for name in ("version", "number", "source")]
    for part in ("providers", "groups"):
        rows += [(f"{part} {how}", ", ".join(names) or "none") for how, names in answer.get(part, {}).items()]
    rows.append(("restart for", ", ".join(answer["restart_for"]) or "nothing"))
    rows += [(f"{change['section']}.{change['name']}", changed_words(change)) for change in answer["changes"]]
    return listing(_PAIRS, rows)


def changed_words(change: Answer) -> str:
    """What was done to an entry at run time, and what of the file's does not count for it."""
    edited = [f"{key} (edited since)" if key in change["edited"] else key for key in change["hidden"]]
    return str(change["effect"]) + (f", hides the file's {', '.join(edited)}" if edited else "")
