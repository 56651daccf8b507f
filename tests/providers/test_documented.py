"""Every error that a provider documents, kind by kind, and whose it is.

What a reason allows, asking again or somebody else, is one table for all of them: `router/policy/retry.py`.

Sources: the pages on errors of each provider's documentation, named in its file of `router/providers/`, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from router.errors import Reason as R
from router.providers import find_kinds

KINDS = find_kinds()

Said = tuple[dict[str, str], dict[str, Any]]
Row = tuple[int, str, str, R]
"""Status, the provider's code or type, its words, what it means."""


def _openai(code: str, words: str) -> Said:
    return {}, {"error": {"message": words or "no", "type": "t", "param": None, "code": code or None}}


def _anthropic(kind: str, words: str) -> Said:
    return {}, {"type": "error", "error": {"type": kind, "message": words or "no"}}


def _google(code: str, words: str) -> Said:
    """`code` is the canonical code, and after a slash the reason of an ErrorInfo or the id of a quota."""
    status, _, more = code.partition("/")
    details = [{"violations": [{"quotaId": more}]} if "Per" in more else {"reason": more}] if more else []
    return {}, {"error": {"code": 0, "status": status, "message": words or "no", "details": details}}


def _aws(code: str, words: str) -> Said:
    return {"x-amzn-errortype": f"{code}:http://internal.amazon.com/"}, {"message": words or "no"}


def _message(_code: str, words: str) -> Said:
    return {}, {"message": words or "no"}


def _error(_code: str, words: str) -> Said:
    return {}, {"error": words or "no"}


def _flat(code: str, words: str) -> Said:
    return {}, {"code": code or "c", "error": words or "no"}


def _mistral(_code: str, words: str) -> Said:
    return {}, {"object": "error", "message": words or "no", "type": "t", "code": "1"}


def _numbered(kind: str, words: str) -> Said:
    """As vLLM and Perplexity say it: the code is the status, and tells nothing."""
    return {}, {"error": {"message": words or "no", "type": kind or "t", "param": None, "code": 400}}


def _bare(code: str, words: str) -> Said:
    """Without an envelope, as Cerebras says it."""
    return {}, {"message": words or "no", "type": "t", "param": "p", "code": code or None}


def _available(code: str, words: str) -> Said:
    return {}, {"error": {"code": 0, "message": words or "no", "availability": {"code": code, "retryable": False}}}


def _detail(form: str, words: str) -> Said:
    """As FastAPI says it: a sentence, or a list of what is wrong."""
    return {}, {"detail": [{"loc": ["body"], "msg": words, "type": "t"}] if form else words or "no"}


def _openrouter(kind: str, words: str) -> Said:
    return {}, {"error": {"code": 0, "message": words or "no", "metadata": {"error_type": kind}}}


def _plain(*pairs: tuple[int, R]) -> tuple[Row, ...]:
    """Errors of which the status tells all."""
    return tuple((status, "", "", reason) for status, reason in pairs)


def _coded(status: int, codes: str, reason: R) -> tuple[Row, ...]:
    """Several codes with one meaning."""
    return tuple((status, code, "", reason) for code in codes.split())


