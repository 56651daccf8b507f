"""What a route does when a target fails it, as its operator and its caller wish it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.canon.loss import OnLoss
from router.errors import Reason
from router.policy.hedge import HedgeRules
from router.policy.rescue import Hold, Method
from router.policy.retry import MOVES

DEFAULT = "default"
"""The word for all reasons that move on by themselves, so that one more can be named beside them."""


class Course(Struct, frozen=True, kw_only=True):
    """The course that an exchange takes over the targets of its route.

    Args:
        edges: the reasons that may move on to another target.
        on_loss: whether a target that cannot be told the request whole is asked, where the caller does not say.
        resume: the ways to rescue an answer that was begun, the most wished first.
        hold: how late an answer commits where `hold` is one of them.
        hedge: when a second target is asked beside one that is late; None: never.
    """

    edges: frozenset[Reason] = MOVES
    on_loss: OnLoss = OnLoss.REFUSE
    resume: tuple[Method, ...] = ()
    hold: Hold = Hold(tokens=20, seconds=0.5)
    hedge: HedgeRules | None = None


def edges_of(names: tuple[str, ...] | None) -> frozenset[Reason]:
    """The edges that a list of reasons stands for; None for the usual ones. Raises `ValueError`."""
    if names is None:
        return MOVES
    named = frozenset(Reason(name) for name in names if name != DEFAULT)
    return named | MOVES if DEFAULT in names else named


def narrowed(course: Course, names: tuple[str, ...]) -> Course | str:
    """The course with only those edges that a caller names; the first name that is none of its edges is returned.

    A caller may go less far than the operator allows, never further: where a refused prompt may be sent is not the
    caller's choice.
    """
    known = {reason.value for reason in course.edges}
    stranger = next((name for name in names if name != DEFAULT and name not in known), None)
    if stranger is not None:
        return stranger
    return replace(course, edges=edges_of(names) & course.edges)
