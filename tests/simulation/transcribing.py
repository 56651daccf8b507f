"""Worlds in which words are kept for those who want that, and what must hold of these."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from router.canon.caller import Caller
from router.store.journal import TranscriptRow
from tests.simulation.kinds import HANGS, OUR_DOING, REFUSES
from tests.simulation.story import Heard

if TYPE_CHECKING:
    from tests.simulation.world import World


def with_transcripts(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The configuration of which some keep words, of everybody or of some keys; others keep nobody's."""
    chance = Random(f"transcripts {seed}")
    if chance.random() < 0.7:
        return settings
    keys = {
        name: {**key, "transcripts": chance.choice((None, True, False))}
        for name, key in settings.get("keys", {}).items()
    }
    kept = {"enabled": chance.random() < 0.5}
    return {**settings, "transcripts": kept, **({"keys": keys} if keys else {})}


def is_transcribed(settings: dict[str, Any], caller: Caller) -> bool:
    """Whether the words of this caller are to be kept."""
    said = caller.transcripts
    return bool(settings.get("transcripts", {}).get("enabled", False)) if said is None else said


def transcripts_are_what_was_heard(world: World) -> Iterator[str]:
    """Nobody's words are kept who did not want that; of who did, and was answered, they are the words that were heard.
    They are missing only where something was wrong with the ledger, or ended at no fault of anybody's."""
    kept = {row.exchange: row for row in world.account.said}
    excused = bool((OUR_DOING | {REFUSES, HANGS}) & set(world.schedule.kinds))
    wanted = {heard.exchange for heard in world.story.heard if heard.transcribed}
    for exchange in sorted(kept.keys() - wanted):
        yield f"{exchange} did not want its words to be kept"
    for heard in world.story.heard:
        row = kept.get(heard.exchange)
        if heard.transcribed and heard.end == "answered" and not _tells(row, heard) and (row or not excused):
            yield f"{heard.exchange} heard {heard.text!r}, kept is {row and row.said!r}"


def _tells(row: TranscriptRow | None, heard: Heard) -> bool:
    return row is not None and row.said.startswith(heard.text) and heard.asked in row.asked
