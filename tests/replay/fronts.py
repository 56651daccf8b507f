"""The three front ends as their clients know them: how to ask, what they have words for, and what they must keep to.

What a protocol cannot say stands here as data, with the reason that the table prints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.replay.said import Answer, Said

Json = Any

_ASKED = [{"role": "user", "content": "Go on."}]


class Front(NamedTuple):
    """One front end.

    `apis` are the protocols of recordings that it passes on as they came. `endings` has its word for each class of
    ending; an answer in the provider's own bytes may hold another word of the same class. `statuses` says which status
    an error's reason has, where it is not 502.
    """

    name: str
    path: str
    api: str
    apis: tuple[str, ...]
    body: Callable[[str, bool], Json]
    endings: Mapping[str, str]
    statuses: Mapping[str, int]
    unsaid: tuple[tuple[Callable[[Said, Said], bool], str], ...]

    def cannot(self, recorded: Said, heard: Said) -> tuple[str, ...]:
        """Why it could not say all that was recorded; nothing when it could."""
        return tuple(why for found, why in self.unsaid if found(recorded, heard))


def _chat(model: str, streamed: bool) -> Json:
    more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    return {"model": model, "messages": _ASKED, **more}


def _responses(model: str, streamed: bool) -> Json:
    return {"model": model, "input": _ASKED, "store": False, **({"stream": True} if streamed else {})}


def _messages(model: str, streamed: bool) -> Json:
    return {"model": model, "messages": _ASKED, "max_tokens": 1024, **({"stream": True} if streamed else {})}


def _several(recorded: Said, _: Said) -> bool:
    return len(recorded.answers) > 1


def _foreign(recorded: Said, heard: Said) -> bool:
    return any(one.own for one in recorded.answers) and not any(one.own for one in heard.answers)


def _uncounted(recorded: Said, heard: Said) -> bool:
    return recorded.usage is None and heard.usage is not None and not any(heard.usage)


_OWN_TOOLS = (_foreign, "what a provider's own tools did has words only in the provider's protocol")
_ONE_ANSWER = (_several, "this protocol has one answer to a request: the others are left out")
_ZEROS = (_uncounted, "this protocol's clients need counts, so what nobody counted reads as 0")

_STATUSES = {
    "rejected": 400,
    "context_length": 400,
    "content_policy": 400,
    "too_large": 413,
    "throttled": 429,
    "quota_exhausted": 503,
    "overloaded": 503,
}

CHAT = Front(
    name="chat",
    path="/v1/chat/completions",
    api="openai.chat",
    apis=("openai.chat", "mistral.chat"),
    body=_chat,
    endings={
        "stop": "stop",
        "length": "length",
        "full": "length",
        "paused": "length",
        "calls": "tool_calls",
        "filtered": "content_filter",
        "refused": "content_filter",
    },
    statuses=_STATUSES,
    unsaid=(_OWN_TOOLS,),
)

RESPONSES = Front(
    name="responses",
    path="/v1/responses",
    api="openai.responses",
    apis=("openai.responses",),
    body=_responses,
    endings={
        "stop": "completed",
        "calls": "completed",
        "refused": "completed",
        "length": "max_output_tokens",
        "full": "max_output_tokens",
        "paused": "max_output_tokens",
        "filtered": "content_filter",
    },
    statuses=_STATUSES,
    unsaid=(_OWN_TOOLS, _ONE_ANSWER, _ZEROS),
)

MESSAGES = Front(
    name="messages",
    path="/v1/messages",
    api="anthropic.messages",
    apis=("anthropic.messages", "bedrock.invoke", "bedrock.invoke_stream"),
    body=_messages,
    endings={
        "stop": "end_turn",
        "length": "max_tokens",
        "calls": "tool_use",
        "filtered": "refusal",
        "refused": "refusal",
        "paused": "pause_turn",
        "full": "model_context_window_exceeded",
    },
    statuses={**_STATUSES, "overloaded": 529},
    unsaid=(_OWN_TOOLS, _ONE_ANSWER, _ZEROS),
)

FRONTS = (CHAT, RESPONSES, MESSAGES)


def sayable(front: Front, recorded: Said) -> tuple[Answer, ...]:
    """The recorded answers, as far as this front can say them: one where it has one, a refusal as text where it must.

    Thinking is compared without white space: where two thoughts meet, some protocols put a blank line.
    """
    answers = recorded.answers if front is CHAT else recorded.answers[:1]
    if front is MESSAGES:
        answers = tuple(one._replace(text=one.text + one.refusal, refusal="") for one in answers)
    return answers


def asked(front: Front, model: str, *, streamed: bool) -> bytes:
    """A request to it."""
    return json.dumps(front.body(model, streamed)).encode()
