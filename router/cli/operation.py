"""Commands that show operators what a running router says: health, logs, costs, acts, configuration, prices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from msgspec.json import decode
from rich.table import Table

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
    return {name: value for name, _, value in (each.partition("=") for each in only)}


def _path(path: str, **query: str | int | None) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _usd(usd: float | None) -> str:
    """Money for a person: all of a small sum, and no more digits of it than it has."""
    return "unknown" if usd is None else f"{usd:.9f}".rstrip("0").rstrip(".")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _health_table(answer: Answer) -> Table:
    table = Table("what", "how", show_header=False)
    for name in ("status", "in_flight", "total_requests", "config_version", "uptime_s", "ledger_degraded"):
        table.add_row(name, str(answer[name]))
    dead = [name for name, alive in answer["actors"].items() if not alive]
    table.add_row("actors", f"down: {', '.join(dead)}" if dead else "all alive")
    for name, report in answer["providers"].items():
        how = "healthy" if report["healthy"] else "not healthy"
        table.add_row(f"provider {name}", f"{how}, circuit {report['circuit_state']}, score {report['health_score']}")
    return table


def _cost_table(answer: Answer) -> Table:
    money = ("cost_usd", "priced_usd", "reported_usd")
    counts = ("unpriced", "uncounted", "cached", "input_tokens", "output_tokens")
    table = Table(
        "provider", "entries", "cost USD", "by price", "by provider", *(name.replace("_", " ") for name in counts)
    )
    for total in (*answer["providers"].values(), {**answer["overall"], "provider": "all"}):
        table.add_row(
            total["provider"],
            str(total["entries"]),
            *(_usd(total[name]) for name in money),
            *(str(total[name]) for name in counts),
        )
    if not answer["complete"]:
        table.caption = "some is missing: the store cannot be read"
    return table


def _log_table(answer: Answer) -> Table:
    table = Table("ended", "kind", "provider", "model", "end", "reason", "seconds", "tokens", "cost USD", "request")
    for row in answer["rows"]:
        tokens = None if row["input_tokens"] is None else f"{row['input_tokens']}+{row['output_tokens']}"
        table.add_row(
            _when(row["at"]),
            *(_text(row[name]) for name in ("kind", "provider", "model", "end", "reason")),
            f"{row['duration_s']:.3f}",
            _text(tokens),
            _usd(row["cost_usd"]) if row["kind"] == "exchange" else "",
            row["request_id"],
        )
    return _older(table, answer)


def _audit_table(answer: Answer) -> Table:
    table = Table("when", "who", "act", "on what", "outcome", "times")
    for row in answer["rows"]:
        times = decode(row["detail"]).get("count", 1)
        table.add_row(_when(row["at"]), *(row[name] for name in ("actor", "act", "subject", "outcome")), str(times))
    return _older(table, answer)


def _older(table: Table, answer: Answer) -> Table:
    if answer["next"] is not None:
        table.caption = f"older ones: --cursor {answer['next']}"
    return table


def _numbers_table(answer: Answer) -> Table:
    table = Table("provider", "attempts", "ends", "reasons", "retries", "tokens", "USD", "first token ms", "ms")
    for name, numbers in answer["providers"].items():
        counts = ((f"{what} {count}" for what, count in numbers[part].items()) for part in ("ends", "reasons"))
        table.add_row(
            name,
            str(numbers["attempts"]),
            *(", ".join(words) for words in counts),
            str(numbers["retries"]),
            str(sum(numbers["tokens"].values())),
            f"{numbers['cost_usd']:.4f}",
            *(_ms(numbers[part]["mean_ms"]) for part in ("first_token", "duration")),
        )
    return table


def _ms(mean: float | None) -> str:
    return "" if mean is None else f"{mean:.0f}"


def _abilities_table(answer: Answer) -> Table:
    table = Table("model", "can", "cannot", "context", "USD in", "USD out")
    for provider, said in answer["providers"].items():
        for model, about in said["models"].items():
            price = about["usd_per_mtok"]
            table.add_row(
                f"{provider}:{model}",
                *(", ".join(about[part]) for part in ("can", "cannot")),
                *(_text(each) for each in (about["context_window"], price["input"], price["output"])),
            )
    return table


def _estimate_table(answer: Answer) -> Table:
    table = Table("target", "USD", "at least", "at most", "price")
    for target, said in answer["targets"].items():
        most = _usd(said["high_usd"]) if said["usd"] is None or said["high_usd"] is not None else "unbounded"
        table.add_row(target, _usd(said["usd"]), _usd(said["low_usd"]), most, _text(said["price_id"]))
    table.caption = f"for a prompt of about {answer['prompt_tokens']} tokens"
    return table


def config_table(answer: Answer) -> Table:
    """Which configuration is in force now, and what moved."""
    table = Table("what", "how", show_header=False)
    for name in ("version", "number", "source"):
        table.add_row(name, str(answer[name]))
    for part in ("providers", "groups"):
        for how, names in answer.get(part, {}).items():
            table.add_row(f"{part} {how}", ", ".join(names) or "none")
    table.add_row("restart for", ", ".join(answer["restart_for"]) or "nothing")
    for change in answer["changes"]:
        table.add_row(f"{change['section']}.{change['name']}", changed_words(change))
    return table


def changed_words(change: Answer) -> str:
    """What was done to an entry at run time, and what of the file's does not count for it."""
    edited = [f"{key} (edited since)" if key in change["edited"] else key for key in change["hidden"]]
    return str(change["effect"]) + (f", hides the file's {', '.join(edited)}" if edited else "")
