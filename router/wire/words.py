"""What providers say in words alone, whatever dialect they speak: facades pass on the words of who is behind them."""

from __future__ import annotations

import re

from router.errors import Reason

_LONGEST_MESSAGE = 1000

_WORDS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.CONTEXT_LENGTH,
        re.compile(
            r"maximum context length|context window|context[ _]length exceeded"
            r"|exceed\w* (?:the |max )*(?:available )?context|longer than the (?:model|maximum)\S* (?:model )?context"
            r"|prompt (?:is )?too long|input (?:is|token length) too long"
            r"|prompt exceeds max length|maximum prompt length|reduce the length of the (?:messages|prompt|input)"
            r"|exceeds the maximum number of (?:input )?tokens|exceeded model token limit|too large for model with"
            r"|tokens?`? \+ `?max_new_tokens|must have less than \d+ tokens|context the overflows"
            r"|too many tokens(?! processed)|input is too large to process|longer than the maximum model length"
            r"|input length \(\d+ tokens\) exceeds the maximum|input tokens exceed the configured limit"
            r"|range of input length should be|too many total text bytes",
            re.I,
        ),
    ),
    (
        Reason.QUOTA_EXHAUSTED,
        re.compile(
            r"exceeded your current quota|insufficient (?:balance|credits?|funds|quota)|credit balance"
            r"|requires more credits|out of credits|billing hard limit|billing details"
            r"|monthly (?:spend|usage|token)\w* limit|spending limit",
            re.I,
        ),
    ),
    (
        Reason.CONTENT_POLICY,
        re.compile(
            r"content management policy|violates? (?:our |the )?(?:usage|content|safety)|content (?:policy|filter)"
            r"|safety_check|was flagged|inappropriate content|rejected .{0,30}safety system",
            re.I,
        ),
    ),
    (
        Reason.MODEL_MISSING,
        re.compile(
            r"model\S* .{0,120}(?:does not exist|not found|not a valid model|has been (?:deprecated|decommissioned))"
            r"|not a valid model id|supported api model names|no endpoints found|unknown model|model not exist",
            re.I,
        ),
    ),
)
"""What providers say in words alone; the first match counts, in answers a request can cause (4xx, or no status)."""

_SECRET = re.compile(
    r"\b(?:sk|gsk|pk|rk|xai|pplx|hf|key|csk|fw|nvapi|r8)[-_][A-Za-z0-9*_\-]{6,}|\bAIza[\w\-]{10,}|\borg-[A-Za-z0-9]{6,}"
    r"|\beyJ[\w\-]+\.[\w\-]+\.[\w\-]*|(?i:bearer\s+)\S+"
    r"|(?i:(?:api[ _-]?key|token|secret|password)(?: id)?\s*[=:]\s*)\S+"
)


def reason_in(*messages: str) -> Reason | None:
    """What the words of an error mean; None when they say nothing we know."""
    found = (reason for reason, pattern in _WORDS if any(pattern.search(message) for message in messages))
    return next(found, None)


def scrubbed(message: str) -> str:
    """A provider's message as a caller may read it: without credentials, and of bounded length."""
    return _SECRET.sub("[removed]", message)[:_LONGEST_MESSAGE]


def shown_words(reason: Reason, message: str, names: re.Pattern[str] | None = None) -> str:
    """The words a caller may read: ours where theirs could describe a credential, theirs without secrets otherwise.

    Args:
        names: what tells, in this provider's words, whose account it is; taken out too.
    """
    if reason is Reason.CREDENTIAL:
        return "the provider did not accept the gateway's credential, or does not allow it this"
    told = message if names is None else names.sub("[removed]", message)
    return scrubbed(told) or "the provider gave no reason"
