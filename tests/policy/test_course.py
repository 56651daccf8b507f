"""What a route does when a target fails it, as its operator and its caller wish it."""

from __future__ import annotations

import pytest

from router.errors import Reason
from router.policy.course import Course, edges_of, narrowed
from router.policy.retry import MOVES


@pytest.mark.parametrize(
    ("names", "edges"),
    [
        pytest.param(None, MOVES, id="left out"),
        pytest.param((), frozenset(), id="none"),
        pytest.param(("throttled",), {Reason.THROTTLED}, id="one"),
        pytest.param(("default", "content_policy"), MOVES | {Reason.CONTENT_POLICY}, id="one more"),
    ],
)
def test_a_list_of_reasons_is_a_set_of_edges(names: tuple[str, ...] | None, edges: frozenset[Reason]) -> None:
    """`default` stands for all that move on by themselves."""
    assert edges_of(names) == edges


def test_a_caller_takes_of_the_edges_what_it_wants() -> None:
    """Never more: `default` is cut down to what the route has of it."""
    course = Course(edges=frozenset({Reason.CONNECT, Reason.CONTENT_POLICY}))
    assert narrowed(course, ("content_policy",)) == Course(edges=frozenset({Reason.CONTENT_POLICY}))
    assert narrowed(course, ("default",)) == Course(edges=frozenset({Reason.CONNECT}))
    assert narrowed(course, ("connect", "throttled")) == "throttled"
    assert narrowed(course, ("nonsense",)) == "nonsense"
