"""Names that older clients use for members of a request, and what they are called today.

Only names that no server of the dialect takes as they are: any other would be taken from who knows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct

from router.wire.members import COUNT, NULL, read_member

WINDOW = ("ctx_size", "context_length")
"""What the context window was called. No dialect that callers speak lets a request choose it: it is taken out of the
body, for translators to those that do."""


class Renamed(Struct, frozen=True, kw_only=True):
    """Members under the names they have today, in the order they came.

    Args:
        told: what to tell the caller, `alias=name` or `alias ignored` each.
        context_tokens: the window that was asked for.
    """

    fields: dict[str, Raw]
    told: tuple[str, ...] = ()
    context_tokens: int | None = None

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What a target of the caller's own dialect is not told, by path."""
        return () if self.context_tokens is None else ("sampling.context_tokens",)


class Aliases:
    """The older names of one dialect.

    Args:
        length: what bounds an answer is called there, then other names for the same.
        more: what else has an older name -> its names likewise.
    """

    def __init__(self, *length: str, **more: tuple[str, ...]) -> None:
        self.real: Mapping[str, tuple[str, ...]] = {
            "temp": ("temperature",),
            "nucleus_sampling": ("top_p",),
            "max_length": length,
            "max_new_tokens": length,
            **more,
        }
        """Alias -> its name, then others for the same. The caller's own use of any of these wins over the alias."""
        self._all = frozenset({*self.real, *WINDOW})

    def rename(self, fields: dict[str, Raw]) -> Renamed:
        """Read the aliases among a body's members. Raises `Refused` for a window that is no number."""
        if self._all.isdisjoint(fields):
            return Renamed(fields=fields)
        said: dict[str, Raw] = {}
        told: list[str] = []
        windows: list[int] = []
        for name, value in fields.items():
            if name in WINDOW:
                window = read_member(COUNT, value, name)
                told.append(f"{name}=context_tokens" if window and not windows else f"{name} ignored")
                windows += [window] if window else []
            elif name in self.real:
                real = self.real[name]
                wins = value != NULL and not any(other in said or other in fields for other in real)
                told.append(f"{name}={real[0]}" if wins else f"{name} ignored")
                said |= {real[0]: value} if wins else {}
            else:
                said[name] = value
        return Renamed(fields=said, told=tuple(told), context_tokens=windows[0] if windows else None)
