"""Chunks read by what differs in them, beside the same chunks read whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.canon.event import Event, Skipped, TextDelta
from router.errors import WireFault
from router.wire.dialect import Ask, Frame, Requirements
from router.wire.openai_chat import DIALECT, stream
from router.wire.openai_chat.mould import Mould, mould_of
from router.wire.openai_chat.relay import ChatRelay
from router.wire.openai_chat.stream import ChatDecoder
from tests.wire.glancing import read

TEXTS = (" word", "é", "日本", "\n", '"', "\\", "a\tb", "\x7f", "\u00a0", "\ud83d\ude00", "", "x")
DELTAS = (
    *({"content": text} for text in TEXTS),
    {"content": "said", "role": "assistant"},
    {"content": 'a"obfuscation":"b"'},
    {"content": '"}}],'},
    {"reasoning_content": "hm"},
    {"content": "both", "reasoning_content": "hm"},
    {"content": None},
    {"refusal": "no"},
    {"content": [{"type": "text", "text": "part"}]},
    {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"content":"x"}'}}]},
)


def chunk(delta: object, choice: int = 0, **more: object) -> dict[str, object]:
    """A chunk that says this."""
    said = {"index": choice, "delta": delta, "finish_reason": None, **more}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [said]}


def frames(chunks: Sequence[object], *, tight: bool, escaped: bool) -> Iterator[Frame]:
    """As servers of either habit write them."""
    for said in chunks:
        separators = (",", ":") if tight else (", ", ": ")
        text = json.dumps(said, separators=separators, ensure_ascii=escaped)
        data = text.encode("utf-8", "replace")
        yield Frame(raw=b"data: " + data + b"\n\n", data=data)


def heard(decoder: ChatDecoder, given: list[Frame]) -> list[Event | str]:
    """All that is said, and the fault it ends with."""
    events: list[Event | str] = []
    try:
        for frame in given:
            events += decoder.feed(frame)
    except WireFault as fault:
        events.append(str(fault))
    return [*events, *decoder.end()]


def unmoulded() -> ChatDecoder:
    """A decoder that reads every chunk whole."""
    decoder = ChatDecoder()
    decoder._moulds_left = 0
    return decoder


NOISES = ("", "Wu", "kPB4x0i", "Q9", "a", "b", "-", '"', "é")
"""OpenAI's, and what it would not say."""

