"""What an answer says, whoever said it and in whatever protocol: the one form in which two readings are compared."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

Json = Any


class Call(NamedTuple):
    """A tool call for the caller to carry out. Arguments are a JSON value; of a free-form tool, text."""

    name: str
    arguments: Json
    id: str = ""


class Answer(NamedTuple):
    """One of the answers. `finish` is a class of endings; `own` names what only the protocol's own clients can read."""

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    own: tuple[str, ...] = ()


class Usage(NamedTuple):
    """Every token of the prompt, cached or not, and every token of the answer, thinking included.

    `cached` and `thought` are those among them that were read from a cache, and that were thinking.
    """

    input: int
    output: int
    cached: int = 0
    thought: int = 0


class Said(NamedTuple):
    """A whole exchange's answer. `fault` is why it failed, in one word; what was said before it is kept."""

    answers: tuple[Answer, ...] = ()
    usage: Usage | None = None
    fault: str | None = None

    @property
    def first(self) -> Answer:
        """The only answer, most of the time."""
        return self.answers[0] if self.answers else Answer()

    @property
    def spoke(self) -> bool:
        """Whether anything was said that a caller would have seen."""
        return any(one.text or one.thinking or one.refusal or one.calls or one.own for one in self.answers)


ENDINGS: dict[str, tuple[str, ...]] = {
    "stop": ("stop", "STOP", "COMPLETE", "end_turn", "stop_sequence", "STOP_SEQUENCE", "eos", "completed"),
    "length": ("length", "max_tokens", "MAX_TOKENS", "max_output_tokens"),
    "full": ("model_length", "model_context_window_exceeded", "ERROR_LIMIT"),
    "calls": ("tool_calls", "function_call", "tool_use", "TOOL_CALL"),
    "filtered": (
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
    ),
    "refused": ("refusal",),
    "paused": ("pause_turn",),
}
"""Class of ending -> the words for it, of all protocols."""

_CLASSES = {word: ending for ending, words in ENDINGS.items() for word in words}


def answer(finish: str, **said: Any) -> Answer:
    """An answer with its ending's class. A call, or a refusal without text, says more than the word "stop"."""
    made = Answer(**said, finish=_CLASSES.get(finish, finish))
    if made.calls and made.finish in ("stop", ""):
        return made._replace(finish="calls")
    if made.refusal and not made.text and made.finish == "stop":
        return made._replace(finish="refused")
    return made


def arguments(text: Json) -> Json:
    """Arguments as a value; none at all is an empty object, and what is no JSON stays as it is."""
    if not isinstance(text, str):
        return {} if text is None else text
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text
