"""The one table of what can be asked over HTTP: the API's document, docs/api.md and the tests are made from it.

A route that is not here, and an entry that has no route, fail a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from actors.messages import Estimates, HealthReport
from router.front import account, bodies, capabilities, config, estimates, health, kept, keys, models, reports
from router.telemetry.numbers import ProviderNumbers

JSON, EVENTS, TEXT, YAML = "application/json", "text/event-stream", "text/plain", "application/yaml"
Thing = dict[str, Any]


class Entry(Struct, frozen=True, kw_only=True):
    """One operation.

    Args:
        summary: what it is for, in one line.
        tag: what it is filed under.
        body: what it takes; None for nothing.
        query: its parameters.
        answers: what it gives, one of these.
        also: statuses of an answer in the same form, beside `status`.
        others: other content types it may answer in.
        refusal: the form of an error; None where its dialect has its own.
        example: path with its query, and body where it takes one, of a request that a fresh router answers.
    """

    summary: str
    tag: str
    answers: tuple[Any, ...] = (Thing,)
    body: Any = None
    query: type[Struct] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    content: str = JSON
    others: tuple[str, ...] = ()
    refusal: Any = bodies.Fault
    example: str = ""


class AnthropicQuery(Struct, frozen=True, kw_only=True):
    """Pages of Anthropic's clients."""

    limit: int = 20
    after_id: str | None = None
    before_id: str | None = None


class ItemsQuery(Struct, frozen=True, kw_only=True):
    """Pages of items."""

    limit: int = 20
    order: str = "desc"
    after: str | None = None


_TURNS = '"messages": [{"role": "user", "content": "Hello"}]'
_CHAT = f'{{"model": "auto", {_TURNS}}}'
_MESSAGES = f'{{"model": "auto", "max_tokens": 100, {_TURNS}}}'
_RERANK = '{"model": "auto", "query": "colour", "documents": ["red", "seven"]}'


def _asks(summary: str, body: Any, example: str, *others: str) -> Entry:
    return Entry(summary=summary, tag="models", body=body, others=others, refusal=None, example=example)


def _reads(summary: str, tag: str, *answers: Any, **more: Any) -> Entry:
    return Entry(summary=summary, tag=tag, answers=answers or (Thing,), **more)


_REVERT = "Take back what was changed of a {} at run time: it is what the file has, or gone."


def _section(path: str, noun: str, entry: str) -> dict[tuple[str, str], Entry]:
    one = f"{path}/{{name}}"
    changed: dict[str, Any] = {"tag": "configuration", "answers": (config.ConfigChanged,), "refusal": Thing}
    return {
        ("GET", path): _reads(f"Every {noun} as it is written, by name.", "configuration", dict[str, Thing]),
        ("POST", path): Entry(
            summary=f"Add a {noun}: its `name`, and its keys.",
            body=bodies.Entry,
            status=201,
            example=f'{{"name": "new", {entry}}}',
            **changed,
        ),
        ("GET", one): _reads(f"One {noun} as it is written.", "configuration", refusal=Thing),
        ("PUT", one): Entry(
            summary=f"All keys of a {noun}; adds it where it is not there.",
            body=Thing,
            example=f"{{{entry}}}",
            **changed,
        ),
        ("PATCH", one): Entry(
            summary=f"Some keys of a {noun}; null takes a key away.", body=Thing, example=f"{{{entry}}}", **changed
        ),
        ("DELETE", one): Entry(summary=f"Remove a {noun}, also one that the file has.", **changed),
        ("POST", f"{one}/revert"): Entry(summary=_REVERT.format(noun), **changed),
    }


_UNWELL = (503,)
_PROVIDER = '"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]'
_GROUP = '"targets": ["one:m"]'

