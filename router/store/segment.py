"""One file of the journal: records behind each other, each with its length and its checksum.

    4 bytes   length of the payload, little endian
    4 bytes   CRC-32 of kind and payload
    1 byte    kind: E an entry, A an act, T a transcript, H the head of the file
    payload   MessagePack, by names: what an older or newer version does not know is passed over

Whatever does not check is torn: a crash came between the write and the disk. Only the last file of a journal may end
so.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct as Layout
from zlib import crc32

from msgspec import MsgspecError, Struct, msgpack

from router.store.journal import AuditRow, EntryRow, Head, JournalMisfit, Record, TranscriptRow

_PREFIX = Layout("<IIc")
_MOST_BYTES = 1 << 20
"""No record is longer; a length beyond it is no length."""

_ENCODE = msgpack.Encoder().encode
_KINDS: dict[type, bytes] = {EntryRow: b"E", AuditRow: b"A", TranscriptRow: b"T", Head: b"H"}
_DECODERS: dict[bytes, msgpack.Decoder[Record | Head]] = {kind: msgpack.Decoder(type) for type, kind in _KINDS.items()}


class Placed(Struct, frozen=True):
    """A record, and where in its file the next one begins; None for one that only another version understands."""

    record: Record | Head | None
    end_bytes: int


def encode_record(record: Record | Head) -> bytes:
    """A record as the file has it. Raises `JournalMisfit` for one that could not be read again: behind it nothing
    could."""
    kind = _KINDS[type(record)]
    try:
        payload = _ENCODE(record)
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise JournalMisfit(f"a record has no bytes: {error.reason}") from error
    if len(payload) > _MOST_BYTES:
        raise JournalMisfit(f"a record of {len(payload)} bytes is longer than {_MOST_BYTES}")
    return _PREFIX.pack(len(payload), crc32(payload, crc32(kind)), kind) + payload


def decode_records(block: bytes, start_bytes: int = 0) -> Iterator[Placed]:
    """Every whole record of `block`, which begins `start_bytes` into its file, up to the first that does not check."""
    offset = 0
    while len(block) - offset >= _PREFIX.size:
        length, checksum, kind = _PREFIX.unpack_from(block, offset)
        begin = offset + _PREFIX.size
        payload = block[begin : begin + length]
        if length > _MOST_BYTES or len(payload) < length or crc32(payload, crc32(kind)) != checksum:
            return
        offset = begin + length
        yield Placed(_decoded(kind, payload), start_bytes + offset)


def _decoded(kind: bytes, payload: bytes) -> Record | Head | None:
    """None for a kind or a form that this version does not know: it is whole, so it is not torn."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return None
    try:
        return decoder.decode(payload)
    except MsgspecError:
        return None
