"""Errors that mean something else at one provider than everywhere else, as data beside its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from router.canon.event import Event
from router.errors import Reason, WireFault
from router.wire.dialect import Dialect, Frame, StreamDecoder
from router.wire.words import scrubbed

_MOST_BYTES = 8192
"""As much of an error's body as is searched: its code stands at the beginning."""

Judge = Callable[[WireFault, bytes], WireFault]
"""(what the dialect takes an error for, its bytes) -> what it is; the very same where no rule knows better."""


def judging(dialect: Dialect, *rules: tuple[Reason, str], statuses: Mapping[int, Reason] | None = None) -> Dialect:
    """The dialect with this provider's own errors read first, wherever they stand: as an answer, or inside a 200.

    Args:
        rules: what an error means whose body, below status 500, holds this regular expression; the first match counts.
        statuses: what a status means of which nothing else is known, where the dialect would blame the caller.
    """
    judge = _judge(rules, statuses or {})

    def decode_fault(status: int, headers: dict[str, str], body: bytes, now: float) -> WireFault:
        """As the dialect's, but for what `rules` say."""
        return judge(dialect.decode_fault(status, headers, body, now), body)

    def decode_reply(body: bytes) -> Any:
        """The same for an error in place of a whole answer."""
        try:
            return dialect.decode_reply(body)
        except WireFault as fault:
            raise judge(fault, body) from None

    return replace(
        dialect,
        decode_fault=decode_fault,
        decode_reply=decode_reply,
        decoder=lambda: _JudgingDecoder(dialect.decoder(), judge),
    )


def _judge(rules: tuple[tuple[Reason, str], ...], statuses: Mapping[int, Reason]) -> Judge:
    compiled = tuple((reason, re.compile(pattern.encode(), re.I)) for reason, pattern in rules)

    def judge(fault: WireFault, body: bytes) -> WireFault:
        found = ((reason, pattern.search(body[:_MOST_BYTES])) for reason, pattern in compiled)
        reason, match = next(((reason, match) for reason, match in found if match), (fault.reason, None))
        words = fault.message if match is None else f"the provider said {scrubbed(match[0].decode('utf-8', 'replace'))}"
        status = fault.status or 0
        if match is None and fault.reason is Reason.REJECTED:
            reason = statuses.get(status, reason)
        if reason is fault.reason or status >= 500:
            return fault
        return WireFault(
            reason,
            words,
            status=fault.status,
            retry_after_s=fault.retry_after_s,
            code=fault.code,
            headers=fault.headers,
        )

    return judge


class _JudgingDecoder:
    """A `StreamDecoder` whose errors are judged by the event that is one."""

    def __init__(self, decoder: StreamDecoder, judge: Judge) -> None:
        self._decoder = decoder
        self._judge = judge
        self.end = decoder.end

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """As the dialect's. Raises `WireFault`."""
        try:
            return self._decoder.feed(frame)
        except WireFault as fault:
            raise self._judge(fault, frame.data) from None
