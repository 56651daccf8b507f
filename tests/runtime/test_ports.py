"""The real ports."""

from __future__ import annotations

import re

from actors.runtime import system_ports


def test_system_ids_are_unique_sorted_by_time_and_safe_in_a_url() -> None:
    """Ten thousand in a row."""
    ports = system_ports()
    ids = [ports.ids.new("ex") for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"ex-[0-9a-f]{28}", name) for name in ids)
    stamps = [name[3:15] for name in ids]
    assert stamps == sorted(stamps)


def test_the_clock_is_finer_than_a_millisecond() -> None:
    """uvloop's `loop.time()` is not."""
    clock = system_ports().clock
    moments = {clock.now() for _ in range(1000)}
    assert len(moments) > 100


def test_two_systems_draw_different_chances() -> None:
    """Jitter that is the same in two processes is no jitter."""
    assert system_ports().rng.random() != system_ports().rng.random()
