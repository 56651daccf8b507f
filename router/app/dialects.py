"""What callers may ask for, and in which dialect."""

from __future__ import annotations

from collections.abc import Mapping

from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.cohere_v2 import DIALECT as COHERE
from router.wire.dialect import Codec, Dialect
from router.wire.openai_chat import DIALECT as OPENAI_CHAT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES

SPOKEN: tuple[Dialect, ...] = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, COHERE)
"""The dialects that callers speak, some of them for one operation only; providers may speak others, that their kinds
bring along."""

CODECS: Mapping[str, Codec] = {
    codec.name: codec for dialect in SPOKEN for codec in dialect.codecs.values() if codec.front is not None
}
"""Every operation of theirs that is heard, by name."""

FRONT_DIALECT = OPENAI_CHAT
"""The dialect of embedding programs, and of errors on paths that belong to none."""
