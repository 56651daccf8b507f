"""What becomes of a request that a target cannot be told whole."""

from __future__ import annotations

from enum import StrEnum


class OnLoss(StrEnum):
    """Whether a target that cannot be told what a request means is asked all the same.

    `REFUSE` leaves it out, and where no other is left the caller is told what could not be said. `WARN` asks it with
    the rest of the request. Either way what is left unsaid is named on the answer.
    """

    REFUSE = "refuse"
    WARN = "warn"