CHUNKS: st.SearchStrategy[dict[str, object]] = st.one_of(
    st.builds(chunk, st.sampled_from(DELTAS), st.sampled_from((0, 0, 0, 1))),
    st.builds(chunk, st.builds(lambda text: {"content": text}, st.text(max_size=6))),
    st.just(chunk({"content": "last"}, finish_reason="stop")),
    st.just(chunk({"content": "p"}, logprobs={"content": "p"})),
    st.just({**chunk({"content": "u"}), "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
    st.just({**chunk({"content": "e"}), "error": {"message": "no"}}),
)


_THINKING_AGAIN = [chunk(DELTAS[place]) for place in (0, 0, 13, 0, 13)]


@example(chunks=_THINKING_AGAIN, tight=True, escaped=True)
@given(chunks=st.lists(CHUNKS, max_size=12), tight=st.booleans(), escaped=st.booleans())
def test_a_mould_changes_nothing_that_is_said(chunks: list[object], tight: bool, escaped: bool) -> None:
    """Whatever chunks follow one another, in whatever spelling."""
    given = list(frames(chunks, tight=tight, escaped=escaped))
    assert heard(ChatDecoder(), given) == heard(unmoulded(), given)


@pytest.mark.parametrize("said", [b"\xff", b"a\x01", b'a","x":"b', b"\\u00e9", b"\\", b"\xed\xa0\x80"])
def test_text_that_json_writes_otherwise_is_left_to_the_parser(said: bytes) -> None:
    """Bytes that are no text, controls, quotes and escapes."""
    learned, other = (b'{"id":"a","choices":[{"index":0,"delta":{"content":"%b"}}]}' % text for text in (b"x", said))
    given = [Frame(raw=data, data=data) for data in (learned, learned, other)]
    assert heard(ChatDecoder(), given) == heard(unmoulded(), given)


def test_a_mould_is_made_of_the_one_content_alone() -> None:
    """Not where another member has that name, nor where the text is spelt otherwise than it reads."""
    mould = mould_of(b'{"delta":{"content":"hi"},"n":1}', "hi")
    assert mould is not None
    assert mould.text_of(b'{"delta":{"content":"ho"},"n":1}') == "ho"
    assert mould.text_of(b'{"delta":{"content":"ho"},"n":2}') is None
    assert mould_of(b'{"note":{"content":"hi"},"delta":{"content":"hi"}}', "hi") is None
    assert mould_of(b'{"delta":{"content":"h\\u0069"}}', "hi") is None
    assert mould_of(b'{"delta":{"text":"hi"}}', "hi") is None


def test_chunks_that_differ_in_more_are_not_learned_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four moulds are made of a stream, and one of them serves all chunks like it."""
    made: list[str] = []

    def counted(data: bytes, text: str) -> Mould | None:
        made.append(text)
        return mould_of(data, text)

    monkeypatch.setattr(stream, "mould_of", counted)
    decoder = ChatDecoder()
    varied = [{**chunk({"content": f"w{n}"}), "nonce": "x" * n} for n in range(20)]
    same = [chunk({"content": f"v{n}"}) for n in range(20)]
    said = heard(decoder, list(frames([chunk({"role": "assistant"}), *varied], tight=True, escaped=True)))
    assert [event.text for event in said if isinstance(event, TextDelta)] == [f"w{n}" for n in range(20)]
    assert len(made) == stream._MOULDS
    made.clear()
    assert Skipped not in map(type, heard(ChatDecoder(), list(frames(same, tight=True, escaped=True))))
    assert made == ["v1"]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A stream in one server's spelling: with usage that is null on every chunk or without, with either line end."""
    more = st.integers(min_value=0, max_value=5).map(lambda times: [chunk({"content": "more"})] * times)
    parts = draw(st.lists(st.one_of(more, CHUNKS.map(lambda said: [said])), max_size=8))
    chunks = [said for part in parts for said in part]
    null_usage, ends = draw(st.booleans()), draw(st.sampled_from((b"\n\n", b"\r\n\r\n")))
    noises = (
        draw(st.lists(st.sampled_from(NOISES), min_size=len(chunks), max_size=len(chunks)))
        if draw(st.booleans())
        else ()
    )
    shaped = [{**said, "usage": said.get("usage")} if null_usage else said for said in chunks]
    shaped = [{**said, "obfuscation": noise} for said, noise in zip(shaped, noises, strict=True)] if noises else shaped
    given = frames(shaped, tight=draw(st.booleans()), escaped=draw(st.booleans()))
    return b"".join((*(frame.raw.replace(b"\n\n", ends) for frame in given), b"data: [DONE]" + ends))


@given(
    body=streams(),
    way=st.sampled_from(({"hides": True}, {"hides": False}, {"passes": False})),
    cuts=st.lists(st.integers(min_value=0, max_value=4000), max_size=4),
)
def test_what_is_read_at_a_glance_is_what_is_read_event_by_event(
    body: bytes, way: dict[str, bool], cuts: list[int]
) -> None:
    """To the byte for the caller, and to the letter for the account, however it was cut on the way."""
    expected = read(DIALECT, body, [], skims=False, **way)
    assert read(DIALECT, body, cuts, skims=True, **way) == expected
    assert read(DIALECT, body, [], skims=True, **way) == expected


@pytest.mark.parametrize("said", [b"\xff", b"\xe2", b"a\x01", b"\\", b"\\ud83d", b"\\q", b'"', b'\\"', b""])
def test_what_is_no_text_is_not_read_at_a_glance(said: bytes) -> None:
    """Not even where two halves of a letter stand in two events side by side."""
    mould = mould_of(b'{"delta":{"content":"hi"}}', "hi")
    assert mould is not None
    one, half, rest = (b'data: {"delta":{"content":"%b"}}\n\n' % text for text in (b"ho", said, b"\x82\xac"))
    assert mould.run_of(one + one + b"data: [DONE]\n\n") == (["ho", "ho"], 2 * len(one))
    assert mould.run_of(one + one + half[:-5]) == (["ho", "ho"], 2 * len(one))
    assert mould.run_of(one + half + rest) is None
    assert mould.run_of(one + half + one) is None


def test_text_that_json_escapes_is_read_at_a_glance() -> None:
    """Line ends, and letters that some servers write as numbers."""
    mould = mould_of(b'{"delta":{"content":"hi"}}', "hi")
    assert mould is not None
    block = b"".join(b'data: {"delta":{"content":"%b"}}\n\n' % text for text in (b"\\n", b"\\u00e9", b"\\\\"))
    assert mould.run_of(block) == (["\n", "é", "\\"], len(block))


def test_noise_behind_a_text_hides_it_from_nobody() -> None:
    """OpenAI's chunks, each with other letters at its end: passed on with them, but for the usage that nobody asked."""
    data = b'{"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}],"usage":null,"obfuscation":"%b"}'
    mould = mould_of(data % (b"hi", b"WuQNX"), "hi")
    assert mould is not None
    assert mould.text_of(data % (b"ho", b"k7")) == "ho"
    block = b"".join(b"data: %b\n\n" % (data % pair) for pair in ((b"a", b""), (b"b", b"Q9x"), (b"c", b"Zz")))
    assert mould.run_of(block + b"data: [DONE]\n\n") == (["a", "b", "c"], len(block))
    ask = Ask(model="m", fields={}, stream=True, requirements=Requirements(), include_usage=None)
    decoder, relay = ChatDecoder(), ChatRelay(ask)
    for noise in (b"1", b"22"):
        decoder.feed(Frame(raw=b"", data=data % (b"x", noise)))
    run = decoder.skim(block, relay)
    assert run is not None
    assert run.passed == block.replace(b',"usage":null', b"")


def test_a_text_that_looks_like_what_follows_it_passes_unchanged() -> None:
    """Where only brackets stand between a text and the noise, an escaped quote could be taken for the text's end."""
    mould = mould_of(b'{"choices":[{"delta":{"content":"hi"}}],"obfuscation":"W"}', "hi")
    assert mould is not None
    ask = Ask(model="m", fields={}, stream=True, requirements=Requirements(), include_usage=None)
    assert mould.passed_by(ChatRelay(ask)) is None
