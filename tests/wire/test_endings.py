"""Why an answer ended: each provider's dialect's words in those of each front, whole and streamed.

What a dialect reads is written by hand in `tests/simulation/answers`; here only the word is another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

import pytest
from msgspec.structs import replace

from router.canon.event import Event
from router.errors import WireFault
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.anthropic_messages import reply as anthropic_messages
from router.wire.bedrock_converse import DIALECT as BEDROCK
from router.wire.bedrock_converse import reply as bedrock_converse
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.cohere_v2 import reply as cohere_v2
from router.wire.dialect import Ask, Dialect, Requirements
from router.wire.gemini import DIALECT as GEMINI
from router.wire.gemini import reply as gemini
from router.wire.ollama_chat import DIALECT as OLLAMA
from router.wire.ollama_chat import reply as ollama_chat
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_chat import reply as openai_chat
from router.wire.openai_responses import DIALECT as RESPONSES
from router.wire.openai_responses import reply as openai_responses
from tests.simulation.answers import TONGUES
from tests.simulation.answers.speech import Meaning, ToolUse, compact
from tests.wire import awsframes

FRONTS: Mapping[str, Dialect] = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}
DIALECTS: Mapping[Dialect, tuple[ModuleType, str]] = {
    CHAT: (openai_chat, '"finish_reason":"{}"'),
    RESPONSES: (openai_responses, ""),
    MESSAGES: (anthropic_messages, '"stop_reason":"{}"'),
    GEMINI: (gemini, '"finishReason":"{}"'),
    BEDROCK: (bedrock_converse, '"stopReason":"{}"'),
    COHERE: (cohere_v2, '"finish_reason":"{}"'),
    OLLAMA: (ollama_chat, '"done_reason":"{}"'),
}
"""Dialect -> where its words are read, and how one stands in an answer."""

USUAL = {CHAT: "stop", MESSAGES: "end_turn", GEMINI: "STOP", BEDROCK: "end_turn", COHERE: "COMPLETE", OLLAMA: "stop"}
USUAL_CALLED = {**USUAL, CHAT: "tool_calls", MESSAGES: "tool_use", BEDROCK: "tool_use", COHERE: "TOOL_CALL"}

TEXT = Meaning(words=("well",), usage=(3, 5), model="m", id="a1")
CALL = replace(TEXT, words=(), calls=(ToolUse(id="call_1", name="f", pieces=("{}",)),))
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def ended(dialect: Dialect, meaning: Meaning, word: str) -> tuple[bytes, bytes]:
    """An answer that ends with this word, whole and streamed."""
    tongue, form = TONGUES[dialect.name], DIALECTS[dialect][1]
    whole, blocks = compact(tongue.whole(meaning)), list(tongue.stream(meaning)[0])
    if dialect is RESPONSES:
        completed, broken = (
            b'"status":"completed","output"',
            b'"status":"incomplete","incomplete_details":{"reason":"%b"},"output"',
        )
        said = broken % word.encode() if word != "completed" else completed
        return whole.replace(completed, said), b"".join((*blocks[:-1], blocks[-1].replace(completed, said)))
    usual = form.format((USUAL_CALLED if meaning.calls else USUAL)[dialect]).encode()
    said = form.format(word).encode()
    assert usual in whole
    if dialect is BEDROCK:
        blocks[-2] = awsframes.event("messageStop", {"stopReason": word})
        return whole.replace(usual, said), b"".join(blocks)
    assert any(usual in block for block in blocks)
    return whole.replace(usual, said), b"".join(blocks).replace(usual, said)


def events_of(dialect: Dialect, block: bytes) -> tuple[Event, ...]:
    """What is read of a stream. Raises `WireFault`."""
    splitter, decoder = dialect.splitter(1 << 20), dialect.decoder()
    frames = (*splitter.feed(block), *splitter.end())
    return (*(event for frame in frames for event in decoder.feed(frame)), *decoder.end())


_ENDS = re.compile(rb'"(?:finish_reason|stop_reason|reason)":"([a-z_]+)"')
ASK = Ask(model="m", stream=True, include_usage=True, requirements=Requirements(), fields={})


def end_in(block: bytes) -> str:
    """The one word for its end that a caller reads."""
    found = {match.decode() for match in _ENDS.findall(block)}
    assert len(found) <= 1
    return found.pop() if found else "completed"


def outcome(dialect: Dialect, meaning: Meaning, word: str) -> tuple[str, ...]:
    """What each front says of it; `failed` of an answer that is none."""
    whole, streamed = ended(dialect, meaning, word)
    try:
        reply = dialect.decode_reply(whole)
    except WireFault:
        with pytest.raises(WireFault):
            events_of(dialect, streamed)
        return ("failed",)
    events = events_of(dialect, streamed)
    said = []
    for front in FRONTS.values():
        assert front.front is not None
        encoder = front.front.encoder(ASK)
        ends = {end_in(front.front.encode_reply(reply)), end_in(encoder.feed(events) + encoder.end())}
        said.append("/".join(sorted(ends)))
    return tuple(said)


ENDS: Mapping[str, tuple[str, ...]] = {
    "whole": ("stop", "completed", "end_turn"),
    "calls": ("tool_calls", "completed", "tool_use"),
    "length": ("length", "max_output_tokens", "max_tokens"),
    "full": ("length", "max_output_tokens", "model_context_window_exceeded"),
    "filter": ("content_filter", "content_filter", "refusal"),
    "paused": ("length", "max_output_tokens", "pause_turn"),
    "failed": ("failed",),
}
"""What an ending means -> the word in chat, Responses and Messages; of Responses the reason where it is incomplete."""

GRID = """
openai-chat         stop                            whole   calls
openai-chat         eos                             whole   calls
openai-chat         eos_token                       whole   calls
openai-chat         end_turn                        whole   calls
openai-chat         stop_sequence                   whole   calls
openai-chat         length                          length  length
openai-chat         max_tokens                      length  length
openai-chat         model_length                    full    full
openai-chat         model_context_window_exceeded   full    full
openai-chat         tool_calls                      whole   calls
openai-chat         function_call                   whole   calls
openai-chat         tool_use                        whole   calls
openai-chat         content_filter                  filter  filter
openai-chat         sensitive                       filter  filter
openai-chat         refusal                         filter  filter
openai-chat         abort                           failed  failed
openai-chat         error                           failed  failed
openai-chat         insufficient_system_resource    failed  failed
openai-chat         network_error                   failed  failed
openai-chat         never heard of                  whole   calls
openai-responses    completed                       whole   calls
openai-responses    max_output_tokens               length  length
openai-responses    max_tokens                      length  length
openai-responses    content_filter                  filter  filter
openai-responses    never heard of                  length  length
anthropic-messages  end_turn                        whole   calls
anthropic-messages  stop_sequence                   whole   calls
anthropic-messages  max_tokens                      length  length
anthropic-messages  model_context_window_exceeded   full    full
anthropic-messages  tool_use                        whole   calls
anthropic-messages  refusal                         filter  filter
anthropic-messages  pause_turn                      paused  paused
anthropic-messages  compaction                      whole   calls
anthropic-messages  never heard of                  whole   calls
gemini              STOP                            whole   calls
gemini              MAX_TOKENS                      length  length
gemini              CONTINUATION                    length  length
gemini              SAFETY                          filter  filter
gemini              RECITATION                      filter  filter
gemini              BLOCKLIST                       filter  filter
gemini              PROHIBITED_CONTENT              filter  filter
gemini              SPII                            filter  filter
gemini              MODEL_ARMOR                     filter  filter
gemini              IMAGE_SAFETY                    filter  filter
gemini              IMAGE_PROHIBITED_CONTENT        filter  filter
gemini              IMAGE_RECITATION                filter  filter
gemini              MALFORMED_FUNCTION_CALL         failed  failed
gemini              MALFORMED_RESPONSE              failed  failed
gemini              MISSING_THOUGHT_SIGNATURE       failed  failed
gemini              TOO_MANY_TOOL_CALLS             failed  failed
gemini              UNEXPECTED_TOOL_CALL            failed  failed
gemini              never heard of                  whole   calls
bedrock-converse    end_turn                        whole   calls
bedrock-converse    stop_sequence                   whole   calls
bedrock-converse    tool_use                        whole   calls
bedrock-converse    max_tokens                      length  length
bedrock-converse    model_context_window_exceeded   full    full
bedrock-converse    content_filtered                filter  filter
bedrock-converse    guardrail_intervened            filter  filter
bedrock-converse    refusal                         filter  filter
bedrock-converse    pause_turn                      paused  paused
bedrock-converse    malformed_model_output          failed  failed
bedrock-converse    malformed_tool_use              failed  failed
bedrock-converse    never heard of                  whole   calls
cohere-v2           COMPLETE                        whole   calls
cohere-v2           STOP_SEQUENCE                   whole   calls
cohere-v2           MAX_TOKENS                      length  length
cohere-v2           TOOL_CALL                       whole   calls
cohere-v2           ERROR_LIMIT                     full    full
cohere-v2           ERROR_TOXIC                     filter  filter
cohere-v2           ERROR                           failed  failed
cohere-v2           TIMEOUT                         failed  failed
cohere-v2           USER_CANCEL                     failed  failed
cohere-v2           never heard of                  whole   calls
ollama-chat         stop                            whole   calls
ollama-chat         length                          length  length
ollama-chat         load                            failed  failed
ollama-chat         unload                          failed  failed
ollama-chat         never heard of                  whole   calls
"""
"""Dialect and word; what it means behind text, and behind a call."""

EXPECTED: Mapping[tuple[str, str], tuple[str, str]] = {
    (line[:20].strip(), line[20:52].strip()): (line[52:].split()[0], line[52:].split()[1])
    for line in GRID.strip().splitlines()
}


@pytest.mark.parametrize(("dialect", "word"), EXPECTED)
def test_an_ending_means_the_same_to_every_caller(dialect: str, word: str) -> None:
    """In its own protocol's word, the same whole and streamed; and an answer that failed is none."""
    spoken = BY_NAME[dialect]
    found = tuple(outcome(spoken, meaning, word) for meaning in (TEXT, CALL))
    assert found == tuple(ENDS[meant] for meant in EXPECTED[dialect, word])


TABLES = ("_FINISHES", "_INCOMPLETE", "_NO_ANSWERS")


@pytest.mark.parametrize("dialect", BY_NAME)
def test_every_word_that_is_read_has_a_row(dialect: str) -> None:
    """And so has one that nobody reads."""
    module = DIALECTS[BY_NAME[dialect]][0]
    read = {word for table in TABLES for word in getattr(module, table, ())}
    read |= (
        {"completed"} if BY_NAME[dialect] is RESPONSES else set(module._FAILED if hasattr(module, "_FAILED") else ())
    )
    assert {word for name, word in EXPECTED if name == dialect} == read | {"never heard of"}
