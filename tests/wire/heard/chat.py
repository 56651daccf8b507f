"""OpenAI's chat, as openai.md and openai-front-end.md have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.wire.heard.word import FUNCTION, HI, PAGE, PDF, PNG, Word, said, turns

OFFERED: dict[str, Any] = {"tools": [{"type": "function", "function": FUNCTION}]}
CALL = {"id": "c9", "type": "function", "function": {"name": "f9", "arguments": '{"a":9}'}}

WORDS: Mapping[str, Word] = {
    "max_completion_tokens": Word({"max_completion_tokens": 9}),
    "max_tokens": Word({"max_tokens": 9}),
    "temperature": Word({"temperature": 0.9}),
    "top_p": Word({"top_p": 0.9}),
    "top_k": Word({"top_k": 9}),
    "min_p": Word({"min_p": 0.9}),
    "repetition_penalty": Word({"repetition_penalty": 1.9}),
    "num_ctx": Word({"num_ctx": 9}),
    "n": Word({"n": 9}),
    "stop": Word({"stop": "x9"}),
    "stops": Word({"stop": ["x9", "y9"]}),
    "seed": Word({"seed": 9}),
    "presence_penalty": Word({"presence_penalty": 0.9}),
    "frequency_penalty": Word({"frequency_penalty": 0.9}),
    "logit_bias": Word({"logit_bias": {"9": 7}}),
    "logprobs": Word({"logprobs": True, "top_logprobs": 9}),
    "response_format text": Word({"response_format": {"type": "text"}}, "as usual"),
    "response_format json_object": Word({"response_format": {"type": "json_object"}}),
    "response_format json_schema": Word(
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n9", "schema": {"title": "s9"}, "strict": True, "description": "d9"},
            }
        }
    ),
    "response_format unknown": Word({"response_format": {"type": "x9"}}, "refused"),
    "function": Word(OFFERED),
    "custom tool": Word({"tools": [{"type": "custom", "custom": {"name": "f9", "format": {"type": "text"}}}]}),
    "tool_choice word": Word({**OFFERED, "tool_choice": "required"}, aside=("tool_choice",)),
    "tool_choice unknown": Word({**OFFERED, "tool_choice": "x9"}, "refused"),
    "tool_choice named": Word({**OFFERED, "tool_choice": {"type": "function", "function": {"name": "f9"}}}),
    "tool_choice allowed": Word(
        {
            **OFFERED,
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f9"}}]},
            },
        },
        aside=("mode",),
    ),
    "parallel_tool_calls": Word({"parallel_tool_calls": False}),
    "functions": Word({"functions": [{"name": "f9"}], "function_call": {"name": "f9"}}),
    "stream": Word({"stream": True}),
    "include_usage": Word({"stream": True, "stream_options": {"include_usage": True}}),
    "include_obfuscation": Word({"stream_options": {"include_obfuscation": False}}, "as usual"),
    "modalities": Word({"modalities": ["text", "audio"]}, "raw"),
    "audio": Word({"audio": {"voice": "v9"}}, "raw"),
    "prediction": Word({"prediction": {"type": "content", "content": "x9"}}, "raw"),
    "reasoning_effort": Word({"reasoning_effort": "xhigh"}),
    "verbosity": Word({"verbosity": "low"}, "raw"),
    "service_tier": Word({"service_tier": "flex"}),
    "store": Word({"store": True}, "raw"),
    "metadata": Word({"metadata": {"k9": "v9"}}),
    "user": Word({"user": "u9"}),
    "safety_identifier": Word({"safety_identifier": "u9"}),
    "prompt_cache_key": Word({"prompt_cache_key": "k9"}),
    "prompt_cache_retention": Word({"prompt_cache_retention": "24h"}, "raw"),
    "prompt_cache_options": Word({"prompt_cache_options": {"mode": "explicit"}}, "raw"),
    "moderation": Word({"moderation": {"model": "m9"}}, "raw"),
    "web_search_options": Word({"web_search_options": {"search_context_size": "low"}}, "raw"),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
    "system": Word({"messages": [{"role": "system", "content": "s9"}, HI]}),
    "developer": Word({"messages": [{"role": "developer", "content": "s9"}, HI]}),
    "unknown role": Word({"messages": [{"role": "x9", "content": "s9"}]}, "refused"),
    "name": Word({"messages": [{"role": "user", "content": "hi", "name": "n9"}]}),
    "text part": Word(said({"type": "text", "text": "x9"})),
    "cache breakpoint": Word(
        said({"type": "text", "text": "x9", "prompt_cache_breakpoint": {"mode": "explicit"}}), aside=("mode",)
    ),
    "cache control": Word(
        said(
            {"type": "text", "text": "x9", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "image_url", "image_url": {"url": PNG}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        )
    ),
    "image by URL": Word(said({"type": "image_url", "image_url": {"url": "https://e.test/9.png", "detail": "low"}})),
    "image by data": Word(said({"type": "image_url", "image_url": {"url": PNG}})),
    "file by id": Word(said({"type": "file", "file": {"file_id": "file-9"}})),
    "file by data": Word(said({"type": "file", "file": {"filename": "9.pdf", "file_data": PDF}})),
    "audio part": Word(said({"type": "input_audio", "input_audio": {"data": "V0FW", "format": "wav"}})),
    "unknown part": Word(said({"type": "video_url", "video_url": {"url": "https://e.test/9"}}), "refused"),
    "assistant text": Word(turns({"role": "assistant", "content": "a9"}, HI)),
    "assistant refusal": Word(turns({"role": "assistant", "content": None, "refusal": "no9"}, HI)),
    "assistant refusal part": Word(
        turns({"role": "assistant", "content": [{"type": "refusal", "refusal": "no9"}]}, HI)
    ),
    "assistant reasoning": Word(turns({"role": "assistant", "content": "a9", "reasoning_content": "r9"}, HI)),
    "assistant reasoning of others": Word(turns({"role": "assistant", "content": "a9", "reasoning": "r9"}, HI)),
    "assistant reasoning details": Word(
        turns(
            {
                "role": "assistant",
                "content": "a9",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "r9",
                        "signature": "g9",
                        "format": "o9",
                        "id": "i9",
                        "index": 0,
                    },
                    {"type": "reasoning.encrypted", "data": "d9", "format": "o9", "index": 1},
                ],
            },
            HI,
        ),
        aside=("index",),
    ),
    "assistant annotations": Word(
        turns(
            {
                "role": "assistant",
                "content": "a9",
                "annotations": [{"type": "url_citation", "url_citation": PAGE}],
            },
            HI,
        )
    ),
    "assistant audio": Word(turns({"role": "assistant", "content": "a9", "audio": {"id": "audio_9"}}, HI)),
    "tool call": Word(
        turns({"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c9", "content": "r9"})
    ),
    "signed tool call": Word(
        turns(
            {
                "role": "assistant",
                "tool_calls": [{"index": 0, **CALL, "extra_content": {"google": {"thought_signature": "g9"}}}],
            }
        ),
        aside=("index",),
    ),
    "tool result in parts": Word(
        turns(
            {"role": "assistant", "tool_calls": [CALL]},
            {
                "role": "tool",
                "tool_call_id": "c9",
                "content": [{"type": "text", "text": "r9"}, {"type": "image_url", "image_url": {"url": PNG}}],
            },
        )
    ),
    "custom tool call": Word(
        turns(
            {
                "role": "assistant",
                "tool_calls": [{"id": "c9", "type": "custom", "custom": {"name": "f9", "input": "x9"}}],
            }
        )
    ),
    "function call": Word(
        turns(
            {"role": "assistant", "content": None, "function_call": {"name": "f9", "arguments": "{}"}},
            {"role": "function", "name": "f9", "content": "r9"},
        )
    ),
}
