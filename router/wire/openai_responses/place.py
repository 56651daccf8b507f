"""Where a relayed answer stands: which of its items are done, which is open, and the ids that a client knows."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw
from msgspec.json import Decoder

from router.wire.dialect import Frame
from router.wire.members import UNREADABLE
from router.wire.openai_responses.schema import ITEM, PLACED, Placed, SaidPart

_PART = Decoder(SaidPart)


class Place:
    """Read off the events that begin and end something; those in between, which are nearly all, cost a look-up.

    `items` are those that are done, by their place; `message` is the place of the open one, `id` its id, `parts` what
    of it is done, `part_open` whether another is begun, `text_told` whether its text was said to be whole. `done_chars`
    of text are in parts that are done.
    """

    def __init__(self) -> None:
        self.response = ""
        self.items: dict[int, Raw] = {}
        self.message: int | None = None
        self.id = ""
        self.parts: list[Raw] = []
        self.part_open = False
        self.text_told = False
        self.done_chars = 0
        self._open: dict[int, str] = {}
        self._readable = True

    @property
    def can_go_on(self) -> bool:
        """Whether nothing is open but one message, and all was understood."""
        alone = list(self._open) == ([] if self.message is None else [self.message])
        return self._readable and bool(self.response) and alone

    def note(self, frame: Frame) -> None:
        """One event that was passed on. An event without a name says in its data what it is."""
        take = _TAKERS.get(frame.event)
        if take is None and (frame.event or not frame.data):
            return
        try:
            placed = PLACED.decode(frame.data)
            if take is None:
                take = _TAKERS.get(placed.type)
            if take is not None:
                take(self, placed)
        except UNREADABLE:
            self._readable = False

    def _created(self, placed: Placed) -> None:
        self.response = (placed.response.id if placed.response else None) or ""

    def _item_added(self, placed: Placed) -> None:
        item = ITEM.decode(placed.item)
        self._open[placed.output_index] = item.type or ""
        if item.type == "message":
            self.message, self.id = placed.output_index, item.id or ""
            self.parts, self.part_open = [], False

    def _item_done(self, placed: Placed) -> None:
        self._open.pop(placed.output_index, None)
        self.items[placed.output_index] = Raw(bytes(placed.item))
        if self.message == placed.output_index:
            self.message = None

    def _part_added(self, _placed: Placed) -> None:
        self.part_open, self.text_told = True, False

    def _text_done(self, _placed: Placed) -> None:
        self.text_told = True

    def _part_done(self, placed: Placed) -> None:
        self.part_open = self.text_told = False
        part = _PART.decode(placed.part)
        if part.type == "output_text":
            self.done_chars += len(part.text or "")
            self.parts.append(Raw(bytes(placed.part)))


_TAKERS: dict[str, Callable[[Place, Placed], None]] = {
    "response.created": Place._created,
    "response.output_item.added": Place._item_added,
    "response.output_item.done": Place._item_done,
    "response.content_part.added": Place._part_added,
    "response.output_text.done": Place._text_done,
    "response.content_part.done": Place._part_done,
}
