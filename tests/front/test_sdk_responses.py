"""OpenAI's own Python SDK on `/v1/responses`, whose answer breaks off: what it raises, and what was said until then."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.loops import on_uvloop
from tests.fakes.provider import ScriptedProvider
from tests.fakes.replies import cut_after, error_event, event, stream
from tests.fakes.served import GROUP, remote, routed, served
from tests.fakes.turn import Script, Turn

_RESPONSE: Mapping[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "in_progress",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_ITEM: Mapping[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress"}
_IN_ITEM: Mapping[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_EMPTY: Mapping[str, Any] = {"type": "output_text", "text": "", "annotations": []}
_BEGUN: tuple[Mapping[str, Any], ...] = (
    {"type": "response.created", "response": _RESPONSE},
    {"type": "response.output_item.added", "output_index": 0, "item": {**_ITEM, "content": []}},
    {"type": "response.content_part.added", **_IN_ITEM, "part": _EMPTY},
    {"type": "response.output_text.delta", **_IN_ITEM, "delta": "re", "logprobs": []},
    {"type": "response.output_text.delta", **_IN_ITEM, "delta": "d", "logprobs": []},
)
_TROUBLE = {"code": "server_error", "message": "broke"}


def _speaking(*more: Mapping[str, Any], cut: bool = False) -> Script:
    """A provider that speaks the Responses API itself, says "red" and then this."""

    async def script(turn: Turn) -> None:
        await turn.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for number, said in zip(count(), (*_BEGUN, *more), strict=False):
            await turn.chunk(event({**said, "sequence_number": number}))
        if cut:
            turn.cut()
        else:
            await turn.chunk(b"")

    return script


_BROKEN: Mapping[str, tuple[str, Script, str]] = {
    "translated, cut": ("openai-compatible", cut_after(["re", "d"]), "provider_cut_stream"),
    "translated, no finish reason": ("openai-compatible", stream(["re", "d"], finish=None), "provider_cut_stream"),
    "translated, an error inside": ("openai-compatible", error_event("broke", after=["re", "d"]), "provider_error"),
    "its own, cut": ("openai-responses", _speaking(cut=True), "provider_cut_stream"),
    "its own, no last event": ("openai-responses", _speaking(), "provider_cut_stream"),
    "its own, an error inside": (
        "openai-responses",
        _speaking({"type": "error", "param": None, **_TROUBLE}),
        "provider_error",
    ),
    "its own, failed": (
        "openai-responses",
        _speaking({"type": "response.failed", "response": {**_RESPONSE, "status": "failed", "error": _TROUBLE}}),
        "provider_error",
    ),
}


async def _hear(client: AsyncOpenAI, helper: bool, heard: list[Any]) -> None:
    """Every event of one answer, by the plain stream or by the SDK's accumulator."""
    asked: dict[str, Any] = {"model": GROUP, "input": "Name three colours."}
    if helper:
        async with client.responses.stream(**asked) as events:
            async for said in events:
                heard.append(said)
    else:
        async for said in await client.responses.create(**asked, stream=True):
            heard.append(said)


@pytest.mark.parametrize(("kind", "script", "code"), _BROKEN.values(), ids=_BROKEN)
@on_uvloop
async def test_an_answer_that_breaks_off_raises_where_it_broke(
    kind: str, script: Script, code: str, tmp_path: Path
) -> None:
    """What was said comes first, in order; nothing tells the SDK that this was all, and nobody is asked again."""
    async with ScriptedProvider(script) as provider:
        config = routed(remote(provider, kind=kind, api_key="k"))
        async with (
            served(config, tmp_path) as router,
            AsyncOpenAI(base_url=f"{router.url}/v1", api_key="unused") as client,
        ):
            for before, helper in enumerate((False, True)):
                heard: list[Any] = []
                with pytest.raises(openai.APIError) as raised:
                    await _hear(client, helper, heard)
                said = "".join(each.delta for each in heard if each.type == "response.output_text.delta")
                assert (said, raised.value.code) == ("red", code)
                assert [each.sequence_number for each in heard] == list(range(len(heard)))
                assert not {"response.completed", "response.incomplete"} & {each.type for each in heard}
                assert len(provider.turns) == before + 1
