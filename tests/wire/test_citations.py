"""Pages that an answer stands on, from one family to another."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from router.canon.event import CitationAdded, Ended, Event, Finish, Finished, Started, TextDelta
from router.canon.reply import Choice, Reply
from router.canon.request import ChatRequest, Message, Role, Text
from router.wire.anthropic_messages import DIALECT as MESSAGES
from router.wire.anthropic_messages.clearing import cleared
from router.wire.anthropic_messages.seal import PREFIX
from router.wire.citations import flat, nested, pages
from router.wire.dialect import Ask, Dialect, Requirements
from router.wire.openai_chat import DIALECT as CHAT
from router.wire.openai_responses import DIALECT as RESPONSES

FLAT = {"type": "url_citation", "url": "https://a.test/", "title": "A", "start_index": 3, "end_index": 9}
NESTED = {"type": "url_citation", "url_citation": {k: v for k, v in FLAT.items() if k != "type"}}
CLAUDE = {"type": "web_search_result_location", "url": "https://a.test/", "title": "A", "encrypted_index": "x"}
FOUND = {"type": "search_result_location", "source": "https://a.test/", "title": "A", "start_block_index": 0}
GOOGLE = {"groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.test/", "title": "A"}}, {}]}}
CONVERSE = {"title": "A", "source": "a.test", "location": {"web": {"url": "https://a.test/", "domain": "a.test"}}}
PLACELESS = {**FLAT, "start_index": 0, "end_index": 0}
PLACELESS_NESTED = {
    "type": "url_citation",
    "url_citation": {k: v for k, v in PLACELESS.items() if k != "type"},
}


def raw(said: object) -> Raw:
    """As a provider writes it."""
    return Raw(json.dumps(said).encode())


@pytest.mark.parametrize(
    ("said", "expected"),
    [(FLAT, FLAT), (NESTED, FLAT), (CLAUDE, PLACELESS), (FOUND, PLACELESS), (GOOGLE, PLACELESS), (CONVERSE, PLACELESS)],
    ids=["responses", "chat", "anthropic", "a search result", "google", "bedrock"],
)
def test_a_page_is_named_in_both_of_openais_forms(said: object, expected: dict[str, object]) -> None:
    """With its place where the family counts as OpenAI does."""
    assert [json.loads(bytes(one)) for one in flat(raw(said))] == [expected]
    inner = {name: value for name, value in expected.items() if name != "type"}
    assert [json.loads(bytes(one)) for one in nested(raw(said))] == [{"type": "url_citation", "url_citation": inner}]


@pytest.mark.parametrize(
    "said",
    [
        {"type": "char_location", "cited_text": "a", "document_index": 0, "start_char_index": 1},
        {"type": "search_result_location", "source": "internal://7"},
        {"citationMetadata": {"citations": []}},
        {"start": 1, "end": 2, "sources": [{"type": "document", "id": "doc:0"}]},
        {"type": "url_citation", "url": 7},
        {"title": "A", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}},
        {"title": "A", "location": {"web": {"url": "arn:x"}}},
        {"title": "A", "location": "somewhere"},
        [1],
        "text",
    ],
    ids=str,
)
def test_what_is_no_page_makes_none(said: object) -> None:
    """A document that the caller sent has no address to show."""
    assert pages(raw(said)) == ()


BORROWED = {**{k: CLAUDE[k] for k in ("type", "url", "title")}, "encrypted_index": PREFIX, "cited_text": ""}
FRONTS = [
    (CHAT, "openai-responses", FLAT, NESTED),
    (RESPONSES, "openai-chat", NESTED, FLAT),
    (MESSAGES, "openai-responses", FLAT, BORROWED),
    (MESSAGES, "google", GOOGLE, BORROWED),
]


@pytest.mark.parametrize(
    ("front", "family", "said", "heard"), FRONTS, ids=["chat", "responses", "messages", "messages of google"]
)
def test_a_caller_hears_of_the_pages_of_another_family(
    front: Dialect, family: str, said: object, heard: dict[str, object]
) -> None:
    """Whole and streamed alike, in its own dialect's form."""
    half = front.front
    assert half is not None
    choice = Choice(index=0, parts=(Text(text="words"),), finish=Finish.STOP, said="stop", citations=(raw(said),))
    whole = half.encode_reply(Reply(id="r", model="m", choices=(choice,), usage=None, family=family))
    encoder = half.encoder(Ask(model="m", stream=True, include_usage=None, requirements=Requirements(), fields={}))
    events: tuple[Event, ...] = (
        Started(id="r", model="m"),
        TextDelta(text="words"),
        CitationAdded(citation=raw(said), family=family),
        Finished(reason=Finish.STOP, said="stop"),
        Ended(),
    )
    streamed = encoder.feed(events) + encoder.end()
    compact = json.dumps(heard, separators=(",", ":")).encode()
    assert compact in whole
    # In a stream of OpenAI's a source may be numbered before its own members.
    assert compact[1:] in streamed


@pytest.mark.parametrize(
    ("front", "heard"), [(CHAT, PLACELESS_NESTED), (RESPONSES, PLACELESS)], ids=["chat", "responses"]
)
def test_a_whole_answer_of_claude_names_its_pages_to_others(front: Dialect, heard: dict[str, object]) -> None:
    """As its stream does, though Anthropic keeps them with each text."""
    said = {
        "id": "msg_1",
        "model": "m",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "words", "citations": [CLAUDE]}],
    }
    assert front.front is not None
    whole = front.front.encode_reply(MESSAGES.decode_reply(json.dumps(said).encode()))
    assert json.dumps(heard, separators=(",", ":")).encode() in whole


def test_a_source_of_another_family_never_goes_to_anthropic() -> None:
    """Its mark is no index of theirs; what they wrote themselves stays byte for byte, with the text."""
    both = raw([{"role": "assistant", "content": [{"type": "text", "text": "a", "citations": [BORROWED, CLAUDE]}]}])
    assert json.loads(bytes(cleared(both)))[0]["content"] == [{"type": "text", "text": "a", "citations": [CLAUDE]}]
    alone = raw([{"role": "assistant", "content": [{"type": "text", "text": "a", "citations": [BORROWED]}]}])
    assert json.loads(bytes(cleared(alone)))[0]["content"] == [{"type": "text", "text": "a"}]
    wordless = raw([{"role": "assistant", "content": [{"type": "text", "text": "", "citations": [BORROWED]}]}])
    assert json.loads(bytes(cleared(wordless))) == []
    plain = raw([{"role": "assistant", "content": [{"type": "text", "text": PREFIX}]}])
    assert json.loads(bytes(cleared(plain))) == json.loads(bytes(plain))


def test_a_source_of_another_family_is_named_as_lost_when_it_is_translated_to_anthropic() -> None:
    """A client that sends its answer back by another protocol's way hears that the source stayed behind."""
    said = Message(role=Role.ASSISTANT, parts=(Text(text="a", citations=(raw(BORROWED),)),))
    asked = Message(role=Role.USER, parts=(Text(text="b"),))
    request = ChatRequest(model="m", messages=(asked, said, asked))
    encoded = MESSAGES.encode_request(request, "claude-sonnet-4-5")
    assert "messages[1].parts[0].citations" in encoded.lost
    assert PREFIX.encode() not in encoded.body
