"""Bodies as one provider wants them."""

from __future__ import annotations

import pytest
from msgspec.json import decode

from router.canon.operation import Operation
from router.providers.huggingface import KIND as HUGGING_FACE
from router.providers.mistral import own_part
from router.providers.quirks import Quirks, bend
from router.providers.together import KIND as TOGETHER

_PICTURES = TOGETHER.others[Operation.IMAGES].quirks or Quirks()
_ROUTED = HUGGING_FACE.quirks or Quirks()

_BENT: dict[str, tuple[Quirks, bytes, bytes, tuple[str, ...]]] = {
    "a member of another name": (
        Quirks(renames=(("max_completion_tokens", "max_tokens"),)),
        b'{"model": "m", "max_completion_tokens": 5}',
        b'{"model":"m","max_tokens":5}',
        (),
    ),
    "the newer name counts": (
        Quirks(renames=(("max_completion_tokens", "max_tokens"),)),
        b'{"max_completion_tokens":5,"max_tokens":9}',
        b'{"max_tokens":5}',
        (),
    ),
    "a member it refuses": (Quirks(refused=("user",)), b'{"user":"u","n":1}', b'{"n":1}', ("user",)),
    "a refused member that says nothing": (
        Quirks(refused=("logprobs", "logit_bias", "n", "stop")),
        b'{"logprobs":false,"logit_bias":{},"n":1,"stop":null}',
        b"{}",
        (),
    ),
    "a refused switch that is on unless said": (
        Quirks(refused=("parallel_tool_calls", "seed")),
        b'{"parallel_tool_calls":false,"seed":0}',
        b"{}",
        ("parallel_tool_calls", "seed"),
    ),
    "members that do not go together": (
        Quirks(apart=(("tools", "stream", "true"),)),
        b'{"stream":true,"tools":[1]}',
        b'{"stream":true}',
        ("tools",),
    ),
    "members that do": (
        Quirks(apart=(("tools", "stream", "true"),)),
        b'{"stream":false,"tools":[1]}',
        b'{"stream":false,"tools":[1]}',
        (),
    ),
    "one text of several": (
        Quirks(plain=True),
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}',
        b'{"messages":[{"role":"user","content":"a\\nb"}]}',
        (),
    ),
    "more than texts": (
        Quirks(plain=True),
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]}]}',
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]}]}',
        (),
    ),
    "a member it does without": (
        Quirks(needless=("stream_options",)),
        b'{"stream":true,"stream_options":{"include_usage":true}}',
        b'{"stream":true}',
        (),
    ),
    "its own word": (
        Quirks(words=(("service_tier", '"priority"', '"performance"'),)),
        b'{"service_tier":"priority"}',
        b'{"service_tier":"performance"}',
        (),
    ),
    "the nearest it has": (
        Quirks(nearest=(("reasoning_effort", '"minimal"', '"low"'),)),
        b'{"reasoning_effort":"minimal"}',
        b'{"reasoning_effort":"low"}',
        ("reasoning_effort",),
    ),
    "above what it takes": (Quirks(bounds=(("t", 0.01, 0.99),)), b'{"t":1.5}', b'{"t":0.99}', ("t",)),
    "below what it takes": (Quirks(bounds=(("t", 0.01, 0.99),)), b'{"t":0}', b'{"t":0.01}', ("t",)),
    "within what it takes": (Quirks(bounds=(("t", 0.0, 1.0),)), b'{"t":1.00}', b'{"t":1.00}', ()),
    "no number where one is bound": (Quirks(bounds=(("t", 0.0, 1.0),)), b'{"t":"hot"}', b'{"t":"hot"}', ()),
    "first its value, then its name": (
        Quirks(words=(("logprobs", "true", "1"),), renames=(("top_logprobs", "logprobs"),)),
        b'{"logprobs":true,"top_logprobs":5}',
        b'{"logprobs":5}',
        (),
    ),
    "more than it takes": (Quirks(most=(("stop", 2),)), b'{"stop":["a", "b","c"]}', b'{"stop":["a","b"]}', ("stop",)),
    "as many as it takes": (Quirks(most=(("stop", 2),)), b'{"stop":["a", "b"]}', b'{"stop":["a", "b"]}', ()),
    "one where there may be more": (Quirks(most=(("stop", 2),)), b'{"stop":"abc"}', b'{"stop":"abc"}', ()),
    "parts in its own form": (
        Quirks(part=own_part),
        b'{"messages":[{"role":"user","content":[{"type":"text", "text":"a"},'
        b'{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,UERG"}},'
        b'{"type":"file","file":{"file_id":"f1"}},{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]}',
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"},'
        b'{"type":"document_url","document_url":"data:application/pdf;base64,UERG","document_name":"a.pdf"},'
        b'{"type":"file","file_id":"f1"},{"type":"input_audio","input_audio":"UklG"}]}]}',
        (),
    ),
    "parts that are its own or nobody's": (
        Quirks(part=own_part),
        b'{"messages":[{"role":"user","content":[{"type":"file","file_id":"f1"}, {"type":"file","file":7},'
        b'{"type":"input_audio","input_audio":"UklG"},{"type":"file","file":{}},{}]},{"content":"a"},{"content":null}]}',
        b'{"messages":[{"role":"user","content":[{"type":"file","file_id":"f1"}, {"type":"file","file":7},'
        b'{"type":"input_audio","input_audio":"UklG"},{"type":"file","file":{}},{}]},{"content":"a"},{"content":null}]}',
        (),
    ),
    "Together's pictures": (
        _PICTURES,
        b'{"prompt":"p","response_format":"b64_json","size":"1024x1024","width":512,"n":1}',
        b'{"prompt":"p","response_format":"base64","width":512,"n":1}',
        ("size",),
    ),
    "Hugging Face's log probabilities": (_ROUTED, b'{"top_logprobs":9}', b'{"top_logprobs":5}', ("top_logprobs",)),
    "turns that may not stand together": (
        Quirks(bridges=(("tool", "user", "Yes."),)),
        b'{"messages":[{"role":"user"},{"role":"tool"},{"role":"tool"},{"role":"user"},{"role":"user"}]}',
        b'{"messages":[{"role":"user"},{"role":"tool"},{"role":"tool"},{"role":"assistant","content":"Yes."},'
        b'{"role":"user"},{"role":"user"}]}',
        (),
    ),
    "turns that may": (
        Quirks(bridges=(("tool", "user", "Yes."),)),
        b'{"messages":[{"role":"tool"}, {"role":"assistant"},{"role":"user"}]}',
        b'{"messages":[{"role":"tool"}, {"role":"assistant"},{"role":"user"}]}',
        (),
    ),
    "a role": (
        Quirks(roles=(("developer", "system"),)),
        b'{"messages":[{"role":"developer","content":"be brief"},{"role":"user","content":"hi"}]}',
        b'{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}',
        (),
    ),
    "a member of messages": (
        Quirks(message_refused=("name",)),
        b'{"messages":[{"role":"user","name":null,"content":"a"},{"role":"user","name":"Ann","content":"b"}]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}',
        ("messages[1].name",),
    ),
    "ids of calls and of their results": (
        Quirks(call_id=str.upper),
        b'{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{}},{"id":"B"}]},'
        b'{"role":"tool","tool_call_id":"a"}]}',
        b'{"messages":[{"role":"assistant","tool_calls":[{"id":"A","function":{}},{"id":"B"}]},'
        b'{"role":"tool","tool_call_id":"A"}]}',
        (),
    ),
}


