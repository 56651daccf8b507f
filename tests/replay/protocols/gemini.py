"""Google's generateContent."""

from __future__ import annotations

from typing import Any

from tests.replay.faults import why
from tests.replay.said import Call, Said, Usage, answer

Json = Any

_OWN = ("inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")


class _Candidate:
    """One of the answers as far as it was said."""

    def __init__(self) -> None:
        self.text = self.thinking = self.finish = ""
        self.calls: list[Call] = []
        self.own: list[str] = []

    def take(self, said: Json) -> None:
        """More of it."""
        self.finish = said.get("finishReason") or self.finish
        for part in (said.get("content") or {}).get("parts") or ():
            if "functionCall" in part:
                call = part["functionCall"]
                self.calls.append(Call(call["name"], call.get("args") or {}, call.get("id") or ""))
            elif part.get("thought"):
                self.thinking += part.get("text") or ""
            else:
                self.text += part.get("text") or ""
            self.own += [name for name in _OWN if name in part]


def read(pieces: list[Json], *, streamed: bool) -> Said:
    """An answer, or the pieces of one: both have the same form."""
    del streamed
    candidates: dict[int, _Candidate] = {}
    counted: Json = None
    blocked = None
    fault = None
    for piece in pieces:
        if piece.get("error"):
            fault = why(piece["error"])
            break
        counted = piece.get("usageMetadata") or counted
        blocked = (piece.get("promptFeedback") or {}).get("blockReason") or blocked
        for place, said in enumerate(piece.get("candidates") or ()):
            candidates.setdefault(said.get("index", place), _Candidate()).take(said)
    answers = tuple(
        answer(one.finish, text=one.text, thinking=one.thinking, calls=tuple(one.calls), own=tuple(one.own))
        for one in candidates.values()
    )
    if blocked and not answers:
        answers = (answer("SAFETY"),)
    return Said(answers, _usage(counted), fault)


def _usage(counted: Json) -> Usage | None:
    """Thinking and the answer are what the total has beyond the prompt."""
    if not counted:
        return None
    prompt = counted.get("promptTokenCount", 0) + counted.get("toolUsePromptTokenCount", 0)
    told = counted.get("candidatesTokenCount", 0)
    said = max(told + counted.get("thoughtsTokenCount", 0), counted.get("totalTokenCount", 0) - prompt)
    return Usage(prompt, said, counted.get("cachedContentTokenCount", 0), said - told)
