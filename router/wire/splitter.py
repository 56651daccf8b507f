"""What every cutter of a stream of text holds: the bytes of a frame whose end has not come, and a fault that waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from router.errors import Reason, WireFault
from router.wire.dialect import Frame

_BOM = b"\xef\xbb\xbf"


class TextSplitter(ABC):
    """The part of a `Splitter` that does not ask where frames end. The frames' `raw`, put together, are the stream
    without its byte order mark.

    Args:
        limit_bytes: the largest frame.
    """

    _blank: ClassVar[bytes]
    """Bytes that make no frame where nothing else is left at the end."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        self._begun = False
        self._fault: WireFault | None = None

    def end(self) -> tuple[Frame, ...]:
        """The stream is over: a frame that lacked only its end, if there is one."""
        self._raise_held()
        raw = bytes(self._rest)
        self._rest.clear()
        return (self._last(raw),) if raw.strip(self._blank) else ()

    @abstractmethod
    def _last(self, raw: bytes) -> Frame:
        """The frame that the end of the stream ends."""

    def _begin(self, block: bytes) -> bytes:
        """Drop a byte order mark, of which the first blocks may hold only a part."""
        head = bytes(self._rest) + block
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._rest = bytearray(head)
            return b""
        self._begun = True
        self._rest.clear()
        return head.removeprefix(_BOM)

    def _keep(self, frames: tuple[Frame, ...], pending_bytes: int) -> tuple[Frame, ...]:
        """Hand out `frames`, unless the frame after them is already too large and there is nothing to hand out."""
        if pending_bytes > self._limit_bytes:
            self._rest.clear()
            self._fault = too_large(self._limit_bytes)
            if not frames:
                self._raise_held()
        return frames

    def _raise_held(self) -> None:
        if self._fault is not None:
            raise self._fault


def too_large(limit_bytes: int) -> WireFault:
    """What is said of a frame beyond the limit."""
    return WireFault(Reason.MALFORMED, f"one event of the stream is larger than {limit_bytes} bytes")