_GOOGLE: tuple[Row, ...] = (
    *_coded(400, "INVALID_ARGUMENT", R.REJECTED),
    *_coded(400, "INVALID_ARGUMENT/API_KEY_INVALID FAILED_PRECONDITION", R.CREDENTIAL),
    (400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens (8).", R.CONTEXT_LENGTH),
    *_coded(401, "UNAUTHENTICATED", R.CREDENTIAL),
    *_coded(403, "PERMISSION_DENIED PERMISSION_DENIED/SERVICE_DISABLED", R.CREDENTIAL),
    *_coded(404, "NOT_FOUND", R.MODEL_MISSING),
    (429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later.", R.THROTTLED),
    *_coded(429, "RESOURCE_EXHAUSTED/GenerateRequestsPerMinutePerProject", R.THROTTLED),
    *_coded(429, "RESOURCE_EXHAUSTED/GenerateRequestsPerDayPerProject", R.QUOTA_EXHAUSTED),
    *_coded(499, "CANCELLED", R.SERVER_ERROR),
    *_coded(500, "INTERNAL", R.SERVER_ERROR),
    *_coded(503, "UNAVAILABLE", R.OVERLOADED),
    *_coded(504, "DEADLINE_EXCEEDED", R.SERVER_ERROR),
)

_OPENAI: tuple[Row, ...] = (
    *_coded(400, "context_length_exceeded", R.CONTEXT_LENGTH),
    *_coded(400, "unsupported_value unsupported_parameter decimal_below_min_value invalid_image_format", R.REJECTED),
    *_coded(400, "content_policy_violation", R.CONTENT_POLICY),
    *_coded(400, "model_not_found", R.MODEL_MISSING),
    *_coded(401, "invalid_api_key", R.CREDENTIAL),
    *_coded(403, "unsupported_country_region_territory", R.CREDENTIAL),
    *_coded(404, "model_not_found", R.MODEL_MISSING),
    *_plain((408, R.SERVER_ERROR), (409, R.SERVER_ERROR), (413, R.TOO_LARGE), (422, R.REJECTED)),
    *_coded(429, "rate_limit_exceeded slow_down", R.THROTTLED),
    *_coded(429, "insufficient_quota credit_balance_exhausted billing_hard_limit_reached", R.QUOTA_EXHAUSTED),
    *_plain((500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (504, R.SERVER_ERROR)),
    *_coded(503, "server_is_overloaded", R.OVERLOADED),
)

DOCUMENTED: dict[str, tuple[Callable[[str, str], Said], tuple[Row, ...]]] = {
    "openai": (_openai, _OPENAI),
    "openai-responses": (_openai, _OPENAI),
    "azure": (
        _openai,
        (
            *_coded(400, "invalid_request_error unsupported_api_version", R.REJECTED),
            *_coded(400, "context_length_exceeded", R.CONTEXT_LENGTH),
            *_coded(400, "content_filter", R.CONTENT_POLICY),
            *_coded(400, "OperationNotSupported", R.MODEL_MISSING),
            *_coded(401, "401", R.CREDENTIAL),
            (403, "403", "The resource has been temporarily blocked.", R.CREDENTIAL),
            *_coded(404, "DeploymentNotFound 404", R.MODEL_MISSING),
            *_plain((408, R.SERVER_ERROR), (424, R.SERVER_ERROR), (500, R.SERVER_ERROR), (503, R.OVERLOADED)),
            (429, "429", "Requests to it have been limited. Please retry after 6 seconds.", R.THROTTLED),
            (429, "429", "The service is temporarily unable to process your request.", R.OVERLOADED),
        ),
    ),
    "anthropic": (
        _anthropic,
        (
            (400, "invalid_request_error", "", R.REJECTED),
            (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", R.CONTEXT_LENGTH),
            (400, "invalid_request_error", "You have reached your specified API usage limits.", R.QUOTA_EXHAUSTED),
            *_coded(401, "authentication_error", R.CREDENTIAL),
            *_coded(402, "billing_error", R.QUOTA_EXHAUSTED),
            *_coded(403, "permission_error", R.CREDENTIAL),
            *_coded(404, "not_found_error", R.MODEL_MISSING),
            *_coded(409, "conflict_error", R.SERVER_ERROR),
            *_coded(413, "request_too_large", R.TOO_LARGE),
            *_coded(429, "rate_limit_error", R.THROTTLED),
            (429, "rate_limit_error", "This would exceed your monthly spend limit.", R.QUOTA_EXHAUSTED),
            *_coded(500, "api_error", R.SERVER_ERROR),
            *_coded(504, "timeout_error", R.SERVER_ERROR),
            *_coded(529, "overloaded_error", R.OVERLOADED),
        ),
    ),
    "gemini": (_google, _GOOGLE),
    "vertex": (_google, _GOOGLE),
    "bedrock": (
        _aws,
        (
            *_coded(400, "ValidationException", R.REJECTED),
            (400, "ValidationException", "Input is too long for requested model.", R.CONTEXT_LENGTH),
            *_coded(400, "ServiceQuotaExceededException", R.QUOTA_EXHAUSTED),
            *_coded(403, "AccessDeniedException UnrecognizedClientException ExpiredTokenException", R.CREDENTIAL),
            *_coded(403, "InvalidSignatureException", R.CREDENTIAL),
            *_coded(404, "ResourceNotFoundException", R.MODEL_MISSING),
            *_coded(408, "ModelTimeoutException", R.SERVER_ERROR),
            *_coded(424, "ModelErrorException", R.SERVER_ERROR),
            (429, "ThrottlingException", "Too many tokens, please wait.", R.THROTTLED),
            (429, "ThrottlingException", "Too many tokens per day.", R.QUOTA_EXHAUSTED),
            *_coded(429, "ModelNotReadyException", R.OVERLOADED),
            *_coded(500, "InternalServerException", R.SERVER_ERROR),
            *_coded(503, "ServiceUnavailableException", R.OVERLOADED),
        ),
    ),
    "cohere": (
        _message,
        (
            (400, "", "invalid request", R.REJECTED),
            (400, "", "too many tokens: size limit exceeded", R.CONTEXT_LENGTH),
            *_plain((401, R.CREDENTIAL), (402, R.QUOTA_EXHAUSTED), (403, R.CREDENTIAL), (404, R.MODEL_MISSING)),
            *_plain((408, R.SERVER_ERROR), (409, R.SERVER_ERROR), (422, R.REJECTED), (429, R.THROTTLED)),
            (429, "", "You are using a Trial key, which is limited to 1000 API calls / month", R.QUOTA_EXHAUSTED),
            (498, "", "invalid token", R.CONTENT_POLICY),
            *_plain((500, R.SERVER_ERROR), (501, R.REJECTED), (503, R.OVERLOADED), (504, R.SERVER_ERROR)),
        ),
    ),
    "ollama": (
        _error,
        (
            (400, "", '"m" does not support thinking', R.REJECTED),
            (400, "", "prompt is longer than the context length", R.CONTEXT_LENGTH),
            *_plain((401, R.CREDENTIAL), (403, R.CREDENTIAL), (429, R.THROTTLED), (502, R.SERVER_ERROR)),
            (404, "", "model 'm' not found", R.MODEL_MISSING),
            (500, "", "llama runner process has terminated: exit status 2", R.SERVER_ERROR),
            (500, "", "model requires more system memory (8 GiB) than is available", R.OVERLOADED),
            (503, "", "server busy, please try again.  maximum pending requests exceeded", R.OVERLOADED),
        ),
    ),
    "mistral": (
        _mistral,
        (
            (400, "", "Prompt contains 9 tokens, too large for model with 8 maximum context length", R.CONTEXT_LENGTH),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (403, R.CREDENTIAL), (404, R.MODEL_MISSING)),
            *_plain((422, R.REJECTED), (429, R.THROTTLED)),
            (429, "", "monthly usage limit reached", R.QUOTA_EXHAUSTED),
            *_plain((500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (503, R.OVERLOADED), (504, R.SERVER_ERROR)),
            *_plain((520, R.SERVER_ERROR)),
        ),
    ),
    "groq": (
        _openai,
        (
            (
                400,
                "context_length_exceeded",
                "Please reduce the length of the messages or completion.",
                R.CONTEXT_LENGTH,
            ),
            *_coded(400, "invalid_request_error", R.REJECTED),
            *_coded(400, "tool_use_failed json_validate_failed", R.MALFORMED),
            *_plain((401, R.CREDENTIAL), (403, R.CREDENTIAL)),
            *_coded(404, "model_not_found", R.MODEL_MISSING),
            *_coded(413, "rate_limit_exceeded", R.TOO_LARGE),
            *_plain((413, R.TOO_LARGE), (422, R.REJECTED), (424, R.SERVER_ERROR)),
            (422, "", "the model hallucinated a tool", R.MALFORMED),
            *_coded(429, "rate_limit_exceeded", R.THROTTLED),
            *_coded(498, "capacity_exceeded", R.OVERLOADED),
            *_plain((499, R.SERVER_ERROR), (500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (503, R.OVERLOADED)),
        ),
    ),
    "together": (
        _openai,
        (
            (403, "", "`inputs` tokens + `max_new_tokens` must be <= 8193", R.CONTEXT_LENGTH),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (402, R.QUOTA_EXHAUSTED), (403, R.CREDENTIAL)),
            *_plain((404, R.MODEL_MISSING), (413, R.TOO_LARGE), (422, R.REJECTED), (429, R.THROTTLED)),
            *_plain((500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (503, R.OVERLOADED), (504, R.SERVER_ERROR)),
            *_plain((524, R.SERVER_ERROR), (529, R.OVERLOADED)),
        ),
    ),
    "deepseek": (
        _openai,
        (
            (
                400,
                "invalid_request_error",
                "This model's maximum context length is 8 tokens. However, ...",
                R.CONTEXT_LENGTH,
            ),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (422, R.REJECTED), (429, R.THROTTLED)),
            (400, "invalid_request_error", "Model Not Exist", R.MODEL_MISSING),
            (402, "unknown_error", "Insufficient Balance", R.QUOTA_EXHAUSTED),
            *_plain((500, R.SERVER_ERROR), (503, R.OVERLOADED)),
        ),
    ),
    "xai": (
        _flat,
        (
            (400, "", "This model's maximum prompt length is 8 but the request contains 9 tokens.", R.CONTEXT_LENGTH),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (403, R.CREDENTIAL), (404, R.MODEL_MISSING)),
            (400, "", "Incorrect API key provided", R.CREDENTIAL),
            (403, "", "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO", R.CONTENT_POLICY),
            *_plain((422, R.REJECTED), (429, R.THROTTLED)),
            (429, "", "Your team has used all credits or reached its monthly spending limit.", R.QUOTA_EXHAUSTED),
        ),
    ),
    "openrouter": (
        _openrouter,
        (
            *_coded(400, "invalid_request invalid_prompt string_too_long", R.REJECTED),
            *_coded(400, "context_length_exceeded token_limit_exceeded", R.CONTEXT_LENGTH),
            *_coded(400, "content_policy_violation", R.CONTENT_POLICY),
            *_coded(401, "authentication", R.CREDENTIAL),
            *_coded(402, "payment_required", R.QUOTA_EXHAUSTED),
            *_coded(403, "permission_denied", R.CREDENTIAL),
            *_coded(403, "moderation guardrail", R.CONTENT_POLICY),
            *_coded(400, "refusal image_content_policy_violation", R.CONTENT_POLICY),
            *_coded(400, "model_not_found", R.MODEL_MISSING),
            *_coded(503, "temporarily_unavailable", R.OVERLOADED),
            *_coded(404, "not_found", R.MODEL_MISSING),
            *_coded(408, "timeout", R.SERVER_ERROR),
            *_coded(412, "precondition_failed", R.REJECTED),
            *_coded(413, "payload_too_large", R.TOO_LARGE),
            *_coded(422, "unprocessable", R.REJECTED),
            *_coded(429, "rate_limit_exceeded", R.THROTTLED),
            *_coded(500, "server", R.SERVER_ERROR),
            *_coded(502, "provider_unavailable", R.SERVER_ERROR),
            *_coded(503, "provider_overloaded", R.OVERLOADED),
            *_coded(504, "timeout", R.SERVER_ERROR),
            *_coded(524, "timeout", R.SERVER_ERROR),
            *_coded(529, "provider_overloaded", R.OVERLOADED),
        ),
    ),
    "openrouter on what is available": (
        _available,
        (
            *_coded(404, "no_endpoints model_deprecated privacy_restricted constraint_filtered", R.MODEL_MISSING),
            *_coded(404, "free_variant_ended model_unavailable_upstream", R.MODEL_MISSING),
            *_coded(429, "capacity_exhausted", R.OVERLOADED),
        ),
    ),
    "huggingface": (
        _error,
        (
            (422, "", "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8", R.CONTEXT_LENGTH),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (402, R.QUOTA_EXHAUSTED), (403, R.CREDENTIAL)),
            (400, "", "Model a/m is not supported by provider p", R.MODEL_MISSING),
            (400, "", "a/m is not a chat model", R.MODEL_MISSING),
            *_plain((404, R.MODEL_MISSING), (408, R.SERVER_ERROR), (422, R.REJECTED), (429, R.THROTTLED)),
            *_plain((500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (503, R.OVERLOADED), (504, R.SERVER_ERROR)),
        ),
    ),
    "zai": (
        _openai,
        (
            *_coded(400, "1210 1212 1213 1214 1215 1231", R.REJECTED),
            *_coded(400, "1211", R.MODEL_MISSING),
            *_coded(400, "1261", R.CONTEXT_LENGTH),
            *_coded(400, "1300 1301", R.CONTENT_POLICY),
            *_coded(401, "1000 1001 1002 1003 1004", R.CREDENTIAL),
            # The key is good, and may go on being used for other models.
            *_coded(403, "1220 1221 1222", R.MODEL_MISSING),
            *_plain((434, R.REJECTED), (435, R.REJECTED)),
            *_coded(429, "1110 1111 1112 1121", R.CREDENTIAL),
            *_coded(429, "1113 1304 1308 1309 1310", R.QUOTA_EXHAUSTED),
            *_coded(429, "1302 1303", R.THROTTLED),
            *_coded(429, "1120 1305", R.OVERLOADED),
            *_coded(500, "500 1200 1230 1234", R.SERVER_ERROR),
        ),
    ),
    "opencode": (
        _anthropic,
        (
            (400, "invalid_request_error", "Error from provider: prompt is too long: 9 tokens > 8", R.CONTEXT_LENGTH),
            *_coded(401, "AuthError", R.CREDENTIAL),
            *_coded(401, "CreditsError MonthlyLimitError UserLimitError", R.QUOTA_EXHAUSTED),
            *_coded(401, "ModelError", R.MODEL_MISSING),
            *_coded(403, "RegionError", R.CREDENTIAL),
            *_coded(429, "RateLimitError FreeUsageLimitError", R.THROTTLED),
            *_coded(429, "GoUsageLimitError BlackUsageLimitError", R.QUOTA_EXHAUSTED),
            *_coded(500, "error", R.SERVER_ERROR),
            *_plain((499, R.SERVER_ERROR)),
            # A 404 of who is behind it arrives as a 400.
            (400, "", "Error from provider (Console): The model `m` does not exist", R.MODEL_MISSING),
        ),
    ),
    "ai21": (
        _detail,
        (
            (400, "", "Bad request: bad or missing authentication.", R.CREDENTIAL),
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (403, R.CREDENTIAL), (404, R.MODEL_MISSING)),
            *_plain((405, R.REJECTED), (408, R.SERVER_ERROR), (422, R.REJECTED), (424, R.SERVER_ERROR)),
            *_plain((429, R.THROTTLED), (500, R.SERVER_ERROR), (503, R.OVERLOADED)),
            (422, "list", "max_tokens", R.REJECTED),
        ),
    ),
    "github-models": (
        _openai,
        (
            *_plain((400, R.REJECTED), (401, R.CREDENTIAL), (403, R.CREDENTIAL), (422, R.REJECTED)),
            *_coded(404, "unknown_model", R.MODEL_MISSING),
            *_coded(413, "tokens_limit_reached", R.CONTEXT_LENGTH),
            (429, "RateLimitReached", "Rate limit of 15 per 60s exceeded for UserByModelByMinute.", R.THROTTLED),
            (429, "RateLimitReached", "Rate limit of 50 per 86400s exceeded for UserByModelByDay.", R.QUOTA_EXHAUSTED),
            *_plain((500, R.SERVER_ERROR), (503, R.OVERLOADED)),
        ),
    ),
    "vllm": (
        _numbered,
        (
            *_coded(400, "BadRequestError", R.REJECTED),
            (400, "BadRequestError", "This model's maximum context length is 8 tokens. However, ...", R.CONTEXT_LENGTH),
            *_coded(404, "NotFoundError", R.MODEL_MISSING),
            *_coded(500, "InternalServerError EngineDeadError", R.SERVER_ERROR),
            *_plain((401, R.CREDENTIAL), (503, R.OVERLOADED)),
        ),
    ),
    "vllm that is older": (
        _mistral,
        (
            *_plain((400, R.REJECTED), (404, R.MODEL_MISSING)),
            (400, "", "This model's maximum context length is 8 tokens. However, ...", R.CONTEXT_LENGTH),
        ),
    ),
    "vllm before its own code": (_error, ((401, "", "Unauthorized", R.CREDENTIAL),)),
    "llamacpp-server": (
        _numbered,
        (
            *_coded(400, "invalid_request_error", R.REJECTED),
            (400, "exceed_context_size_error", "request (9 tokens) exceeds the size (8 tokens)", R.CONTEXT_LENGTH),
            *_coded(401, "authentication_error", R.CREDENTIAL),
            *_coded(403, "permission_error", R.CREDENTIAL),
            *_coded(404, "not_found_error", R.MODEL_MISSING),
            *_coded(500, "server_error", R.SERVER_ERROR),
            (500, "server_error", "input is too large to process. increase the batch size", R.CONTEXT_LENGTH),
            # It was started without what is asked for: another target may have it.
            *_coded(501, "not_supported_error", R.MODEL_MISSING),
            (503, "unavailable_error", "Loading model", R.OVERLOADED),
        ),
    ),
    "lmstudio": (
        _error,
        (
            (400, "", "bad request", R.REJECTED),
            (
                400,
                "",
                "Trying to keep the first 9 tokens when context the overflows. However, the model is loaded with "
                "context length of only 8 tokens",
                R.CONTEXT_LENGTH,
            ),
            (400, "", "The model has crashed without additional information. (Exit code: 6)", R.SERVER_ERROR),
            (400, "", "No models loaded. Please load a model.", R.MODEL_MISSING),
            (404, "", 'Failed to load model "m".', R.MODEL_MISSING),
        ),
    ),
    "lmstudio in an envelope": (
        _openai,
        (
            *_coded(400, "invalid_value", R.REJECTED),
            (400, "", "The model has crashed without additional information. (Exit code: 6)", R.SERVER_ERROR),
        ),
    ),
    "perplexity": (
        _numbered,
        (
            *_coded(400, "invalid_message", R.REJECTED),
            (400, "invalid_model", "Invalid model 'm'. Permitted models can be found elsewhere.", R.MODEL_MISSING),
            *_coded(401, "invalid_api_key", R.CREDENTIAL),
            (401, "insufficient_quota", "You exceeded your current quota.", R.QUOTA_EXHAUSTED),
            *_plain((429, R.THROTTLED), (500, R.SERVER_ERROR), (503, R.OVERLOADED)),
        ),
    ),
    "cerebras": (
        _bare,
        (
            *_coded(400, "wrong_type", R.REJECTED),
            (400, "context_length_exceeded", "Please reduce the length of the messages", R.CONTEXT_LENGTH),
            *_coded(401, "wrong_api_key", R.CREDENTIAL),
            *_plain((402, R.QUOTA_EXHAUSTED), (403, R.CREDENTIAL), (408, R.SERVER_ERROR), (422, R.REJECTED)),
            *_coded(404, "model_not_found", R.MODEL_MISSING),
            (429, "request_quota_exceeded", "Requests per minute limit exceeded - too many requests sent", R.THROTTLED),
            (429, "token_quota_exceeded", "Tokens per minute limit exceeded - too many tokens processed", R.THROTTLED),
            (
                429,
                "token_quota_exceeded",
                "Tokens per day limit exceeded - too many tokens processed",
                R.QUOTA_EXHAUSTED,
            ),
            (429, "queue_exceeded", "We're experiencing high traffic right now!", R.OVERLOADED),
            *_plain((500, R.SERVER_ERROR), (502, R.SERVER_ERROR), (503, R.OVERLOADED), (504, R.SERVER_ERROR)),
        ),
    ),
    "fireworks": (
        _openai,
        (
            *_coded(400, "invalid_request_error", R.REJECTED),
            (400, "", "The prompt is too long: 9, model maximum context length: 8", R.CONTEXT_LENGTH),
            *_coded(401, "UNAUTHORIZED", R.CREDENTIAL),
            *_plain((402, R.QUOTA_EXHAUSTED), (403, R.CREDENTIAL), (405, R.REJECTED), (408, R.SERVER_ERROR)),
            (404, "NOT_FOUND", "Model not found, inaccessible, and/or not deployed", R.MODEL_MISSING),
            (412, "", "Account a is suspended, possibly due to reaching the monthly spending limit", R.QUOTA_EXHAUSTED),
            (412, "", "Account a is suspended.", R.QUOTA_EXHAUSTED),
            *_plain((412, R.MODEL_MISSING)),
            *_plain((413, R.TOO_LARGE), (422, R.REJECTED), (429, R.THROTTLED), (500, R.SERVER_ERROR)),
            *_plain((502, R.SERVER_ERROR), (503, R.OVERLOADED), (504, R.SERVER_ERROR), (520, R.SERVER_ERROR)),
        ),
    ),
}
"""A kind has more than one entry where it says its errors in more than one form."""


def _cases() -> Iterator[Any]:
    for said_by, (form, rows) in DOCUMENTED.items():
        kind = said_by.partition(" ")[0]
        for status, code, words, reason in rows:
            headers, body = form(code, words)
            yield pytest.param(kind, status, headers, body, reason, id=f"{said_by} {status} {words or code}")


@pytest.mark.parametrize(("kind", "status", "headers", "body", "reason"), [*_cases()])
def test_a_documented_error_is_whose_the_document_says(
    kind: str, status: int, headers: dict[str, str], body: dict[str, Any], reason: R
) -> None:
    """A wrong one retires a good key, asks again what cannot succeed, or blames a caller for the provider's trouble."""
    fault = KINDS[kind].dialect.decode_fault(status, headers, msgspec.json.encode(body), 0.0)
    assert (fault.reason, fault.status) == (reason, status)
