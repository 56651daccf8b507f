"""Names of what goes wrong elsewhere than at providers, and of what callers and operators do beside their calls."""

from __future__ import annotations

LEAVING, DAWDLING, CRASHES, CANCELS = "caller_leaves", "caller_dawdles", "actor_crashes", "job_cancelled"
REFUSES, HANGS, CLOCK, STOP = "journal_refuses", "disk_hangs", "clock_jumps", "stop"
DISTURBANCES = (LEAVING, DAWDLING, CRASHES, CANCELS, REFUSES, HANGS, CLOCK, STOP)

SWAPS, REPEATS, ECHOES = "config_swaps", "caller_repeats", "caller_echoes"
LATER = (SWAPS, REPEATS, ECHOES)
"""Each drawn by a chance of its own: they came later, and worlds of older seeds stay what they were."""

OUR_DOING = frozenset({CRASHES, CANCELS, STOP})
"""What ends exchanges and attempts at no fault of anybody's; some invariants excuse it."""
