"""Tools for models that speak them as text: how they are told of them, how a call is read from their words. Pure.

The text form is the one Hermes and Qwen models were trained with: a JSON object between `<tool_call>` tags.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from msgspec import Raw, Struct

from router.upstream.llama.chat import BadAsk, ChatAsk, Tool
from router.upstream.llama.text import held_back

OPEN = "<tool_call>"
CLOSE = "</tool_call>"


class CallDelta(Struct, frozen=True, kw_only=True):
    """A piece of one tool call. `name` comes with the first piece of an index and only then."""

    index: int
    arguments: str
    name: str | None = None


Delta = str | CallDelta
"""A piece of an answer: text, or of a tool call."""


class Reader(Protocol):
    """Turns the model's text into deltas. `calls` is how many tool calls began."""

    calls: int

    def feed(self, text: str) -> tuple[Delta, ...]:
        """Take the next text; return the deltas it completes."""
        ...

    def end(self) -> tuple[Delta, ...]:
        """No more text."""
        ...


def reader_for(ask: ChatAsk) -> Reader:
    """How this ask's answer is to be read."""
    if len(ask.forced) == 1:
        return OneCall(ask.forced[0].function.name)
    if ask.forced:
        return TaggedCalls(ask.forced, inside=True)
    return TaggedCalls(ask.offered) if ask.offered else Prose()


def opening_for(ask: ChatAsk) -> str:
    """What is put into the model's mouth before it answers: the part of a forced call that is already decided."""
    if len(ask.forced) == 1:
        name = msgspec.json.encode(ask.forced[0].function.name).decode()
        return f'{OPEN}\n{{"name": {name}, "arguments": '
    return f"{OPEN}\n" if ask.forced else ""


class Prose:
    """No tools: all is text."""

    calls = 0

    def feed(self, text: str) -> tuple[Delta, ...]:
        """The text itself."""
        return (text,) if text else ()

    def end(self) -> tuple[Delta, ...]:
        """Nothing is held."""
        return ()


class OneCall:
    """The tool is decided and a grammar holds the model to its arguments: all text is arguments."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.calls = 0

    def feed(self, text: str) -> tuple[Delta, ...]:
        """The first text opens the call."""
        if not text:
            return ()
        name = None if self.calls else self._name
        self.calls = 1
        return (CallDelta(index=0, name=name, arguments=text),)

    def end(self) -> tuple[Delta, ...]:
        """Nothing is held."""
        return ()


class _Call(Struct, frozen=True):
    name: str
    arguments: Raw = Raw(b"{}")


_CALLS = msgspec.json.Decoder(_Call)


class TaggedCalls:
    """Text with calls between tags. What stands between tags and is no call of an offered tool is text after all.

    Args:
        tools: the calls that count.
        inside: the opening tag was put into the prompt.
    """

    def __init__(self, tools: tuple[Tool, ...], *, inside: bool = False) -> None:
        self._names = {tool.function.name for tool in tools}
        self._inside = inside
        self._tagged = not inside
        self._held = ""
        self.calls = 0

    def feed(self, text: str) -> tuple[Delta, ...]:
        """Text goes on at once, save what may begin a tag; a call goes on when its closing tag came."""
        self._held += text
        deltas: list[Delta] = []
        while True:
            before, tag, after = self._held.partition(CLOSE if self._inside else OPEN)
            if not tag:
                break
            deltas += self._call(before, CLOSE) if self._inside else self._say(before)
            self._tagged, self._inside, self._held = True, not self._inside, after
        if not self._inside:
            keep = len(self._held) - held_back(self._held, (OPEN,))
            deltas += self._say(self._held[:keep])
            self._held = self._held[keep:]
        return tuple(deltas)

    def end(self) -> tuple[Delta, ...]:
        """A model may stop without the closing tag: a whole call counts all the same."""
        held, self._held = self._held, ""
        return tuple(self._call(held, "") if self._inside else self._say(held))

    def _say(self, text: str) -> list[Delta]:
        # Between and after calls models write line breaks that mean nothing.
        return [text] if text and not (self.calls and text.isspace()) else []

    def _call(self, text: str, closed_by: str) -> list[Delta]:
        try:
            call = _CALLS.decode(text.strip())
        except msgspec.MsgspecError:
            call = None
        if call is None or call.name not in self._names:
            return self._say((OPEN if self._tagged else "") + text + closed_by)
        self.calls += 1
        return [CallDelta(index=self.calls - 1, name=call.name, arguments=bytes(call.arguments).decode())]


def plain_messages(ask: ChatAsk, *, native: bool) -> list[dict[str, Any]]:
    """Messages as chat templates want them: string contents, roles that they know.

    Args:
        ask: whose messages.
        native: the template renders tools itself; otherwise they are told in words, in the system message.

    Raises:
        BadAsk: for content that is not text.
    """
    messages = [_plain(message, native=native) for message in ask.messages]
    if native or not ask.offered:
        return messages
    told = _tell(ask.offered)
    if messages[0]["role"] == "system":
        return [{**messages[0], "content": f"{messages[0]['content']}\n\n{told}"}, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]


def _plain(message: dict[str, Any], *, native: bool) -> dict[str, Any]:
    role = message.get("role")
    if not isinstance(role, str):
        raise BadAsk("every message needs a role", param="messages")
    plain = {**message, "role": "system" if role == "developer" else role, "content": _words(message.get("content"))}
    if native:
        return _with_parsed_arguments(plain)
    if role == "tool":
        return {"role": "user", "content": f"<tool_response>\n{plain['content']}\n</tool_response>"}
    calls = plain.pop("tool_calls", None) or ()
    spoken = [f"{OPEN}\n{_call_text(call)}\n{CLOSE}" for call in calls]
    plain["content"] = "\n".join([*([plain["content"]] if plain["content"] else []), *spoken])
    return plain


def _words(content: object) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else None for part in parts]
    if any(not isinstance(text, str) for text in texts):
        raise BadAsk("the embedded model reads text only: a content part is not text", param="messages")
    return "\n".join(str(text) for text in texts)


def _with_parsed_arguments(message: dict[str, Any]) -> dict[str, Any]:
    """Templates print arguments with `tojson`: a JSON string would come out quoted twice."""
    calls = message.get("tool_calls")
    if not calls:
        return message
    return {**message, "tool_calls": [{**call, "function": _function_of(call)} for call in calls]}


def _function_of(call: object) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadAsk("a tool call in the history has no function with a name", param="messages")
    arguments = function.get("arguments", "{}")
    if isinstance(arguments, str):
        try:
            arguments = msgspec.json.decode(arguments or "{}")
        except msgspec.MsgspecError:
            arguments = function["arguments"]
    return {**function, "arguments": arguments}


def _call_text(call: object) -> str:
    function = _function_of(call)
    return msgspec.json.encode({"name": function["name"], "arguments": function["arguments"]}).decode()


def _tell(tools: tuple[Tool, ...]) -> str:
    listed = "\n".join(msgspec.json.encode(tool).decode() for tool in tools)
    return (
        "You may call these functions, one JSON description per line:\n"
        f"<tools>\n{listed}\n</tools>\n"
        f'To call one, answer with {OPEN}\n{{"name": <its name>, "arguments": <a JSON object>}}\n{CLOSE}'
    )
