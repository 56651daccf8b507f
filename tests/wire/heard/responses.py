"""OpenAI's Responses, as openai.md and openai-front-end.md have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.wire.heard.word import FUNCTION, HI, PAGE, PDF, PNG, Word

FLAT: dict[str, Any] = {"tools": [{"type": "function", **FUNCTION}]}
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def items(*given: object) -> dict[str, Any]:
    """These after a first message."""
    return {"input": [HI, *given]}


def part(given: object) -> dict[str, Any]:
    """A message of this part."""
    return {"input": [{"role": "user", "content": [given]}]}


WORDS: Mapping[str, Word] = {
    "text": Word({"input": "x9"}),
    "instructions": Word({"instructions": "s9"}),
    "max_output_tokens": Word({"max_output_tokens": 9}),
    "temperature": Word({"temperature": 0.9}),
    "top_p": Word({"top_p": 0.9}),
    "top_logprobs": Word({"top_logprobs": 9}),
    "include logprobs": Word({"include": ["message.output_text.logprobs"]}, aside=("include",)),
    "include sealed thinking": Word({"include": ["reasoning.encrypted_content"]}, "as usual"),
    "include sources": Word({"include": ["web_search_call.action.sources"]}, "raw"),
    "format text": Word({"text": {"format": {"type": "text"}}}, "as usual"),
    "format json_object": Word({"text": {"format": {"type": "json_object"}}}),
    "format json_schema": Word(
        {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "n9",
                    "schema": {"title": "s9"},
                    "strict": True,
                    "description": "d9",
                }
            }
        }
    ),
    "format unknown": Word({"text": {"format": {"type": "x9"}}}, "refused"),
    "verbosity": Word({"text": {"verbosity": "low"}}, "raw"),
    "reasoning": Word({"reasoning": {"effort": "xhigh", "summary": "detailed"}}),
    "summary by its old name": Word({"reasoning": {"generate_summary": "detailed"}}),
    "reasoning context": Word({"reasoning": {"context": "all_turns", "mode": "m9"}}, "raw"),
    "function": Word(FLAT),
    "function beyond": Word(
        {
            "tools": [
                {
                    **FLAT["tools"][0],
                    "output_schema": {"title": "o9"},
                    "defer_loading": True,
                    "allowed_callers": ["x9"],
                }
            ]
        }
    ),
    "custom tool": Word({"tools": [{"type": "custom", "name": "f9", "format": {"type": "text"}}]}),
    "server tool": Word({"tools": [{"type": "web_search", "search_context_size": "low"}]}),
    "tool_choice word": Word({**FLAT, "tool_choice": "required"}, aside=("tool_choice",)),
    "tool_choice named": Word({**FLAT, "tool_choice": {"type": "function", "name": "f9"}}),
    "tool_choice allowed": Word(
        {
            **FLAT,
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f9"}],
            },
        },
        aside=("mode",),
    ),
    "parallel_tool_calls": Word({"parallel_tool_calls": False}),
    "stream": Word({"stream": True}),
    "include_obfuscation": Word({"stream_options": {"include_obfuscation": False}}, "as usual"),
    "store": Word({"store": True}, "raw"),
    "not stored": Word({"store": False}, "as usual"),
    "metadata": Word({"metadata": {"k9": "v9"}}),
    "user": Word({"user": "u9"}),
    "safety_identifier": Word({"safety_identifier": "u9"}),
    "prompt_cache_key": Word({"prompt_cache_key": "k9"}),
    "prompt_cache_retention": Word({"prompt_cache_retention": "24h"}, "raw"),
    "service_tier": Word({"service_tier": "flex"}),
    "truncation": Word({"truncation": "auto"}, "raw"),
    "no truncation": Word({"truncation": "disabled"}, "as usual"),
    "background": Word({"background": True}, "refused"),
    "max_tool_calls": Word({"max_tool_calls": 9}, "raw"),
    "conversation": Word({"conversation": "conv_9"}, "refused"),
    "previous_response_id": Word({"previous_response_id": "resp_9"}, "refused"),
    "prompt": Word({"prompt": {"id": "p9"}}, "refused"),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
    "input_text": Word(part({"type": "input_text", "text": "x9"})),
    "cache breakpoints": Word(
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "x9", **BREAK},
                        {"type": "input_image", "image_url": PNG, **BREAK},
                        {"type": "input_file", "filename": "9.pdf", "file_data": PDF, **BREAK},
                    ],
                }
            ]
        },
        aside=("mode",),
    ),
    "input_image": Word(part({"type": "input_image", "image_url": "https://e.test/9.png", "detail": "original"})),
    "image by id": Word(part({"type": "input_image", "file_id": "file-9"})),
    "file by id": Word(part({"type": "input_file", "file_id": "file-9"})),
    "file by URL": Word(part({"type": "input_file", "file_url": "https://e.test/9.pdf"})),
    "file by data": Word(part({"type": "input_file", "filename": "9.pdf", "file_data": PDF})),
    "input_audio": Word(part({"type": "input_audio", "input_audio": {"data": "V0FW", "format": "wav"}})),
    "unknown part": Word(part({"type": "x9"}), "refused"),
    "developer": Word(items({"role": "developer", "content": "s9"})),
    "answer": Word(
        items(
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_9",
                "phase": "commentary",
                "content": [{"type": "output_text", "text": "a9", "annotations": [{"type": "url_citation", **PAGE}]}],
            }
        ),
        aside=("id",),
    ),
    "refusal": Word(items({"role": "assistant", "content": [{"type": "refusal", "refusal": "no9"}]})),
    "function_call": Word(
        items(
            {
                "type": "function_call",
                "id": "fc_9",
                "call_id": "c9",
                "name": "f9",
                "arguments": '{"a":9}',
                "namespace": "ns9",
            },
            {"type": "function_call_output", "call_id": "c9", "output": "r9"},
        ),
        aside=("id",),
    ),
    "output in parts": Word(
        items(
            {"type": "function_call", "call_id": "c9", "name": "f9", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c9",
                "output": [
                    {"type": "input_text", "text": "r9"},
                    {"type": "input_image", "image_url": "https://e.test/9.png"},
                ],
            },
        )
    ),
    "custom_tool_call": Word(items({"type": "custom_tool_call", "call_id": "c9", "name": "f9", "input": "x9"})),
    "reasoning item": Word(
        items(
            {
                "type": "reasoning",
                "id": "rs_9",
                "summary": [{"type": "summary_text", "text": "t9"}],
                "encrypted_content": "e9",
            }
        )
    ),
    "reasoning text": Word(
        items(
            {
                "type": "reasoning",
                "id": "rs_9",
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "t9"}],
            }
        )
    ),
    "item_reference": Word(items({"type": "item_reference", "id": "msg_9"}), "refused"),
    "web_search_call": Word(items({"type": "web_search_call", "id": "ws_9", "status": "completed"})),
    "compaction": Word(items({"type": "compaction", "encrypted_content": "e9"})),
}
