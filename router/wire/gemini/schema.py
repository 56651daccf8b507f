"""Google's generateContent exactly as on the wire: answers, whole or streamed, and the facts in them.

Nearly every field may be missing: candidates, their content, its parts. Unknown fields are skipped. Names are the
wire's in camel case, so they are not explained here. Requests are written as plain objects by `request.py`.

Source: https://ai.google.dev/api/generate-content, read 2026-11, and recorded traffic of the Gemini API and Vertex AI.
"""

from __future__ import annotations

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

NULL = Raw(b"null")

UNREADABLE = (DecodeError, UnicodeError, RecursionError)
"""What reading JSON of others may raise; the last for one nested without end."""


class FunctionCall(Struct, frozen=True):
    """`args` is an object; `id` is missing on Vertex and on older models."""

    id: str | None = None
    name: str | None = None
    args: Raw = NULL


class Part(Struct, frozen=True, rename="camel"):
    """One part of an answer: text, thinking (`thought`), a call, or one of Google's own, kept whole.

    The signature is the part's, never the call's.
    """

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Raw = NULL
    file_data: Raw = NULL
    executable_code: Raw = NULL
    code_execution_result: Raw = NULL
    tool_call: Raw = NULL
    tool_response: Raw = NULL


class Content(Struct, frozen=True):
    """What a candidate says; `{}` when it says nothing."""

    parts: tuple[Part, ...] | None = None


class Candidate(Struct, frozen=True, rename="camel"):
    """One of the answers, whole or the next piece of it."""

    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    citation_metadata: Raw = NULL
    grounding_metadata: Raw = NULL
    logprobs_result: Raw = NULL


class PromptFeedback(Struct, frozen=True, rename="camel"):
    """Why a prompt was not answered at all."""

    block_reason: str | None = None


class Answer(Struct, frozen=True, rename="camel"):
    """A whole answer, or one event of a stream."""

    candidates: tuple[Candidate, ...] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Raw = NULL
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: Raw = NULL


class ModalityCount(Struct, frozen=True, rename="camel"):
    """Tokens of one kind of medium: TEXT, IMAGE, AUDIO, VIDEO, DOCUMENT."""

    modality: str | None = None
    token_count: int | None = None


class UsageMetadata(Struct, frozen=True, rename="camel"):
    """Token counts; a field that would be 0 is left out."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: tuple[ModalityCount, ...] | None = None
    cache_tokens_details: tuple[ModalityCount, ...] | None = None
    candidates_tokens_details: tuple[ModalityCount, ...] | None = None
    tool_use_prompt_tokens_details: tuple[ModalityCount, ...] | None = None
    service_tier: object = None
    traffic_type: object = None


class TokenProbability(Struct, frozen=True, rename="camel"):
    """A token and how likely it was."""

    token: str = ""
    log_probability: float = 0.0


class TopTokens(Struct, frozen=True):
    """What could have stood at one place."""

    candidates: tuple[TokenProbability, ...] = ()


class LogprobsResult(Struct, frozen=True, rename="camel"):
    """One chosen token, and one list of others, for each place."""

    chosen_candidates: tuple[TokenProbability, ...] | None = None
    top_candidates: tuple[TopTokens, ...] | None = None


class Violation(Struct, frozen=True, rename="camel"):
    """Which quota is spent."""

    quota_id: str = ""


class Detail(Struct, frozen=True, rename="camel"):
    """One of google.rpc's details of an error: RetryInfo, QuotaFailure, ErrorInfo or another."""

    retry_delay: str | None = None
    violations: tuple[Violation, ...] | None = None
    reason: str | None = None


class RpcError(Struct, frozen=True):
    """google.rpc.Status. `code` repeats the HTTP status, `status` is the name of the canonical code."""

    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: tuple[Raw, ...] | None = None


class ErrorBody(Struct, frozen=True):
    """The body of an error."""

    error: RpcError


ANSWER = Decoder(Answer)
USAGE = Decoder(UsageMetadata)
LOGPROBS = Decoder(LogprobsResult)
ERROR = Decoder(ErrorBody)
ERRORS = Decoder(list[ErrorBody])
RPC_ERROR = Decoder(RpcError)
DETAIL = Decoder(Detail)
MEMBERS = Decoder(dict[str, Raw])
ENCODER = Encoder()
