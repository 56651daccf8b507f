"""What is known of a stream while it is read."""

from __future__ import annotations

from actors.reading import Naming, Reading
from router.canon.event import Started, TextDelta
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.openai_chat import DIALECT as CHAT

NAMING = Naming(model="target-model", created_s=1_700_000_000)
START = b'data: {"id":"c1","type":"message-start","delta":{"message":{"role":"assistant"}}}\n\n'


def test_an_answer_whose_provider_names_no_model_has_the_targets() -> None:
    """A caller's client takes an empty model for a broken answer."""
    flow = Reading(COHERE, None, NAMING, 1000).feed(START)
    started = [event for event in flow.events if isinstance(event, Started)]
    assert [(event.model, event.created_s) for event in started] == [("target-model", 1_700_000_000)]


def test_what_came_before_an_error_in_one_block_is_still_said() -> None:
    """How bytes were cut must not decide whether content is lost."""
    chunk = b'data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
    reading = Reading(CHAT, None, NAMING, 1000)
    flow = reading.feed(chunk + b'data: {"error":{"message":"no","type":"server_error"}}\n\n')
    assert [event.text for event in flow.events if isinstance(event, TextDelta)] == ["hi"]
    assert reading.fault is not None
