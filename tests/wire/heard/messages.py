"""Anthropic's Messages, as anthropic.md and anthropic-front-end.md have it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.wire.heard.word import HI, Word, said, turns

SOURCE = {"type": "base64", "media_type": "image/png", "data": "UE5H"}
TOOL = {"name": "f9", "description": "d9", "input_schema": {"type": "object", "title": "s9"}}

WORDS: Mapping[str, Word] = {
    "max_tokens": Word({"max_tokens": 9}),
    "max_tokens 0": Word({"max_tokens": 0}),
    "system": Word({"system": "s9"}),
    "system in parts": Word(
        {"system": [{"type": "text", "text": "s9", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}
    ),
    "temperature": Word({"temperature": 0.9}),
    "top_p": Word({"top_p": 0.9}),
    "top_k": Word({"top_k": 9}),
    "stop_sequences": Word({"stop_sequences": ["x9"]}),
    "stream": Word({"stream": True}),
    "user_id": Word({"metadata": {"user_id": "u9"}}),
    "metadata": Word({"metadata": {"k9": "v9"}}),
    "service_tier": Word({"service_tier": "standard_only"}, aside=("service_tier",)),
    "container": Word({"container": "c9"}, "raw"),
    "mcp_servers": Word({"mcp_servers": [{"type": "url", "url": "https://e.test/9"}]}, "raw"),
    "context_management": Word({"context_management": {"edits": [{"type": "x", "keep": "all"}]}}, "raw"),
    "inference_geo": Word({"inference_geo": "us"}, "raw"),
    "speed": Word({"speed": "fast"}, "raw"),
    "cache_control": Word({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, "raw"),
    "fallbacks": Word({"fallbacks": [{"model": "m9"}]}, "raw"),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
    "thinking enabled": Word({"thinking": {"type": "enabled", "budget_tokens": 1029}}),
    "thinking adaptive": Word({"thinking": {"type": "adaptive", "display": "summarized"}}, aside=("display",)),
    "thinking bound": Word({"thinking": {"type": "adaptive", "block_binding": {"x": "b9"}}}),
    "thinking disabled": Word({"thinking": {"type": "disabled"}}),
    "thinking unknown": Word({"thinking": {"type": "x9"}}, "refused"),
    "effort": Word({"output_config": {"effort": "xhigh"}}),
    "format": Word({"output_config": {"format": {"type": "json_schema", "schema": {"title": "s9"}}}}),
    "format of before": Word({"output_format": {"type": "json_schema", "schema": {"title": "s9"}}}),
    "task budget": Word({"output_config": {"task_budget": {"total": 9}}}, "raw"),
    "tool": Word({"tools": [{**TOOL, "strict": True, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}),
    "tool beyond": Word(
        {
            "tools": [
                {
                    **TOOL,
                    "defer_loading": True,
                    "input_examples": [{"a": "e9"}],
                    "allowed_callers": ["x9"],
                    "eager_input_streaming": True,
                }
            ]
        }
    ),
    "server tool": Word({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 9}]}),
    "tool_choice": Word({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f9"}}),
    "tool_choice any": Word({"tools": [TOOL], "tool_choice": {"type": "any"}}),
    "tool_choice unknown": Word({"tools": [TOOL], "tool_choice": {"type": "x9"}}, "refused"),
    "one call": Word({"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
    "text": Word(said({"type": "text", "text": "x9", "cache_control": {"type": "ephemeral", "ttl": "1h"}})),
    "image by URL": Word(said({"type": "image", "source": {"type": "url", "url": "https://e.test/9.png"}})),
    "image by data": Word(said({"type": "image", "source": SOURCE})),
    "image by id": Word(said({"type": "image", "source": {"type": "file", "file_id": "file-9"}})),
    "document": Word(
        said(
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "UERG"},
                "title": "t9",
                "context": "c9",
                "citations": {"enabled": True},
            }
        )
    ),
    "text document": Word(
        said({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x9"}})
    ),
    "document in parts": Word(
        said({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x9"}]}})
    ),
    "document by URL": Word(said({"type": "document", "source": {"type": "url", "url": "https://e.test/9.pdf"}})),
    "search result": Word(
        said(
            {
                "type": "search_result",
                "source": "https://e.test/9",
                "title": "t9",
                "content": [{"type": "text", "text": "x9"}],
                "citations": {"enabled": True},
            }
        )
    ),
    "container upload": Word(said({"type": "container_upload", "file_id": "file-9"})),
    "unknown part": Word(said({"type": "never", "x": "x9"})),
    "system in the middle": Word(turns({"role": "system", "content": "s9"}, HI)),
    "unknown role": Word(turns({"role": "x9", "content": "s9"}), "refused"),
    "tool use": Word(
        turns(
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool_use",
                        "id": "t9",
                        "name": "f9",
                        "input": {"a": "i9"},
                        "caller": {"type": "direct"},
                    }
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t9",
                        "is_error": True,
                        "cache_control": {"type": "ephemeral", "ttl": "1h"},
                        "content": [
                            {"type": "text", "text": "r9"},
                            {"type": "image", "source": SOURCE},
                            {"type": "tool_reference", "tool_name": "g9"},
                            {
                                "type": "search_result",
                                "source": "w9",
                                "title": "t9",
                                "content": [{"type": "text", "text": "x9"}],
                            },
                        ],
                    }
                ],
            },
        )
    ),
    "thinking": Word(
        turns({"role": "assistant", "content": [{"type": "thinking", "thinking": "t9", "signature": "g9"}]}, HI)
    ),
    "redacted thinking": Word(
        turns({"role": "assistant", "content": [{"type": "redacted_thinking", "data": "d9"}]}, HI)
    ),
    "citations": Word(
        turns(
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "text",
                        "text": "a9",
                        "citations": [{"type": "char_location", "cited_text": "q9", "document_index": 0}],
                    }
                ],
            },
            HI,
        )
    ),
    "server tool use": Word(
        turns(
            {
                "role": "assistant",
                "content": [
                    {"type": "server_tool_use", "id": "s9", "name": "web_search", "input": {"q": "q9"}},
                    {"type": "web_search_tool_result", "tool_use_id": "s9", "content": []},
                ],
            },
            HI,
        )
    ),
    "compaction": Word(turns({"role": "assistant", "content": [{"type": "compaction", "content": "x9"}]}, HI)),
}

COUNTED: Mapping[str, Word] = {name: word for name, word in WORDS.items() if not {*word.body} & {"stream"}}
"""What of it a count hears: all but the wish for a stream, and its answer need not be bounded."""
