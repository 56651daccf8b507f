"""What a system counts because nobody else would notice."""

from __future__ import annotations


class Counters:
    """Only ever grow.

    undelivered: tells to nobody, and tells left when a name ended for good.
    rejected: messages a full mailbox refused.
    dropped: tells lost to a drop policy.
    expired: asks dropped unhandled, their asker having given up.
    restarts: children brought back.
    leaked: tasks that survived every means of ending them.
    """

    __slots__ = ("dropped", "expired", "leaked", "rejected", "restarts", "undelivered")

    def __init__(self) -> None:
        self.undelivered = 0
        self.rejected = 0
        self.dropped = 0
        self.expired = 0
        self.restarts = 0
        self.leaked = 0
