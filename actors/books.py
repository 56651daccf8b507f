"""What the Ledger holds between a fact and the disk, and how facts become rows."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from functools import reduce
from itertools import islice
from typing import Any

from msgspec.structs import replace

from actors.messages import ACCESS, AdminActed, AnswerRepeated, CostView, EntryClosed, EntryOpened, ExchangeTranscribed
from router.canon.cost import Cost, CostSource
from router.canon.outcome import End, UsageSource
from router.canon.target import Target
from router.policy.audit import Act, digest_of
from router.policy.gauge import UNTAUGHT, Gauge, next_gauge
from router.policy.price import PriceBook, is_plausible
from router.store.journal import AuditRow, EntryRow, Head, ProviderTotal, Record, TranscriptRow

GROUP_RECORDS = 200
"""Records of one write."""

MOST_TRANSCRIPTS = 1000
"""Transcripts that may wait likewise; some 16 MB of them by default."""

MOST_SPOKEN_BYTES = 64 * 2**20
"""Of exchanges that no transcript was made of yet: each holds its whole prompt. One alone may take more."""

MOST_PENDING = 100_000
"""Entries that may wait in memory while the journal refuses; about 60 MB of them."""

_OPENED = ("number", "opened_at", "writer", "key", "owner", "user", "group", "operation", "credential")
"""What only an opening says."""

_UNOPENED = EntryRow(attempt="", exchange="", provider="", model="")
"""Stands for an opening that was written long ago, or never came."""

MOST_GAUGES = 4096
"""Targets whose tokens are measured; more than anybody configures."""

OVERALL = "all"
"""Stands for the provider in sums over all of them."""


class Books:
    """What the journal does not have yet, and sums over all. The tree hands the same one to every incarnation.

    `pending` is in the order they came, entries by attempt, so that two halves that are both still here are one row.
    `head` is None until the journal could be opened, `settled` is whether what earlier runs wrote is in the sums.
    `spoken` are exchanges that no transcript was made of yet; `left_out` counts those that found no room.
    `gauges` has, by target, what was learned of the size of its tokens. `why` and `store_why` say how journal and store
    refuse, None while they do not.
    """

    def __init__(self) -> None:
        self.pending: dict[str, Record] = {}
        self.head: Head | None = None
        self.settled = False
        self.why: str | None = None
        self.store_why: str | None = None
        self.failed_writes = 0
        self.lost = 0
        self.left_out = 0
        self.crashed = 0
        self.mismatched = 0
        self.gauges: dict[str, Gauge] = {}
        self.spoken: deque[ExchangeTranscribed] = deque()
        self._spoken_bytes = 0
        self._acts = 0
        self._transcripts = 0
        self._sums: dict[str, ProviderTotal] = {}

    def add(self, row: EntryRow) -> None:
        """Keep a row for the next write; count it as lost when there is no room."""
        before = self.pending.get(row.attempt)
        if isinstance(before, EntryRow):
            self.pending[row.attempt] = joined(before, row)
        elif len(self.pending) >= MOST_PENDING:
            self.lost += 1
        else:
            self.pending[row.attempt] = row

    def close(self, fact: EntryClosed, prices: PriceBook) -> EntryRow:
        """Keep the row of an entry that closes: the whole one, where its opening waits here still."""
        before = self.pending.get(fact.attempt)
        if not isinstance(before, EntryRow) or before.closed_at is not None:
            row = closing_of(fact, prices)
            self.add(row)
            return row
        row = self.pending[fact.attempt] = closing_of(fact, prices, before)
        return row

    def opened(self, head: Head) -> bool:
        """The journal says who we are; True when that is news. What was told before it is signed now."""
        if self.head is not None:
            return False
        self.head = head
        for key, record in tuple(self.pending.items()):
            if isinstance(record, AuditRow):
                self.pending[key] = self._chained(record)
            elif isinstance(record, EntryRow) and record.opened_at is not None:
                self.pending[key] = replace(record, writer=head.writer)
        return True

    def act(self, fact: AdminActed) -> None:
        """Put an act at the end of the chain. Only accesses, which may be as many as requests, are dropped for want of
        room."""
        if fact.act == ACCESS and len(self.pending) >= MOST_PENDING:
            self.lost += 1
            return
        row = AuditRow(
            chain="",
            number=0,
            at=fact.at,
            actor=fact.by,
            act=fact.act,
            subject=fact.subject,
            outcome=fact.outcome,
            detail=fact.detail,
            previous="",
            digest="",
        )
        self._acts += 1
        self.pending[f"act {self._acts}"] = row if self.head is None else self._chained(row)

    def hear(self, fact: ExchangeTranscribed) -> None:
        """Let an exchange wait until a transcript is made of it. They are the first that find no room: the account does
        without them."""
        waiting = len(self.spoken) + self._transcripts
        if waiting >= MOST_TRANSCRIPTS or (self.spoken and self._spoken_bytes + fact.size_bytes > MOST_SPOKEN_BYTES):
            self.left_out += 1
            return
        self._spoken_bytes += fact.size_bytes
        self.spoken.append(fact)

    def next_spoken(self) -> ExchangeTranscribed:
        """The oldest of them. It waits no longer: one that no transcript can be made of must not come again."""
        fact = self.spoken.popleft()
        self._spoken_bytes -= fact.size_bytes
        return fact

    def keep(self, row: TranscriptRow) -> None:
        """Put a transcript in the line."""
        self._transcripts += 1
        self.pending[f"transcript {row.exchange}"] = row

    def _chained(self, row: AuditRow) -> AuditRow:
        assert self.head is not None
        row = replace(row, chain=self.head.writer, number=self.head.number + 1, previous=self.head.digest)
        row = replace(row, digest=digest_of(act_of(row)))
        self.head = replace(self.head, number=row.number, digest=row.digest)
        return row

    def count(self, total: ProviderTotal) -> None:
        """Add to the sums."""
        before = self._sums.get(total.provider)
        self._sums[total.provider] = total if before is None else before.plus(total)

    def settle(self, totals: tuple[ProviderTotal, ...]) -> None:
        """Take in, once, what earlier runs wrote."""
        if self.settled:
            return
        self.settled = True
        for total in totals:
            self.count(total)

    def next_batch(self) -> tuple[Record, ...]:
        """The oldest records. They stay until `written`: a crash in between writes them again, without effect."""
        return tuple(islice(self.pending.values(), GROUP_RECORDS))

    def written(self, records: tuple[Record, ...]) -> None:
        """The journal has these, the oldest, but not what was joined to one of them meanwhile."""
        for key, record in zip(tuple(islice(self.pending, len(records))), records, strict=False):
            if self.pending[key] is record:
                del self.pending[key]
                self._transcripts -= isinstance(record, TranscriptRow)

    def view(self) -> CostView:
        """The sums and what waits, as they are now."""
        return CostView(
            overall=reduce(ProviderTotal.plus, self._sums.values(), ProviderTotal(provider=OVERALL)),
            providers=self._sums.copy(),
            complete=self.settled,
            degraded=self.why is not None or self.store_why is not None,
            why=self.why or self.store_why,
            pending=len(self.pending),
            failed_writes=self.failed_writes,
            lost=self.lost,
            crashed=self.crashed,
            mismatched=self.mismatched,
        )

    def learn(self, fact: EntryClosed) -> None:
        """Take in what a count by its provider teaches."""
        usage = fact.usage
        if usage is None or fact.usage_source is not UsageSource.FINAL:
            return
        asked, said = usage.input_total, usage.output_total
        self.mismatched += usage.reported_total not in (None, asked + said)
        name = f"{fact.provider}:{fact.model}"
        before = self.gauges.get(name)
        if before is not None or len(self.gauges) < MOST_GAUGES:
            self.gauges[name] = next_gauge(before or UNTAUGHT, fact.asked_bytes, fact.said_bytes, asked, said)


def joined(before: EntryRow, after: EntryRow) -> EntryRow:
    """Two halves of one entry as one row, by the journal's own rule: the first closing holds."""
    if before.closed_at is not None:
        opening, closing = after, before
    else:
        opening, closing = before, after
    told = opening if closing.opened_at is None else closing
    return replace(closing, **{name: getattr(told, name) for name in _OPENED})


