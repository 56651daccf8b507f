"""What of an answer its caller's dialect has no words for: parts and sources that only another family can read.

Of a source every dialect can say the page it names; one that names none (a document that was sent, a search that was
made) is its own family's alone. What would mean nothing to a caller (another family's seals on thoughts, the name of
what ran the model) is no loss; in which tier it was served is one, where its dialect tells tiers but not this one.
"""

from __future__ import annotations

from collections import Counter

from router.canon.event import CitationAdded, Event, OpaqueAdded, UsageReported
from router.canon.reply import Answer, Reply
from router.canon.request import Opaque
from router.canon.usage import Usage
from router.wire.citations import pages
from router.wire.dialect import FrontHalf

_TIER = "service_tier"
_TELLING = frozenset({OpaqueAdded, CitationAdded, UsageReported})


def unsaid_in(answer: Answer, half: FrontHalf) -> tuple[str, ...]:
    """By path, what this front leaves out of a whole answer."""
    if not isinstance(answer, Reply):
        return ()
    family = half.family
    lost = [_TIER] if _is_unsaid(answer.usage, half) else []
    for place, choice in enumerate(answer.choices):
        for number, part in enumerate(choice.parts):
            if isinstance(part, Opaque) and part.family != family:
                lost.append(f"choices[{place}].parts[{number}]")
        if answer.family != family:
            unnamed = (number for number, raw in enumerate(choice.citations) if not pages(raw))
            lost += [f"choices[{place}].citations[{number}]" for number in unnamed]
    return tuple(lost)


class UnsaidBook:
    """The same of a stream, whose head has left when it is known: counted, and said in a comment at its end."""

    def __init__(self, half: FrontHalf) -> None:
        self._half = half
        self._family = half.family
        self._lost: Counter[str] = Counter()

    def read(self, events: tuple[Event, ...]) -> None:
        """These events are about to be said."""
        for event in events:
            if type(event) not in _TELLING:
                continue
            match event:
                case OpaqueAdded() if event.family != self._family:
                    self._lost["parts"] += 1
                case CitationAdded() if event.family != self._family and not pages(event.citation):
                    self._lost["citations"] += 1
                case UsageReported() if _is_unsaid(event.usage, self._half):
                    self._lost[_TIER] = 1

    def note(self) -> bytes:
        """A comment, which clients pass over; nothing where nothing was left out."""
        if not self._lost:
            return b""
        return b": x-router-lost %b\n\n" % ", ".join(f"{many} {what}" for what, many in self._lost.items()).encode()


def _is_unsaid(usage: Usage | None, half: FrontHalf) -> bool:
    return usage is not None and usage.tier is not None and half.tiers is not None and usage.tier not in half.tiers
