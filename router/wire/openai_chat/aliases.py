"""Names that older clients use for members of a chat request, and what they are called today.

Only names that no server of this dialect takes as they are: any other would be taken from who knows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct

from router.wire.members import COUNT, NULL, read_member

ALIASES: Mapping[str, tuple[str, ...]] = {
    "temp": ("temperature",),
    "nucleus_sampling": ("top_p",),
    "max_length": ("max_tokens", "max_completion_tokens"),
    "max_new_tokens": ("max_tokens", "max_completion_tokens"),
    "stop_sequences": ("stop",),
}
"""Alias -> its name, then other names for the same. The caller's own use of any of these wins over the alias."""

WINDOW = ("ctx_size", "context_length")
"""What the context window was called. No server of this dialect lets a request choose it: it is taken out of the body,
for translators to those that do."""

_ALL = frozenset({*ALIASES, *WINDOW})


class Renamed(Struct, frozen=True, kw_only=True):
    """Members under the names they have today, in the order they came.

    Args:
        told: what to tell the caller, `alias=name` or `alias ignored` each.
        context_tokens: the window that was asked for.
    """

    fields: dict[str, Raw]
    told: tuple[str, ...] = ()
    context_tokens: int | None = None


def rename(fields: dict[str, Raw]) -> Renamed:
    """Read the aliases among a body's members. Raises `Refused` for a window that is no number."""
    if _ALL.isdisjoint(fields):
        return Renamed(fields=fields)
    said: dict[str, Raw] = {}
    told: list[str] = []
    windows: list[int] = []
    for name, value in fields.items():
        if name in WINDOW:
            window = read_member(COUNT, value, name)
            told.append(f"{name}=context_tokens" if window and not windows else f"{name} ignored")
            windows += [window] if window else []
        elif name in ALIASES:
            real = ALIASES[name]
            wins = value != NULL and not any(other in said or other in fields for other in real)
            told.append(f"{name}={real[0]}" if wins else f"{name} ignored")
            said |= {real[0]: value} if wins else {}
        else:
            said[name] = value
    return Renamed(fields=said, told=tuple(told), context_tokens=windows[0] if windows else None)
