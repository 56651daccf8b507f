"""Converse to canon and back, whole against streamed, and any conversation against AWS's own description."""

from __future__ import annotations

import base64
import json
from itertools import groupby
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from router.canon.event import (
    Event,
    OpaqueAdded,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from router.canon.reply import Choice
from router.canon.request import (
    ChatRequest,
    Message,
    Opaque,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from router.wire.bedrock_converse import DIALECT
from router.wire.bedrock_converse.reply import decode_reply
from tests.wire.awsframes import event
from tests.wire.bedrock_converse.asking import CLAUDE, HELLO, LLAMA, MISTRAL, NOVA
from tests.wire.bedrock_converse.sound import faults_of
from tests.wire.cutting import split

letters = st.characters(codec="utf-8")
words = st.text(letters, min_size=1, max_size=12).filter(str.strip)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
ids = st.from_regex(r"tooluse_[A-Za-z0-9_-]{1,8}", fullmatch=True)
inputs = st.dictionaries(names, st.integers() | words | st.lists(st.booleans(), max_size=2), max_size=3)
seals = st.binary(min_size=3, max_size=30).map(lambda some: base64.b64encode(some).decode())


def _block(kind: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({kind: st.fixed_dictionaries(members)})


texts = st.fixed_dictionaries({"text": words})
signed = st.fixed_dictionaries({"text": words, "signature": seals})
thoughts = _block("reasoningContent", reasoningText=signed) | _block(
    "reasoningContent", redactedContent=seals.map(lambda seal: base64.b64encode(seal.encode()).decode())
)
calls = _block("toolUse", toolUseId=ids, name=names, input=inputs)
served = _block("toolUse", toolUseId=ids, name=names, input=inputs, type=st.just("server_tool_use"))
found = _block("toolResult", toolUseId=ids, status=st.just("success"), content=st.lists(texts, min_size=1, max_size=2))


def _are_apart(blocks: list[dict[str, Any]]) -> bool:
    """Whether no two calls have one id: of an answer where they have, one would get another."""
    ids = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
    return len(set(ids)) == len(ids)


answers = st.lists(texts | thoughts | calls | served | found, min_size=1, max_size=6).filter(_are_apart)


def choice_of(blocks: list[dict[str, Any]]) -> Choice:
    """An answer of these blocks, read."""
    body = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn"}
    return decode_reply(json.dumps(body).encode()).choices[0]


@settings(max_examples=80, deadline=None)
@given(answers)
def test_an_answer_sent_back_is_the_one_that_came(blocks: list[dict[str, Any]]) -> None:
    """Block for block: seals, arguments and what the service ran itself among them."""
    turn = Message(role=Role.ASSISTANT, parts=choice_of(blocks).parts)
    encoded = DIALECT.encode_request(ChatRequest(model="m", messages=(HELLO, turn, HELLO)), CLAUDE)
    assert encoded.lost == ()
    assert json.loads(encoded.body)["messages"][1]["content"] == blocks


@settings(max_examples=80, deadline=None)
@given(answers)
def test_an_answer_streamed_is_the_one_told_whole(blocks: list[dict[str, Any]]) -> None:
    """The pieces, put together, are the parts."""
    stream = b"".join(piece for place, block in enumerate(blocks) for piece in _pieces(place, block))
    decoder = DIALECT.decoder()
    frames = split(DIALECT.splitter(1 << 20), [event("messageStart", {"role": "assistant"}) + stream])
    events = [said for frame in frames for said in decoder.feed(frame)]
    assert _put_together(events) == [_plain(part) for part in _merged(choice_of(blocks).parts)]


def _pieces(place: int, block: dict[str, Any]) -> list[bytes]:
    """A block as its events: begun where the service says that it begins, and every text in two halves."""

    def delta(**said: object) -> bytes:
        return event("contentBlockDelta", {"contentBlockIndex": place, "delta": said})

    def halves(text: str) -> tuple[str, str]:
        return text[: len(text) // 2], text[len(text) // 2 :]

    ((kind, said),) = block.items()
    stop = event("contentBlockStop", {"contentBlockIndex": place})
    if kind == "text":
        return [*(delta(text=half) for half in halves(said)), stop]
    if kind == "reasoningContent" and "redactedContent" in said:
        return [delta(reasoningContent=said), stop]
    if kind == "reasoningContent":
        told = said["reasoningText"]
        pieces = [delta(reasoningContent={"text": half}) for half in halves(told["text"])]
        return [*pieces, delta(reasoningContent={"signature": told["signature"]}), stop]
    start = {name: value for name, value in said.items() if name not in ("input", "content")}
    begun = event("contentBlockStart", {"contentBlockIndex": place, "start": {kind: start}})
    if kind == "toolResult":
        return [begun, *(delta(toolResult=[one]) for one in said["content"]), stop]
    return [begun, *(delta(toolUse={"input": half}) for half in halves(json.dumps(said["input"]))), stop]


def _put_together(events: list[Event]) -> list[object]:
    """The parts that a stream's events make, as a client puts them together."""
    said: list[Any] = []
    for one in events:
        match one:
            case TextDelta():
                _opened(said, ["text"], [""])[1] += one.text
            case ReasoningDelta():
                thought = _opened(said, ["thought", one.block], ["", None])
                thought[2] += one.text
                thought[3] = one.signature or one.redacted or thought[3]
            case ToolCallStarted():
                said.append(["call", one.id, one.name, ""])
            case ToolCallDelta():
                said[-1][3] += one.arguments
            case OpaqueAdded():
                said.append(["opaque", json.loads(bytes(one.raw))])
    return [["thought", *one[2:]] if one[0] == "thought" else one for one in said]


def _opened(said: list[Any], key: list[object], fresh: list[object]) -> list[Any]:
    """The last part, if it is this one; else this one, begun."""
    if not said or said[-1][: len(key)] != key:
        said.append(key + fresh)
    last: list[Any] = said[-1]
    return last


def _merged(parts: tuple[object, ...]) -> list[object]:
    """Texts that follow each other as one: a stream does not tell where one ends."""
    merged: list[object] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, Text)):
        if is_text:
            merged.append(Text(text="".join(part.text for part in group if isinstance(part, Text))))
        else:
            merged += group
    return merged


def _plain(part: object) -> object:
    match part:
        case Text():
            return ["text", part.text]
        case Reasoning():
            return ["thought", part.text, part.signature or part.redacted]
        case ToolCall():
            return ["call", part.id, part.name, part.arguments]
        case Opaque():
            return ["opaque", json.loads(bytes(part.raw))]
    return part


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Any conversation that another dialect may have led: odd ids, odd turns, and each call answered."""
    said: list[Message] = []
    number = 0
    # A full stop stands for nothing said: none of these says it, so that any in the request is ours.
    spoken = st.characters(codec="utf-8", exclude_characters=".")
    text = st.text(spoken, max_size=8).map(lambda some: Text(text=some))
    for kind in draw(st.lists(st.sampled_from(["user", "system", "assistant", "tools"]), max_size=6)):
        if kind != "tools":
            said.append(Message(role=Role(kind), parts=tuple(draw(st.lists(text, max_size=3)))))
            continue
        asked = []
        for _ in range(draw(st.integers(1, 3))):
            number += 1
            odd = draw(st.sampled_from(["call_", "fünf ", "x" * 70, ""]))
            asked.append(ToolCall(id=f"{odd}{number}", name=draw(names), arguments=json.dumps(draw(inputs))))
        said.append(Message(role=Role.ASSISTANT, parts=(*draw(st.lists(text, max_size=1)), *asked)))
        for call in draw(st.permutations(asked)):
            result = ToolResult(call_id=call.id, parts=tuple(draw(st.lists(text, max_size=2))))
            said.append(Message(role=Role.TOOL, parts=(result,)))
    return tuple(said)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(), st.sampled_from([CLAUDE, NOVA, LLAMA, MISTRAL]), st.booleans())
def test_any_conversation_is_sound_and_keeps_its_order(
    messages: tuple[Message, ...], model: str, with_tools: bool
) -> None:
    """By AWS's own description; no word is lost or moved, ids are one to one, and answers follow their calls."""
    tools = (Tool(name="f", parameters=Raw(b"{}")),) if with_tools else ()
    body = DIALECT.encode_request(ChatRequest(model="m", messages=messages, tools=tools), model).body
    assert faults_of(body) == ""
    said = json.loads(body)
    assert [_calls(turn, "toolUse") for turn in said["messages"][:-1] if _calls(turn, "toolUse")] == [
        sorted(_calls(after, "toolResult"), key=_calls(turn, "toolUse").index)
        for turn, after in zip(said["messages"], said["messages"][1:], strict=False)
        if _calls(turn, "toolUse")
    ]
    ids = [one for turn in said["messages"] for one in _calls(turn, "toolUse")]
    parts = [part for message in messages for part in message.parts]
    assert len(ids) == len(set(ids)) == sum(isinstance(part, ToolCall) for part in parts)
    assert _inputs(said) == [json.loads(part.arguments) for part in parts if isinstance(part, ToolCall)]
    for role in ("user", "assistant"):
        spoken = [part.text for message in messages if _speaker(message) == role for part in message.parts
                  if isinstance(part, Text)]  # fmt: skip
        leading = "".join(block["text"] for block in said.get("system", ()))
        sent = "".join(_spoken(turn) for turn in said["messages"] if turn["role"] == role)
        whole = (leading if role == "user" else "") + sent
        assert _bare(whole) == _bare("".join(spoken))


def _calls(turn: dict[str, Any], kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in turn["content"] if kind in block]


def _inputs(said: dict[str, Any]) -> list[object]:
    return [block["toolUse"]["input"] for turn in said["messages"] for block in turn["content"] if "toolUse" in block]


def _speaker(message: Message) -> str:
    return "assistant" if message.role is Role.ASSISTANT else "user"


def _spoken(turn: dict[str, Any]) -> str:
    texts = [block["text"] for block in turn["content"] if "text" in block]
    return "" if texts == ["."] and len(turn["content"]) == 1 else "".join(texts)


def _bare(text: str) -> str:
    """Without white space, which is refused where it stands alone; the words are what counts."""
    return "".join(text.split())
