"""Which tool call a piece of one belongs to, whatever its server did with indexes and ids.

Met in recordings: no index at all (Gemini, Mistral), indexes from 1 (Anthropic behind facades), index 0 for every
parallel call, the id or the name repeated on every piece or sent as "", an id only on later pieces, no id anywhere.
"""

from __future__ import annotations

from router.canon.event import Event, ToolCallDelta, ToolCallStarted
from router.wire.ids import made_up_id
from router.wire.openai_chat.message import GOOGLE
from router.wire.openai_chat.reply import call_said, given_id
from router.wire.openai_chat.schema import ToolSaid


class _Call:
    """One call of a choice. It is announced once its name is known; `held` arguments wait for that."""

    def __init__(self) -> None:
        self.index: int | None = None
        self.id: str | None = None
        self.name = ""
        self.held = ""
        self.signature: str | None = None


class CallBook:
    """The tool calls of one choice of one stream, numbered from 0 in the order they were announced."""

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._announced = 0

    @property
    def called(self) -> bool:
        """Whether any call was announced."""
        return self._announced > 0

    @property
    def nameless(self) -> bool:
        """Whether arguments wait for a name: what they were for is lost."""
        return any(call.index is None and call.held for call in self._calls)

    def read(self, said: ToolSaid, seed: str) -> list[Event]:
        """The events in one piece. `seed` makes an id for a call that has none, the same for the same answer."""
        name, arguments, custom = call_said(said)
        call = self._find(said, name)
        if call is None:
            call = self._open(said)
        call.id = call.id or self._unused(given_id(said))
        call.name = call.name or name
        if said.extra_content and said.extra_content.google:
            call.signature = said.extra_content.google.thought_signature
        if call.index is not None:
            return [ToolCallDelta(index=call.index, arguments=arguments, choice=self._choice)] if arguments else []
        call.held += arguments
        return self._announce(call, seed, custom) if call.name else []

    def _find(self, said: ToolSaid, name: str) -> _Call | None:
        """The call that goes on, or None for a new one. A name that comes with another id is what begins a call."""
        given = given_id(said)
        same_id = next((call for call in self._calls if given is not None and call.id == given), None)
        if same_id is not None and said.index not in (None, *self._by_index) and name not in ("", same_id.name):
            # Two calls by one id: the place and the name tell them apart.
            return None
        known = self._by_index.get(said.index) if said.index is not None else None
        if known is not None:
            return known if not (name and given and known.id and known.id != given) else same_id
        if same_id is not None:
            return same_id
        begins = name or said.index is not None or not self._calls
        return None if begins else self._calls[-1]

    def _unused(self, given: str | None) -> str | None:
        """An id that no other call has: a caller answers calls by it."""
        return None if any(call.id == given for call in self._calls) else given

    def _open(self, said: ToolSaid) -> _Call:
        call = _Call()
        self._calls.append(call)
        if said.index is not None:
            self._by_index[said.index] = call
        return call

    def _announce(self, call: _Call, seed: str, custom: bool) -> list[Event]:
        call.index = self._announced
        self._announced += 1
        call.id = call.id or made_up_id("call_", f"{seed}/{self._choice}/{call.index}/{call.name}/{call.held}")
        begun = ToolCallStarted(
            index=call.index,
            id=call.id,
            name=call.name,
            custom=custom,
            signature=call.signature,
            family=GOOGLE if call.signature else None,
            choice=self._choice,
        )
        if not call.held:
            return [begun]
        return [begun, ToolCallDelta(index=call.index, arguments=call.held, choice=self._choice)]
