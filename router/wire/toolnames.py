"""Names of tools as a target takes them, and back: callers' may be longer (MCP's `mcp__server__tool`) or odder.

A name that does not fit gets one that does, the same each time. The table of those is made anew from each request,
whose tools and past calls hold every name there is, so nothing is kept between two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2s

from msgspec import Struct
from msgspec.structs import replace

from router.canon.event import Event, ToolCallStarted
from router.canon.reply import Answer, Reply
from router.canon.request import ChatRequest, Message, Part, Tool, ToolCall, ToolResult

Table = Mapping[str, str]
_HASH_BYTES = 4
_TAIL = 1 + 2 * _HASH_BYTES


class NameRule(Struct, frozen=True):
    """Which names a dialect takes.

    Args:
        fits: the whole of one that it takes.
        odd: a character, where it stands, that it does not.
        most: the longest, in characters.
    """

    fits: re.Pattern[str]
    odd: re.Pattern[str]
    most: int


def name_rule(rest: str, most: int, *, first: str | None = None) -> NameRule:
    """A rule by its sets of characters, as a regular expression writes them; `first` may be fewer, `_` among them."""
    begin = first or rest
    return NameRule(re.compile(f"[{begin}][{rest}]{{0,{most - 1}}}"), re.compile(f"^[^{begin}]|[^{rest}]"), most)


def fit_name(name: str, rule: NameRule) -> str:
    """The name itself where it is taken; else what of it is, cut short, with a hash of the whole: two stay two."""
    if rule.fits.fullmatch(name):
        return name
    tail = blake2s(name.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
    return f"{rule.odd.sub('_', name)[: rule.most - _TAIL]}_{tail}"


def fitted(request: ChatRequest, rule: NameRule) -> tuple[ChatRequest, Table]:
    """The request with names that are taken, and each that was changed: as it goes out -> as its caller wrote it."""
    changed = {name: fit_name(name, rule) for name in _names_in(request) if not rule.fits.fullmatch(name)}
    if not changed:
        return request, {}
    choice = request.tool_choice
    renamed = replace(
        request,
        messages=tuple(_message(message, changed) for message in request.messages),
        tools=tuple(_tool(tool, changed) for tool in request.tools),
        tool_choice=choice and replace(choice, name=_of(choice.name, changed)),
    )
    return renamed, {sent: name for name, sent in changed.items()}


def told_back(answer: Answer, table: Table) -> Answer:
    """A whole answer with the names that its caller knows."""
    if not table or not isinstance(answer, Reply):
        return answer
    choices = tuple(
        replace(choice, parts=tuple(_part(part, table) for part in choice.parts)) for choice in answer.choices
    )
    return replace(answer, choices=choices)


def event_told_back(event: Event, table: Table) -> Event:
    """The same for one event."""
    if isinstance(event, ToolCallStarted) and event.name in table:
        return replace(event, name=table[event.name])
    return event


def _names_in(request: ChatRequest) -> Iterator[str]:
    yield from (tool.name for tool in request.tools if tool.kind != "server")
    if request.tool_choice is not None and request.tool_choice.name is not None:
        yield request.tool_choice.name
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult) and part.name is not None:
                yield part.name


def _of(name: str | None, table: Table) -> str | None:
    return name if name is None else table.get(name, name)


def _message(message: Message, table: Table) -> Message:
    return replace(message, parts=tuple(_part(part, table) for part in message.parts))


def _part(part: Part, table: Table) -> Part:
    return replace(part, name=_of(part.name, table)) if isinstance(part, ToolCall | ToolResult) else part


def _tool(tool: Tool, table: Table) -> Tool:
    """What was written of it elsewhere has the name it had."""
    return replace(tool, name=table[tool.name], raw=None) if tool.name in table and tool.kind != "server" else tool