def opening_of(fact: EntryOpened, writer: str) -> EntryRow:
    """The row of an entry as it opens; `writer` is "" before the journal says who we are."""
    return EntryRow(
        attempt=fact.attempt,
        exchange=fact.exchange,
        provider=fact.provider,
        model=fact.model,
        number=fact.number,
        opened_at=fact.at,
        writer=writer,
        credential=fact.key,
        group=fact.group,
        user=fact.user,
        key=fact.client,
        owner=fact.owner,
        operation=str(fact.operation),
    )


def repeated_of(fact: AnswerRepeated, writer: str) -> EntryRow:
    """The row of an answer out of the cache: nobody was asked, so nothing was used and nothing is owed."""
    return EntryRow(
        attempt=f"{fact.exchange}.0",
        exchange=fact.exchange,
        provider=fact.provider,
        model=fact.model,
        number=0,
        opened_at=fact.opened_at,
        closed_at=fact.at,
        end=End.COMPLETED,
        usage_source=UsageSource.NONE,
        cost_usd=Decimal(0),
        cost_source=CostSource.CACHED,
        writer=writer,
        group=fact.group,
        user=fact.user,
        key=fact.client,
        owner=fact.owner,
        operation=str(fact.operation),
    )


def told_of(cost: Cost) -> dict[str, Any]:
    """What a row says of a cost."""
    return {
        "cost_usd": cost.usd,
        "cost_source": cost.source,
        "priced_usd": cost.priced_usd,
        "reported_usd": cost.reported_usd,
        "price_id": cost.price_id,
        "price_date": cost.price_date,
    }


def closing_of(fact: EntryClosed, prices: PriceBook, opening: EntryRow = _UNOPENED) -> EntryRow:
    """The row of an entry as it closes, priced, with what its opening said where that is at hand. A count that cannot
    be true is nobody's count."""
    usage = fact.usage if fact.usage is not None and is_plausible(fact.usage) else None
    cost = prices.cost(Target(provider=fact.provider, model=fact.model), usage, fact.at)
    return EntryRow(
        attempt=fact.attempt,
        exchange=fact.exchange,
        provider=fact.provider,
        model=fact.model,
        number=opening.number,
        opened_at=opening.opened_at,
        closed_at=fact.at,
        end=fact.end,
        reason=fact.reason,
        usage=usage,
        usage_source=UsageSource.NONE if usage is None else fact.usage_source,
        **told_of(cost),
        writer=opening.writer,
        key=opening.key,
        owner=opening.owner,
        user=opening.user,
        group=opening.group,
        operation=opening.operation,
        credential=opening.credential,
    )


def act_of(row: AuditRow) -> Act:
    """What of an act its digest covers."""
    return Act(**{name: getattr(row, name) for name in Act.__struct_fields__})