@pytest.mark.parametrize(("quirks", "body", "bent", "lost"), _BENT.values(), ids=_BENT)
def test_a_body_is_bent_and_what_it_lost_is_named(
    quirks: Quirks, body: bytes, bent: bytes, lost: tuple[str, ...]
) -> None:
    """Order kept, every other value as it was written."""
    assert bend(body, quirks) == (bent, lost)


ALL = Quirks(
    renames=(("a", "b"),),
    refused=("c",),
    roles=(("developer", "system"),),
    message_refused=("name",),
    call_id=str.upper,
)


@pytest.mark.parametrize(
    "messages",
    [
        b'[ {"role" : "user", "content": "\\u00e9\\/ 1.0" } ]',
        b'[{"role":"assistant","tool_calls":[{"id":"A"}]},{"role":"tool","tool_call_id":"A"}]',
        b'"no list"',
        b"[1,2]",
        b'[{"role":7,"tool_calls":{"id":"x"},"tool_call_id":3}]',
        b"null",
    ],
    ids=["as written", "own ids", "text", "numbers", "wrong types", "null"],
)
def test_messages_that_need_no_bending_stay_byte_for_byte(messages: bytes) -> None:
    """Prompt caches go by bytes; and what is no message at all is the provider's to refuse."""
    body = b'{"messages":%b}' % messages
    assert bend(body, ALL) == (body, ())


def test_bending_twice_is_bending_once() -> None:
    """What a provider's own words say is not put into other words again."""
    body = (
        b'{"a":1,"c":2,"messages":[{"role":"developer","name":"x","content":"hi"},{"role":"tool","tool_call_id":"q"}]}'
    )
    once, _ = bend(body, ALL)
    assert bend(once, ALL) == (once, ())
    assert decode(once) == {
        "b": 1,
        "messages": [{"role": "system", "content": "hi"}, {"role": "tool", "tool_call_id": "Q"}],
    }
