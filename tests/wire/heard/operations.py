"""What else can be asked: OpenAI's embeddings, moderations and images, Cohere's rerank, as their references have them.

Source: https://platform.openai.com/docs/api-reference and https://docs.cohere.com/reference/rerank, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.wire.heard.word import PNG, Word

EMBEDDINGS: Mapping[str, Word] = {
    "text": Word({"input": "x9"}),
    "texts": Word({"input": ["x9", "y9"]}),
    "ids": Word({"input": [91, 92]}),
    "lists of ids": Word({"input": [[91], [92]]}),
    "text and ids": Word({"input": ["x9", 9]}, "refused"),
    "no input": Word({"input": []}, "refused"),
    "what is no text": Word({"input": {"x": "y9"}}, "refused"),
    "dimensions": Word({"dimensions": 9}),
    "base64": Word({"encoding_format": "base64"}, aside=("encoding_format",)),
    "float": Word({"encoding_format": "float"}, "as usual"),
    "an unknown form": Word({"encoding_format": "x9"}, "refused"),
    "user": Word({"user": "u9"}),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
    "input_type": Word({"input_type": "search_query"}, "raw"),
}
MODERATIONS: Mapping[str, Word] = {
    "text": Word({"input": "x9"}),
    "texts": Word({"input": ["x9", "y9"]}),
    "parts": Word(
        {"input": [{"type": "text", "text": "x9"}, {"type": "image_url", "image_url": {"url": PNG}}]},
    ),
    "no input": Word({"input": []}, "refused"),
    "model": Word({"model": "m9"}),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
}
IMAGES: Mapping[str, Word] = {
    "prompt": Word({"prompt": "x9"}),
    "what is no prompt": Word({"prompt": ["x9"]}, "refused"),
    "n": Word({"n": 9}),
    "model": Word({"model": "m9"}),
    "stream": Word({"stream": True}, "raw"),
    "what is no switch": Word({"stream": "x9"}, "refused"),
    "size": Word({"size": "1024x1024"}, "raw"),
    "quality": Word({"quality": "hd"}, "raw"),
    "style": Word({"style": "vivid"}, "raw"),
    "response_format": Word({"response_format": "b64_json"}, "raw"),
    "background": Word({"background": "transparent"}, "raw"),
    "moderation": Word({"moderation": "low"}, "raw"),
    "output_format": Word({"output_format": "webp"}, "raw"),
    "output_compression": Word({"output_compression": 9}, "raw"),
    "partial_images": Word({"partial_images": 9}, "raw"),
    "user": Word({"user": "u9"}, "raw"),
}
RERANK: Mapping[str, Word] = {
    "query": Word({"query": "q9"}),
    "documents": Word({"documents": ["x9", "y9"]}),
    "documents with text": Word({"documents": [{"text": "x9"}]}),
    "documents with more": Word({"documents": [{"text": "x9", "title": "t9", "id": 91}]}),
    "documents without text": Word({"documents": [{"title": "t9"}]}, "refused"),
    "no documents": Word({"documents": []}, "refused"),
    "top_n": Word({"top_n": 9}),
    "max_tokens_per_doc": Word({"max_tokens_per_doc": 9}),
    "return_documents": Word({"return_documents": True}, "raw"),
    "rank_fields": Word({"rank_fields": ["title", "text9"]}, "raw"),
    "priority": Word({"priority": 9}, "raw"),
    "never heard of": Word({"x9": {"y": "z9"}}, "raw"),
}
