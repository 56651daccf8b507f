"""The vocabulary, word by word, against every dialect that a target may speak: said, lost by name, or not asked at all.

What a dialect says must be found in its body, and what it does not say must be named: a word that is neither was
dropped in silence. Whether the answer would be one to another question is the policy's word, `on_loss`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.canon.request import (
    Audio,
    CacheMark,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Role,
    Sampling,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.policy.loss import meant
from router.wire.anthropic_messages import DIALECT as ANTHROPIC
from router.wire.bedrock_converse import DIALECT as BEDROCK
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Dialect
from router.wire.gemini import DIALECT as GEMINI
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES
from tests.wire.fields import fields_of, set_in

TARGETS: tuple[tuple[Dialect, str], ...] = (
    (CHAT, "gpt-4.1-mini"),
    (RESPONSES, "gpt-4.1-mini"),
    (ANTHROPIC, "claude-sonnet-4-6"),
    (GEMINI, "gemini-3-pro"),
    (BEDROCK, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    (COHERE, "command-a-vision"),
    (OLLAMA, "gemma3:27b"),
)
"""The columns, each with a model that takes as much as its dialect can say."""

MARK = "xyzzy"
"""Stands in each word where it can, so that it can be found in a body."""

PNG = "iVBORw0KGgoAAA"
PDF = "JVBERi0xLjQK"
TOOL = Tool(
    name="weather",
    description="tells it",
    parameters=Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}'),
)
HI = Message(role=Role.USER, parts=(Text(text="hi"),))
CALL = ToolCall(id="call_a", name="weather", arguments='{"a":"b"}')


def asked(*parts: Part, role: Role = Role.USER, **members: Any) -> ChatRequest:
    """A request whose last turn holds these parts."""
    turn = Message(role=role, parts=parts or (Text(text="hi"),))
    messages = (HI, turn) if role is Role.ASSISTANT else (turn,)
    return replace(ChatRequest(model="m", messages=messages, stream=False), **members)


def drawn(**members: Any) -> ChatRequest:
    """A request with this sampling."""
    return asked(sampling=Sampling(**members))


def tooled(**members: Any) -> ChatRequest:
    """A request that offers a tool."""
    return asked(tools=(TOOL,), **members)


def answered(*parts: Text | Image | Document, is_error: bool = False) -> ChatRequest:
    """A request whose tool has answered."""
    called = Message(role=Role.ASSISTANT, parts=(CALL,))
    result = Message(role=Role.TOOL, parts=(ToolResult(call_id="call_a", parts=parts, is_error=is_error),))
    return tooled(messages=(HI, called, result))


def formed(**members: Any) -> ChatRequest:
    """A request for an answer of a form."""
    return asked(output=OutputFormat(**members))


SCHEMA = Raw(
    b'{"type":"object","properties":{"xyzzy":{"type":"string"}},"required":["xyzzy"],"additionalProperties":false}'
)

PICTURE = Image(source=Source(data=PNG, media_type="image/png"))
PAGES = Document(source=Source(data=PDF, media_type="application/pdf"))
PLAIN = Document(source=Source(data="plain", media_type="text/plain"))


def called(call: ToolCall, **members: Any) -> ChatRequest:
    """A request whose history has this call, and a result of it with these members."""
    result = ToolResult(call_id=call.id, parts=(Text(text="t"),), **members)
    turns = (Message(role=Role.ASSISTANT, parts=(call,)), Message(role=Role.TOOL, parts=(result,)))
    return tooled(messages=(HI, *turns))


WORDS: Mapping[str, tuple[ChatRequest, str, bytes | ChatRequest]] = {
    "system": (
        asked(Text(text=MARK), role=Role.SYSTEM, messages=(Message(role=Role.SYSTEM, parts=(Text(text=MARK),)), HI)),
        "messages[0]",
        b"xyzzy",
    ),
    "developer": (
        asked(messages=(Message(role=Role.DEVELOPER, parts=(Text(text=MARK),)), HI)),
        "messages[0]",
        b"xyzzy",
    ),
    "two texts": (asked(Text(text="plugh"), Text(text=MARK)), "messages[0].parts[1]", b"xyzzy"),
    "name of a speaker": (
        asked(messages=(Message(role=Role.USER, parts=(Text(text="hi"),), name=MARK),)),
        "messages[0].name",
        b"xyzzy",
    ),
    "image by data": (
        asked(Image(source=Source(data=PNG, media_type="image/png"))),
        "messages[0].parts[0]",
        PNG.encode(),
    ),
    "image by URL": (asked(Image(source=Source(url="https://e.test/xyzzy.png"))), "messages[0].parts[0]", b"xyzzy"),
    "image by file id": (asked(Image(source=Source(file_id="file-xyzzy"))), "messages[0].parts[0]", b"xyzzy"),
    "PDF by data": (
        asked(Document(source=Source(data=PDF, media_type="application/pdf"))),
        "messages[0].parts[0]",
        PDF.encode(),
    ),
    "PDF by URL": (asked(Document(source=Source(url="https://e.test/xyzzy.pdf"))), "messages[0].parts[0]", b"xyzzy"),
    "text document": (
        asked(Document(source=Source(data=MARK, media_type="text/plain"))),
        "messages[0].parts[0]",
        b"xyzzy",
    ),
    "audio": (asked(Audio(data="UklGRg", format="wav")), "messages[0].parts[0]", b"UklGRg"),
    "tool": (tooled(), "tools[0]", b"tells it"),
    "strict tool": (asked(tools=(replace(TOOL, strict=True, parameters=SCHEMA),)), "tools[0].strict", b"trict"),
    "custom tool": (asked(tools=(Tool(name=MARK, kind="custom"),)), "tools[0]", b"xyzzy"),
    "server tool": (
        asked(tools=(Tool(name="web", kind="server", raw=Raw(b'{"type":"web_xyzzy"}')),)),
        "tools[0]",
        b"xyzzy",
    ),
    "any tool demanded": (tooled(tool_choice=ToolChoice(mode="any")), "tool_choice", tooled()),
    "one tool demanded": (tooled(tool_choice=ToolChoice(mode="named", name="weather")), "tool_choice", tooled()),
    "tools forbidden": (tooled(tool_choice=ToolChoice(mode="none")), "tool_choice", tooled()),
    "no parallel calls": (tooled(parallel_tool_calls=False), "parallel_tool_calls", b"aralle"),
    "call with its id": (answered(Text(text="sun")), "messages[1].parts[0]", b"weather"),
    "text of a result": (answered(Text(text=MARK)), "messages[2].parts[0].parts[0]", b"xyzzy"),
    "image of a result": (
        answered(Text(text="see"), Image(source=Source(data=PNG, media_type="image/png"))),
        "messages[2].parts[0].parts[1]",
        PNG.encode(),
    ),
    "error of a result": (answered(Text(text=MARK), is_error=True), "messages[2].parts[0].is_error", b"rror"),
    "reasoning of others": (
        asked(Reasoning(text=MARK, signature="s", family="somebody"), Text(text="so"), role=Role.ASSISTANT),
        "messages[1].parts[0]",
        b"xyzzy",
    ),
    "refusal said before": (asked(Refusal(text=MARK), role=Role.ASSISTANT), "messages[1].parts[0]", b"xyzzy"),
    "part of another family": (
        asked(Opaque(raw=Raw(b'{"type":"xyzzy"}'), family="somebody"), Text(text="so"), role=Role.ASSISTANT),
        "messages[1].parts[0]",
        b"xyzzy",
    ),
    "JSON mode": (formed(mode="json"), "output", b"json"),
    "JSON schema": (formed(mode="schema", name="a", schema=SCHEMA, strict=True), "output", b"xyzzy"),
    "JSON schema beside tools": (
        tooled(output=OutputFormat(mode="schema", name="a", schema=SCHEMA)),
        "output",
        b"xyzzy",
    ),
    "log probabilities": (drawn(logprobs=True, top_logprobs=2), "sampling.logprobs", b"ogprobs"),
    "several choices": (drawn(choices=2), "sampling.choices", b"2"),
    "stop words": (drawn(stop=(MARK,)), "sampling.stop", b"xyzzy"),
    "length": (drawn(max_tokens=4321), "sampling.max_tokens", b"4321"),
    "window": (drawn(context_tokens=4321), "sampling.context_tokens", b"4321"),
    "temperature": (drawn(temperature=0.4321), "sampling.temperature", b"0.4321"),
    "top_p": (drawn(top_p=0.4321), "sampling.top_p", b"0.4321"),
    "top_k": (drawn(top_k=4321), "sampling.top_k", b"4321"),
    "min_p": (drawn(min_p=0.4321), "sampling.min_p", b"0.4321"),
    "seed": (drawn(seed=4321), "sampling.seed", b"4321"),
    "frequency penalty": (drawn(frequency_penalty=0.4321), "sampling.frequency_penalty", b"0.4321"),
    "presence penalty": (drawn(presence_penalty=0.4321), "sampling.presence_penalty", b"0.4321"),
    "repetition penalty": (drawn(repetition_penalty=1.4321), "sampling.repetition_penalty", b"1.4321"),
    "logit bias": (drawn(logit_bias=Raw(b'{"4321":1}')), "sampling.logit_bias", b"4321"),
    "effort": (asked(thinking=Thinking(effort="high")), "thinking.effort", asked()),
    "budget of thinking": (
        asked(thinking=Thinking(budget_tokens=4321), sampling=Sampling(max_tokens=9999)),
        "thinking.budget_tokens",
        b"4321",
    ),
    "summary of thinking": (asked(thinking=Thinking(summary="auto")), "thinking.summary", asked()),
    "cache mark": (asked(Text(text="hi", cache=CacheMark())), "messages[0].parts[0].cache", b"ache"),
    "service tier": (asked(service_tier="priority"), "service_tier", asked()),
    "end user": (asked(user=MARK), "user", b"xyzzy"),
    "metadata": (asked(metadata=(("team", MARK),)), "metadata", b"xyzzy"),
    "cache key": (asked(prompt_cache_key=MARK), "prompt_cache_key", b"xyzzy"),
    "time a cache mark lasts": (asked(Text(text="hi", cache=CacheMark(ttl="1h"))), "messages[0].parts[0].cache", b"1h"),
    "cache mark of an image": (
        asked(replace(PICTURE, cache=CacheMark())),
        "messages[0].parts[0].cache",
        b"ache",
    ),
    "cache mark of a document": (asked(replace(PAGES, cache=CacheMark())), "messages[0].parts[0].cache", b"ache"),
    "cache mark of a tool": (asked(tools=(replace(TOOL, cache=CacheMark()),)), "tools[0].cache", b"ache"),
    "cache mark of a call": (called(replace(CALL, cache=CacheMark())), "messages[1].parts[0].cache", b"ache"),
    "cache mark of a result": (called(CALL, cache=CacheMark()), "messages[2].parts[0].cache", b"ache"),
    "detail of an image": (asked(replace(PICTURE, detail="low")), "messages[0].parts[0].detail", asked(PICTURE)),
    "name of a document": (asked(replace(PAGES, name=MARK)), "messages[0].parts[0].name", b"xyzzy"),
    "context of a document": (asked(replace(PAGES, context=MARK)), "messages[0].parts[0].context", b"xyzzy"),
    "to cite a document": (asked(replace(PAGES, citations=True)), "messages[0].parts[0].citations", b"itations"),
    "name of a text": (asked(replace(PLAIN, name=MARK)), "messages[0].parts[0].name", b"xyzzy"),
    "context of a text": (asked(replace(PLAIN, context=MARK)), "messages[0].parts[0].context", b"xyzzy"),
    "to cite a text": (asked(replace(PLAIN, citations=True)), "messages[0].parts[0].citations", b"itations"),
    "meaning of a form": (
        formed(mode="schema", name="a", schema=SCHEMA, description=f"{MARK} d"),
        "output.description",
        b"xyzzy d",
    ),
    "name of a form": (formed(mode="schema", name=f"{MARK}_n", schema=SCHEMA), "output.name", b"xyzzy_n"),
    "thinking on": (
        asked(thinking=Thinking(enabled=True), sampling=Sampling(max_tokens=9999)),
        "thinking.enabled",
        asked(sampling=Sampling(max_tokens=9999)),
    ),
    "thinking off": (asked(thinking=Thinking(enabled=False)), "thinking.enabled", asked()),
    "hidden thoughts": (
        asked(Reasoning(redacted=MARK, family="somebody", id="i"), Text(text="so"), role=Role.ASSISTANT),
        "messages[1].parts[0]",
        b"xyzzy",
    ),
    "sources said before": (
        asked(Text(text="so", citations=(Raw(b'{"xyzzy":1}'),)), role=Role.ASSISTANT),
        "messages[1].parts[0].citations",
        b"xyzzy",
    ),
    "seal of a text": (
        asked(Text(text="so", signature=MARK), role=Role.ASSISTANT),
        "messages[1].parts[0].signature",
        b"xyzzy",
    ),
    "seal of a call": (
        called(replace(CALL, signature=MARK, family="somebody")),
        "messages[1].parts[0].signature",
        b"xyzzy",
    ),
    "call in free form": (called(replace(CALL, arguments=MARK, custom=True)), "messages[1].parts[0]", b"xyzzy"),
    "tool of a result": (called(CALL, name=MARK), "messages[2].parts[0].name", b"xyzzy"),
    "document of a result": (answered(Text(text="see"), PAGES), "messages[2].parts[0].parts[1]", PDF.encode()),
    "stream": (asked(stream=True), "stream", asked()),
    "counts of a stream": (asked(stream=True, include_usage=True), "include_usage", b"nclude_usage"),
    "unknown member": (asked(extra=(("plugh", Raw(b'"xyzzy"')),)), "extra.plugh", b"xyzzy"),
}
"""Word -> (a request that says it, the path it is lost by, what stands in a body that says it; or the request without
it, where its own form is the dialect's: then the two bodies differ)."""


GRID = """
system                    said     said     said     said     said     said     said
developer                 said     said     said     said     said     said     said
two texts                 said     said     said     said     said     said     said
name of a speaker         said     lost     lost     lost     lost     lost     lost
image by data             said     said     said     said     said     said     said
image by URL              said     said     said     said     refused  said     refused
image by file id          refused  said     said     refused  refused  refused  refused
PDF by data               said     said     said     said     said     refused  refused
PDF by URL                refused  said     said     said     refused  refused  refused
text document             said     said     said     said     said     said     said
audio                     said     refused  refused  said     said     refused  said
tool                      said     said     said     said     said     said     said
strict tool               said     said     said     lost     said     said     lost
custom tool               said     said     refused  refused  refused  refused  refused
server tool               refused  refused  refused  refused  refused  refused  refused
any tool demanded         said     said     said     said     said     said     refused
one tool demanded         said     said     said     said     said     said     refused
tools forbidden           said     said     said     said     said     said     said
no parallel calls         said     said     said     lost     lost     lost     lost
call with its id          said     said     said     said     said     said     said
text of a result          said     said     said     said     said     said     said
image of a result         said     said     said     said     said     said     said
error of a result         lost     lost     said     said     said     lost     lost
reasoning of others       lost     lost     lost     lost     lost     lost     lost
refusal said before       said     said     said     said     said     said     said
part of another family    lost     lost     lost     lost     lost     lost     lost
JSON mode                 said     said     refused  said     refused  said     said
JSON schema               said     said     said     said     said     said     said
JSON schema beside tools  said     said     said     said     said     refused  said
log probabilities         said     said     refused  said     refused  said     said
several choices           said     refused  refused  said     refused  refused  refused
stop words                said     refused  said     said     said     said     said
length                    said     said     said     said     said     said     said
window                    lost     lost     lost     lost     lost     lost     said
temperature               said     said     said     said     said     said     said
top_p                     said     said     said     said     said     said     said
top_k                     lost     lost     said     said     said     lost     said
min_p                     lost     lost     lost     lost     lost     lost     said
seed                      said     lost     lost     said     lost     said     said
frequency penalty         said     lost     lost     said     lost     said     said
presence penalty          said     lost     lost     said     lost     said     said
repetition penalty        lost     lost     lost     lost     lost     lost     said
logit bias                said     lost     lost     lost     lost     lost     lost
effort                    said     said     said     said     said     said     said
budget of thinking        lost     lost     lost     said     said     said     lost
summary of thinking       lost     said     said     said     said     lost     lost
cache mark                lost     lost     said     lost     said     lost     lost
service tier              said     said     lost     said     said     lost     lost
end user                  said     said     said     lost     said     lost     lost
metadata                  said     said     lost     lost     said     lost     lost
cache key                 said     said     lost     lost     lost     lost     lost
time a cache mark lasts   lost     lost     said     lost     said     lost     lost
cache mark of an image    lost     lost     said     lost     said     lost     lost
cache mark of a document  lost     lost     said     lost     said     refused  refused
cache mark of a tool      lost     lost     said     lost     said     lost     lost
cache mark of a call      lost     lost     said     lost     said     lost     lost
cache mark of a result    lost     lost     said     lost     said     lost     lost
detail of an image        said     said     lost     lost     lost     said     lost
name of a document        said     said     said     lost     said     refused  refused
context of a document     lost     lost     said     lost     said     refused  refused
to cite a document        lost     lost     said     lost     said     refused  refused
name of a text            lost     lost     said     lost     said     said     lost
context of a text         lost     lost     said     lost     said     lost     lost
to cite a text            lost     lost     said     lost     said     mute     lost
meaning of a form         said     said     lost     said     said     lost     lost
name of a form            said     said     mute     mute     said     mute     mute
thinking on               lost     lost     said     said     said     said     said
thinking off              lost     lost     said     said     said     said     said
hidden thoughts           lost     lost     lost     lost     lost     lost     lost
sources said before       lost     lost     lost     lost     lost     lost     lost
seal of a text            lost     lost     lost     said     lost     lost     lost
seal of a call            lost     lost     lost     lost     lost     lost     lost
call in free form         said     said     lost     lost     lost     lost     lost
tool of a result          mute     mute     mute     mute     mute     mute     said
document of a result      said     said     said     said     said     refused  refused
stream                    said     said     said     mute     mute     said     said
counts of a stream        said     mute     mute     mute     mute     mute     mute
unknown member            lost     lost     lost     lost     lost     lost     lost
"""
"""Each word, and how it fares with the targets in their order: `said` in the dialect's own form; `lost` and named, the
answer being one to the same question; `refused`: passed over unless `on_loss` is warn; `mute`: see `MUTE`."""

EXPECTED = {line[:26].strip(): line[26:].split() for line in GRID.strip().splitlines()}


_RESULTS = ("tool of a result",)
_ELSEWHERE = ("stream", "counts of a stream")
MUTE: Mapping[str, tuple[str, ...]] = {
    CHAT.name: _RESULTS,
    RESPONSES.name: (*_RESULTS, "counts of a stream"),
    ANTHROPIC.name: (*_RESULTS, "counts of a stream", "name of a form"),
    GEMINI.name: (*_RESULTS, *_ELSEWHERE, "name of a form"),
    BEDROCK.name: (*_RESULTS, *_ELSEWHERE),
    COHERE.name: (*_RESULTS, "counts of a stream", "name of a form", "to cite a text"),
    OLLAMA.name: ("counts of a stream", "name of a form"),
}
"""What needs no saying in a dialect: it stands in the address, is what happens anyway, or only repeats another word.

The tool of a result stands with its call; whoever streams counts, but in OpenAI's chat; Cohere cites every text; and a
form's name is a label that OpenAI asks for.
"""


def outcome(word: str, dialect: Dialect, model: str) -> str:
    """How a word fares; `SILENT` is the fault."""
    request, path, trace = WORDS[word]
    encoded = dialect.encode_request(request, model)
    whole = path.rpartition(".")[0]
    lost = [name for name in encoded.lost if name in (path, whole) or name.startswith((f"{path}.", f"{path}["))]
    if lost:
        return "refused" if meant(lost, request) else "lost"
    silent = "mute" if word in MUTE.get(dialect.name, ()) else "SILENT"
    if isinstance(trace, ChatRequest):
        return "said" if encoded.body != dialect.encode_request(trace, model).body else silent
    return "said" if trace in encoded.body or b64encode(trace) in encoded.body else silent


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_said_or_named_as_lost(word: str) -> None:
    """In every dialect, and where its loss changes the question the target is not asked."""
    assert [outcome(word, *target) for target in TARGETS] == EXPECTED[word]


def test_the_grid_and_the_words_are_the_same() -> None:
    """A word without a row would be held to nothing."""
    assert list(EXPECTED) == list(WORDS)


def test_every_field_of_a_request_has_a_row() -> None:
    """A field that canon learns and nobody writes a row for would be held to nothing."""
    assert set_in(*(request for request, _, _ in WORDS.values())) == fields_of(ChatRequest)


@pytest.mark.parametrize(("dialect", "model"), TARGETS, ids=lambda value: getattr(value, "name", ""))
def test_members_nobody_knows_reach_no_target_of_another_dialect(dialect: Dialect, model: str) -> None:
    """Line 94: neither at the top nor inside a part does a caller's word for a URL, a key or a header go out."""
    names = ("api_base", "base_url", "api_key", "extra_headers", "litellm_params")
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    for at in (body, body["messages"][0], body["messages"][0]["content"][0]):
        at.update({name: {"api_base": "http://169.254.169.254/"} for name in names})
    front = CHAT.front
    assert front is not None
    encoded = dialect.encode_request(front.decode_request(front.peek(msgspec.json.encode(body))), model)
    assert b"169.254" not in encoded.body
    assert {f"extra.{name}" for name in names} <= set(encoded.lost)
