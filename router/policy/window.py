"""Two sums over the last so many slices of time, kept as they grow: reading them costs nothing, however long the time.

What ages is known by the number of its slice; whoever keeps a window says how long a slice is.
"""

from __future__ import annotations

from msgspec import Struct


class Window(Struct, frozen=True, gc=False):
    """What was counted lately. `gc=False`: numbers are in no cycle.

    Args:
        slices: number, count and part of each slice that has any, oldest first.
        count: of all slices.
        part: how much of it is of the kind that is looked for, likewise.
    """

    slices: tuple[tuple[int, int, int], ...] = ()
    count: int = 0
    part: int = 0


EMPTY = Window()
"""Nothing was counted yet."""


def next_counted(window: Window, number: int, kept: int, count: int, part: int) -> Window:
    """The window with so much more in slice `number`, the latest, and without what is older than `kept` slices."""
    slices = window.slices
    if slices and slices[0][0] <= number - kept:
        window = recent(window, number, kept)
        slices = window.slices
    if slices and slices[-1][0] == number:
        *older, (_, counted, parted) = slices
        slices = (*older, (number, counted + count, parted + part))
    else:
        slices = (*slices, (number, count, part))
    return Window(slices, window.count + count, window.part + part)


def recent(window: Window, number: int, kept: int) -> Window:
    """What is left of the window in slice `number`."""
    slices = window.slices
    if not slices or slices[0][0] > number - kept:
        return window
    left = tuple(slice for slice in slices if slice[0] > number - kept)
    return Window(left, sum(count for _, count, _ in left), sum(part for _, _, part in left))
