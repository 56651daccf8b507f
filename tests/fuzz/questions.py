"""A sound request to each front end, with something of everything its protocol has; spoiled, each is a hostile one."""

from __future__ import annotations

from typing import Any

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": ["string", "null"], "enum": ["a", None]}, "deep": {"$ref": "#/$defs/d"}},
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"d": {"anyOf": [{"type": "integer", "minimum": 0}, {"const": 1}]}},
}

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Briefer."}], "name": "d"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Well,",
            "reasoning_content": "Hm.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "x"}],
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"city":"a"}'},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {"id": "call_2", "type": "custom", "custom": {"name": "raw", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "sunny"}]},
        {"role": "tool", "tool_call_id": "call_2", "content": "ok"},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "user", "content": "Go on."},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "description": "d", "parameters": _SCHEMA, "strict": True}},
        {"type": "custom", "custom": {"name": "raw", "format": {"type": "text"}}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": _SCHEMA, "strict": True}},
    "max_completion_tokens": 99,
    "temperature": 0.5,
    "top_p": 0.9,
    "stop": ["END"],
    "seed": 7,
    "n": 1,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50256": -100},
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "reasoning_effort": "low",
    "service_tier": "auto",
    "metadata": {"a": "b"},
    "user": "u",
    "store": False,
    "stream_options": {"include_usage": True},
    "router": {"max_attempts": 1, "on_loss": "warn", "affinity_key": "k", "requires": ["tools"]},
}

RESPONSES: dict[str, Any] = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look."},
                {"type": "input_image", "image_url": f"data:image/png;base64,{_PNG}", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "x",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Well,", "annotations": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": '{"city":"a"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "sunny"}]},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_2", "name": "raw", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "ok"},
        {"role": "developer", "content": "Briefer."},
    ],
    "tools": [
        {"type": "function", "name": "look", "description": "d", "parameters": _SCHEMA, "strict": True},
        {"type": "custom", "name": "raw", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}},
        {"type": "web_search_preview", "search_context_size": "low"},
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "parallel_tool_calls": True,
    "text": {"format": {"type": "json_schema", "name": "out", "schema": _SCHEMA, "strict": True}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "max_output_tokens": 99,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_logprobs": 2,
    "include": ["reasoning.encrypted_content"],
    "truncation": "auto",
    "metadata": {"a": "b"},
    "user": "u",
    "store": False,
    "service_tier": "auto",
    "router": {"max_attempts": 1, "on_loss": "warn"},
}

MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 99,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1"},
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look.", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}},
                {"type": "image", "source": {"type": "url", "url": "https://pictures.test/a.png"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                    "title": "t",
                    "citations": {"enabled": True},
                },
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in"}]}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "YmxvYg=="},
                {"type": "text", "text": "Well,", "citations": [{"type": "page_location", "cited_text": "x"}]},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "a"}},
                {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "is_error": True,
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}},
                        {"type": "text", "text": "x"},
                    ],
                },
                {"type": "text", "text": "Go on."},
            ],
        },
    ],
    "tools": [
        {"name": "look", "description": "d", "input_schema": _SCHEMA, "cache_control": {"type": "ephemeral"}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": _SCHEMA}},
    "stop_sequences": ["END"],
    "temperature": 1,
    "top_p": 0.9,
    "top_k": 40,
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
    "router": {"max_attempts": 1, "on_loss": "warn"},
}

COUNT = {name: MESSAGES[name] for name in ("model", "system", "messages", "tools", "tool_choice", "thinking", "router")}

EMBEDDINGS: dict[str, Any] = {
    "model": "m",
    "input": ["a", "b"],
    "dimensions": 8,
    "encoding_format": "base64",
    "user": "u",
    "input_type": "query",
    "router": {"max_attempts": 1, "on_loss": "warn"},
}
TOKENS = {**EMBEDDINGS, "input": [[1, 2], [3]], "encoding_format": "float"}

IMAGES: dict[str, Any] = {
    "model": "m",
    "prompt": "a cat",
    "n": 1,
    "size": "1024x1024",
    "quality": "low",
    "style": "vivid",
    "background": "auto",
    "output_format": "png",
    "output_compression": 50,
    "response_format": "b64_json",
    "moderation": "low",
    "user": "u",
    "router": {"max_attempts": 1, "on_loss": "warn"},
}

MODERATIONS: dict[str, Any] = {
    "model": "m",
    "input": ["a", {"type": "text", "text": "b"}, {"type": "image_url", "image_url": {"url": "https://x.test/y.png"}}],
    "router": {"max_attempts": 1, "on_loss": "warn"},
}

RERANK: dict[str, Any] = {
    "model": "m",
    "query": "q",
    "documents": ["a", {"text": "b", "title": "t"}],
    "top_n": 1,
    "rank_fields": ["text"],
    "return_documents": True,
    "max_tokens_per_doc": 9,
    "router": {"max_attempts": 1, "on_loss": "warn"},
}

QUESTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "openai-chat": (CHAT,),
    "openai-responses": (RESPONSES, {**RESPONSES, "input": "Go on."}),
    "anthropic-messages": (MESSAGES,),
    "anthropic-count": (COUNT,),
    "openai-embeddings": (EMBEDDINGS, TOKENS),
    "openai-images": (IMAGES,),
    "openai-moderations": (MODERATIONS,),
    "cohere-rerank": (RERANK,),
}
"""Codec of a front end -> requests to it."""