_MADE: dict[str, Any] = {"tag": "client keys", "answers": (config.KeyMade,), "refusal": Thing}
_CHANGED: dict[str, Any] = {**_MADE, "answers": (config.ConfigChanged,)}
_KEYS: Mapping[tuple[str, str], Entry] = {
    ("GET", "/keys"): _reads("Every client key by name, without the keys themselves.", "client keys", dict[str, Thing]),
    ("POST", "/keys"): Entry(
        summary="Make a client key; the answer shows it, this once.",
        body=keys.NewKey,
        status=201,
        example='{"name": "team", "owner": "ann"}',
        **_MADE,
    ),
    ("GET", "/keys/{name}"): _reads("What one client key may.", "client keys", refusal=Thing),
    ("PATCH", "/keys/{name}"): Entry(
        summary="Change some of what a client key may; null takes a restriction away.",
        body=Thing,
        example='{"models": ["chat"]}',
        **_CHANGED,
    ),
    ("DELETE", "/keys/{name}"): Entry(summary="Revoke a client key.", **_CHANGED),
    ("POST", "/keys/{name}/revert"): Entry(summary=_REVERT.format("client key"), **_CHANGED),
    ("POST", "/keys/{name}/rotate"): Entry(
        summary="Make another key for that name; the one before works for `overlap_s` more.",
        body=keys.Overlap,
        example='{"overlap_s": 600}',
        **_MADE,
    ),
}

