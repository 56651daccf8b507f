"""What one exchange says, kept in words as it is said, where its caller's key or the server wants that."""

from __future__ import annotations

from functools import partial

from actors.messages import Call, ExchangeTranscribed, Flow, Piece, Whole
from actors.tally import end_of
from router.canon.event import Event, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStarted
from router.canon.operation import Operation
from router.canon.outcome import End
from router.canon.reply import Choice, Reply
from router.canon.request import Refusal, Text, ToolCall
from router.errors import Reason
from router.policy.enduser import end_user_of, label_of
from router.policy.transcript import Excerpt, TranscriptRules, asked_bytes, asked_in, wants
from router.store.journal import TranscriptRow


class Transcript:
    """The words of one exchange. Thinking is no part of the answer, and is not kept."""

    def __init__(self, call: Call, rules: TranscriptRules, at: float) -> None:
        self._call = call
        self._rules = rules
        self._at = at
        self._said = Excerpt(rules.most_chars)
        self._choice = 0

    def note(self, piece: Piece) -> None:
        """One more piece, in the order in which the reader is told."""
        match piece:
            case Flow():
                for event in piece.events:
                    self._take(event)
            case Whole():
                if isinstance(piece.reply, Reply):
                    for choice in piece.reply.choices:
                        self._turn(choice.index)
                        self._said.add(_words(choice))

    def told(self, reason: Reason | None) -> ExchangeTranscribed:
        """All of it, for the ledger; `reason` is why there is no complete answer. Nothing is noted after it."""
        size = asked_bytes(self._call.ask.fields) + self._said.held_bytes
        return ExchangeTranscribed(size_bytes=size, write=partial(self._row, end_of(reason)))

    def _row(self, end: End) -> TranscriptRow:
        """For a thread: a long prompt is read here, and patterns are looked for."""
        call, caller = self._call, self._call.caller
        return TranscriptRow(
            exchange=call.request_id,
            at=self._at,
            key=caller.id,
            owner=caller.owner,
            user=end_user_of(call.ask.fields),
            model=label_of(call.ask.model),
            end=end,
            asked=asked_in(call.ask.fields, self._rules),
            said=self._said.shown(self._rules.clean),
        )

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta() | RefusalDelta():
                self._turn(event.choice)
                self._said.add(event.text)
            case ToolCallStarted():
                self._turn(event.choice)
                self._said.add(f"\n[calls {event.name}] ")
            case ToolCallDelta():
                self._turn(event.choice)
                self._said.add(event.arguments)

    def _turn(self, choice: int) -> None:
        """Of several answers that come at once, say whose words follow."""
        if choice != self._choice:
            self._choice = choice
            self._said.add(f"\n[answer {choice}] ")


def transcript_of(call: Call, rules: TranscriptRules, at: float) -> Transcript | None:
    """None where nobody wants it kept; nothing is held then. A count of tokens says nothing that its chat does not."""
    if call.operation is Operation.COUNT_TOKENS or not wants(rules, call.caller.transcripts):
        return None
    return Transcript(call, rules, at)


def _words(choice: Choice) -> str:
    said = []
    for part in choice.parts:
        if isinstance(part, Text | Refusal):
            said.append(part.text)
        elif isinstance(part, ToolCall):
            said.append(f"\n[calls {part.name}] {part.arguments}")
    return "".join(said)
