"""Shapes of trees that OTP refuses are refused here."""

from __future__ import annotations

import pytest

from actors.runtime import Actor, AutoShutdown, ChildSpec, Restart, SupervisorSpec


@pytest.mark.parametrize("name", [pytest.param("", id="empty"), pytest.param("a/b", id="path")])
def test_a_child_has_a_name_that_is_one_part_of_a_path(name: str) -> None:
    """Refs are paths; a slash would name somebody else's child."""
    with pytest.raises(ValueError, match="one part of a path"):
        ChildSpec(name=name, start=Actor)


def test_two_children_cannot_have_one_name() -> None:
    """The second would take the first one's mailbox."""
    with pytest.raises(ValueError, match="one name"):
        SupervisorSpec(children=(ChildSpec(name="a", start=Actor), ChildSpec(name="a", start=Actor)))


def test_a_permanent_child_cannot_be_significant() -> None:
    """It always comes back. Source: stdlib/supervisor.erl, validSignificant/3."""
    with pytest.raises(ValueError, match="cannot be significant"):
        ChildSpec(name="a", start=Actor, significant=True)


def test_a_significant_child_needs_a_supervisor_that_heeds_it() -> None:
    """auto_shutdown=never would ignore it. Source: stdlib/supervisor.erl, validSignificant/3."""
    child = ChildSpec(name="a", start=Actor, restart=Restart.TRANSIENT, significant=True)
    with pytest.raises(ValueError, match="auto_shutdown=never"):
        SupervisorSpec(children=(child,))
    assert SupervisorSpec(children=(child,), auto_shutdown=AutoShutdown.ALL_SIGNIFICANT).children == (child,)
