"""OpenAI's chat completions, with what its many imitators make of them."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.said import Answer, Call, Said, Usage, answer, arguments

Json = Any


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """A chat completion, or the chunks of one."""
    choices: dict[int, _Choice] = {}
    usage: Usage | None = None
    for piece in pieces:
        usage = _usage(piece) or usage
        fault = _fault(piece)
        for place, said in enumerate(piece.get("choices") or ()):
            index = said.get("index")
            choice = choices.setdefault(place if index is None else index, _Choice())
            choice.take(said.get("delta" if streamed else "message") or {}, said.get("finish_reason"))
            fault = fault or _choice_fault(said)
        if fault:
            return Said(_answers(choices), usage, fault)
    return Said(_answers(choices), usage)


class _Choice:
    """One choice as far as it was said."""

    def __init__(self) -> None:
        self.text = self.refusal = self.finish = ""
        self._thinking = self._detailed = ""
        self.calls: list[dict[str, str]] = []
        self._by_index: dict[int, dict[str, str]] = {}

    def take(self, said: Json, finish: str | None) -> None:
        """More of it; a word for its end that comes twice counts once."""
        content = said.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
        self.text += "".join(part.get("text") or "" for part in parts if part["type"] == "text")
        self._thinking += said.get("reasoning_content") or said.get("reasoning") or "".join(map(_part_thinking, parts))
        self._detailed += "".join(detail.get("text") or "" for detail in said.get("reasoning_details") or ())
        self.refusal += said.get("refusal") or ""
        for call in said.get("tool_calls") or ():
            self._call(call)
        self.finish = self.finish or finish or ""

    def _call(self, said: Json) -> None:
        function = said.get("function") or said.get("custom") or {}
        name, given = function.get("name") or "", said.get("id") or ""
        call = self._known(said.get("index"), given, name)
        if call is None:
            call = {"id": "", "name": "", "arguments": ""}
            self.calls.append(call)
            if said.get("index") is not None:
                self._by_index[said["index"]] = call
        call["id"] = call["id"] or given
        call["name"] = call["name"] or name
        more = function.get("arguments") or function.get("input") or ""
        call["arguments"] += more

    def _known(self, index: int | None, given: str, name: str) -> dict[str, str] | None:
        """The call that a piece goes on with. A name with another id begins a new one, whatever its index."""
        same = next((call for call in self.calls if given and call["id"] == given), None)
        if same is not None:
            return same
        known = None if index is None else self._by_index.get(index)
        if known is not None:
            return None if name and given and known["id"] not in ("", given) else known
        return self.calls[-1] if self.calls and index is None and not name else None

    def whole(self) -> Answer:
        """What it said. Details repeat what was thought, to be sent back; they are shown only where nothing else is."""
        calls = tuple(Call(call["name"], arguments(call["arguments"]), call["id"]) for call in self.calls)
        thinking = self._thinking or self._detailed
        return answer(self.finish, text=self.text, thinking=thinking, refusal=self.refusal, calls=calls)


def _answers(choices: dict[int, _Choice]) -> tuple[Answer, ...]:
    return tuple(choices[index].whole() for index in sorted(choices))


def _part_thinking(part: Json) -> str:
    held = part.get("thinking") or ""
    return held if isinstance(held, str) else "".join(inner.get("text") or "" for inner in held)


def _fault(piece: Json) -> str | None:
    groq = piece.get("x_groq") or {}
    error = piece.get("error") or groq.get("error")
    return why(error) if error else None


def _choice_fault(said: Json) -> str | None:
    error = said.get("error")
    if error:
        return why(error)
    return "server_error" if said.get("finish_reason") == "error" else None


_CACHED = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens", "cache_read_input_tokens")


def _usage(piece: Json) -> Usage | None:
    """Counts. Some count thinking beside the answer; then the total, or the thinking itself, is the larger number."""
    counted = piece.get("usage") or (piece.get("x_groq") or {}).get("usage")
    if not counted or counted.get("prompt_tokens") is None:
        return None
    prompt, told = counted["prompt_tokens"], counted.get("completion_tokens") or 0
    said = max(told, (counted.get("total_tokens") or 0) - prompt)
    thought = (counted.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    said += thought if thought > said else 0
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens")
    found = [cached, *(counted.get(name) for name in _CACHED)]
    return Usage(prompt, said, min(next(filter(None, found), 0), prompt), max(thought, said - told))