MANUAL: Mapping[tuple[str, str], Entry] = {
    ("POST", "/v1/chat/completions"): _asks("Chat as OpenAI's clients do.", bodies.ChatBody, _CHAT, EVENTS),
    ("POST", "/v1/responses"): _asks(
        "Chat in OpenAI's newer protocol.", bodies.ResponsesBody, '{"model": "auto", "input": "Hello"}', EVENTS
    ),
    ("GET", "/v1/responses/{id}"): _reads("A kept answer, once more.", "models"),
    ("DELETE", "/v1/responses/{id}"): _reads("Forget a kept answer.", "models"),
    ("GET", "/v1/responses/{id}/input_items"): _reads("What a kept answer was made from.", "models", query=ItemsQuery),
    ("POST", "/v1/messages"): _asks("Chat as Anthropic's clients do.", bodies.MessagesBody, _MESSAGES, EVENTS),
    ("POST", "/v1/messages/count_tokens"): _asks(
        "How many tokens a prompt has.", bodies.CountBody, f'{{"model": "auto", {_TURNS}}}'
    ),
    ("POST", "/v1/embeddings"): _asks(
        "Vectors of texts.", bodies.EmbeddingsBody, '{"model": "auto", "input": "Hello"}'
    ),
    ("POST", "/v1/images/generations"): _asks(
        "Pictures by a description.", bodies.ImagesBody, '{"model": "auto", "prompt": "A red house"}'
    ),
    ("POST", "/v1/moderations"): _asks(
        "Whether a text may be shown.", bodies.ModerationsBody, '{"model": "auto", "input": "Hello"}'
    ),
    ("POST", "/v1/rerank"): _asks("Texts in the order of what they say to a question.", bodies.RerankBody, _RERANK),
    ("POST", "/v2/rerank"): _asks("The same.", bodies.RerankBody, _RERANK),
    ("GET", "/v1/models"): _reads(
        "Every name a caller may ask for; to Anthropic's clients in their form.",
        "models",
        models.Listing,
        models.Page,
        query=AnthropicQuery,
    ),
    ("GET", "/v1/models/{id}"): _reads("One name.", "models", models.Model, models.Named),
    ("GET", "/health"): _reads("How the router is, in brief.", "health", health.Summary, also=_UNWELL),
    ("GET", "/health/detailed"): _reads("Everything that is known.", "health", HealthReport, also=_UNWELL),
    ("GET", "/health/providers"): _reads("Each provider at length.", "health", health.Reports, also=_UNWELL),
    ("GET", "/health/metrics"): _reads("The totals alone.", "health", health.TotalsAlone, also=_UNWELL),
    ("GET", "/livez"): _reads("Whether the process turns.", "health", health.Pulse),
    ("GET", "/readyz"): _reads("Whether to send work here.", "health", health.Pulse, also=_UNWELL),
    ("GET", "/metrics"): _reads("All metrics, for Prometheus.", "health", str, content=TEXT),
    ("GET", "/openapi.json"): _reads("This document.", "health"),
    ("GET", "/providers/status"): _reads("How providers are now.", "providers", reports.Statuses),
    ("GET", "/providers/health"): _reads("How providers did lately.", "providers", reports.Scores),
    ("GET", "/providers/metrics"): _reads("What was counted of each provider.", "providers", reports.Numbers),
    ("GET", "/providers/metrics/{name}"): _reads("What was counted of one.", "providers", ProviderNumbers),
    ("POST", "/providers/metrics/reset"): _reads("Let every count begin anew.", "providers", reports.Reset),
    ("POST", "/providers/{name}/retry-keys"): _reads(
        "Try keys of a provider again that it refused, or whose account it called empty.",
        "providers",
        reports.KeysRetried,
        refusal=Thing,
    ),
    ("GET", "/providers/logs"): _reads(
        "The last requests and attempts, without what was said.",
        "providers",
        reports.Logs,
        query=reports.LogsQuery,
        example="?end=failed&limit=20",
    ),
    ("GET", "/providers/logs/{name}"): _reads("Those of one.", "providers", reports.Logs, query=reports.LogsQuery),
    ("GET", "/providers/costs"): _reads(
        "What providers cost, over all runs.",
        "providers",
        reports.Costs,
        query=reports.CostsQuery,
        example="?since=2026-01-01T00:00:00Z",
    ),
    ("GET", "/providers/capabilities"): _reads("What models can do.", "providers", capabilities.Capabilities),
    ("POST", "/costs/estimate"): Entry(
        summary="What a request would cost on each provider; nothing is sent.",
        tag="providers",
        body=Thing,
        query=estimates.EstimateQuery,
        answers=(Estimates,),
        example=_CHAT,
    ),
    ("GET", "/audit"): _reads(
        "Who changed what, who was let in where, and who was not.",
        "account",
        reports.Acts,
        query=reports.AuditQuery,
        example="?limit=20",
    ),
    ("GET", "/ledger/entries"): _reads(
        "What each attempt used and cost.",
        "account",
        account.Entries,
        query=account.EntriesQuery,
        example="?user=ann&limit=20",
    ),
    ("GET", "/ledger/transcripts"): _reads(
        "What was asked and answered, where that is kept; reading it is an act of the audit log.",
        "account",
        account.Transcripts,
        query=account.TranscriptsQuery,
        example="?key=team&limit=20",
    ),
    ("GET", "/ledger/export"): _reads(
        "Everything about one end user, which is an act too.",
        "account",
        account.Exported,
        query=account.ExportQuery,
        example="?user=ann",
    ),
    ("POST", "/ledger/erase"): Entry(
        summary="Take one end user's name out of every entry, and delete what was said; costs stay.",
        tag="account",
        body=account.EndUser,
        answers=(account.Gone,),
        example='{"user": "ann"}',
    ),
    ("POST", "/cache/purge"): Entry(
        summary="Let go of kept answers: all, or those of a key, a model or an end user.",
        tag="account",
        body=kept.Wish,
        answers=(kept.Gone,),
        example='{"model": "chat"}',
    ),
    ("GET", "/config"): _reads(
        "The configuration in force, without its secrets.",
        "configuration",
        config.ConfigShown,
        query=config.FormQuery,
        others=(YAML,),
    ),
    ("POST", "/config/reload"): Entry(
        summary="Read the configuration again.",
        tag="configuration",
        answers=(config.ConfigChanged,),
        refusal=Thing,
    ),
    **_section("/config/providers", "provider", _PROVIDER),
    **_section("/config/groups", "failover group", _GROUP),
    **_KEYS,
}
"""(method, path) -> what it is; paths as in the routes, with `{id}` for any id."""
