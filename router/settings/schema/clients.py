"""Who may call: client keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from router.settings.schema.keys import Count, Keys, Name
from router.settings.secret import Secret

Endpoint = Literal[
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/moderations",
    "/v1/rerank",
    "/v2/rerank",
]
"""What a key can be restricted to; who may ask for a model may see it listed."""

_DIGEST_FORM = "the SHA-256 of a key, 64 hexadecimal digits"
_MOMENT_FORM = "a moment with its zone, as in 2027-01-31T00:00:00Z"
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", extra={"form": _DIGEST_FORM})]
Moment = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T", extra={"form": _MOMENT_FORM})]


class ClientKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that callers show. Its name stands in the ledger, the logs and the audit.

    Args:
        key: the key itself; write `${NAME}` and keep it in the environment.
        sha256: instead of `key`, its SHA-256: so the file holds no secret.
        owner: whose it is.
        group: keys of one group share what is kept for them: answers and conversations.
        expires: when it ends, as in `2027-01-31T00:00:00Z`; left out, never.
        previous_sha256: the key before this one, which still works.
        previous_until: until when that does.
        models: names it may ask for, with `*` for anything; left out, all.
        endpoints: paths it may use; left out, all.
        cache: whether it is answered from kept answers, and its own are kept; left out, as its group of targets or
            `cache.enabled` says. `false` is final: no request of it can ask for the cache.
        cache_tool_calls: whether answers that call tools are kept for it too; left out, as those say.
        requests_per_min: how many requests it may send a minute, and at once after a quiet one; left out, any number.
        tokens_per_min: the same for tokens of prompt and answer, taken by estimate and set right at the end.
        max_parallel: its requests in flight at once.
        keep: whether its conversations are kept, for `previous_response_id`.
        transcripts: whether its questions and answers are kept in the ledger's store; left out, as
            `transcripts.enabled` says.
    """

    key: Secret | None = None
    sha256: Digest | None = None
    owner: str = ""
    group: str = ""
    expires: Moment | None = None
    previous_sha256: Digest | None = None
    previous_until: Moment | None = None
    models: tuple[Name, ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    cache: bool | None = None
    cache_tool_calls: bool | None = None
    keep: bool = True
    transcripts: bool | None = None
    requests_per_min: Count | None = None
    tokens_per_min: Annotated[int, Meta(ge=1, le=10**12)] | None = None
    max_parallel: Count | None = None


class BudgetKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent. A request takes what it may cost at most, and gives back what it did not.

    Args:
        scope: who spends from it: all callers together, or each key, owner or group by itself.
        only: the one key, owner or group that it is for; left out, each has one of its own.
        period: when it begins anew: at midnight UTC, on the first of the month, or never.
        usd: how much, in US dollars.
        tokens: how many tokens of prompt and answer.
        hard: whether a request is refused that may not fit; a soft budget only tells at 50, 80 and 100 percent.
        unpriced: what becomes of a request to a target whose price nobody knows, where dollars are counted.
    """

    scope: Literal["overall", "key", "owner", "group"] = "overall"
    only: Name | None = None
    period: Literal["day", "month", "total"] = "month"
    usd: Decimal | None = None
    tokens: Annotated[int, Meta(ge=1, le=10**15)] | None = None
    hard: bool = True
    unpriced: Literal["refuse", "allow"] = "refuse"
