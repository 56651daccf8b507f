"""What is kept: answers, conversations, and what every attempt cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from router.settings.schema.keys import Count, Keys, PositiveS, SizeBytes
from router.settings.secret import Secret

Days = Annotated[float, Meta(gt=0, le=36_500)]


class Cache(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers, whole or streamed, given again for exactly the same request.

    Args:
        enabled: whether answers are kept where neither a client key, nor a group, nor the request says.
        ttl_s: how long one is kept.
        max_bytes: room for all of them.
        max_temperature: a request that states a higher one goes around the cache, unless it asks for it.
        tool_calls: whether answers that call tools are kept too, where nobody else says.
        backend: where they are kept; in memory a restart forgets them.
        path: SQLite file for `backend: sqlite`, of this router alone; left out, `cache.sqlite` under `home`.
    """

    enabled: bool = False
    ttl_s: PositiveS = 300.0
    max_bytes: SizeBytes = 67_108_864
    max_temperature: Annotated[float, Meta(ge=0, le=2)] = 1.0
    tool_calls: bool = False
    backend: Literal["memory", "sqlite"] = "memory"
    path: Path | None = None


class IdempotencyKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests with an `Idempotency-Key`: one that comes again is not carried out again. In memory: a restart forgets
    them.

    Args:
        enabled: whether the header is heeded.
        ttl_s: how long an answer is told again after it was complete.
        max_entries: answers that are kept; the oldest go first.
        max_bytes: memory for all of them, those under way included.
        max_answer_bytes: a longer answer is not kept: its key is forgotten when it is complete.
    """

    enabled: bool = True
    ttl_s: PositiveS = 600.0
    max_entries: Count = 10_000
    max_bytes: SizeBytes = 67_108_864
    max_answer_bytes: SizeBytes = 4_194_304


class ConversationKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers of `/v1/responses` that callers go on from with `previous_response_id`. In memory: a restart loses them.

    Args:
        enabled: whether any are kept; a caller's `store: false` keeps its own out.
        ttl_s: how long one is known after it was last used.
        max_bytes: memory for all of them; the least recently used go first.
    """

    enabled: bool = True
    ttl_s: PositiveS = 86_400.0
    max_bytes: SizeBytes = 33_554_432


class AuditKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The audit log, and decisions over access in it. What is not allowed is kept at once, up to 60 a minute, and so is
    the first time that somebody was allowed somewhere; all else is summed by who asked, where, and what was decided. A
    stop writes the last sums; a kill loses those of at most `sum_s`, and of first times those beyond 60 a minute.

    Args:
        each: whether every single access is kept by itself; as many rows as requests.
        sum_s: how long accesses are summed before the sums are kept.
        keep_days: acts older than that are let go, which is an act that says where the rest begins, so that it can be
            proved still; left out, none is.
    """

    each: bool = False
    sum_s: PositiveS = 300.0
    keep_days: Days | None = None


class TranscriptKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words of questions and answers, kept in the ledger's store for whoever asks for it.

    Args:
        enabled: whether they are, for keys that say nothing of it and for callers without one.
        keep_days: how long.
        max_chars: of a question and of an answer each; of a longer one its beginning and its end.
        redact: regular expressions (RE2's: none that looks around or refers back, letters and digits are ASCII's); what
            they match is kept as `[redacted]`, like every known secret and whatever has the form of a provider's key.
    """

    enabled: bool = False
    keep_days: Days = 30.0
    max_chars: Annotated[int, Meta(ge=256, le=32_768)] = 8192
    redact: tuple[str, ...] = ()


class LedgerKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every attempt cost.

    Args:
        path: SQLite file; left out, `ledger.sqlite` under `home`.
        url: a Postgres database instead of the file, `postgresql://user:password@host/name`; `pointsman ledger migrate`
            makes its tables.
        journal: folder on a local disk, where entries are safe until file or database has them; left out, `journal`
            under `home`. No two routers share one.
        keep_days: entries older than that are deleted; left out, none is. Not shorter than the period of a
            budget, whose spending a restart reads from them.
    """

    path: Path | None = None
    url: Secret | None = None
    journal: Path | None = None
    keep_days: Days | None = None
