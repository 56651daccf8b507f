"""Which of a provider's response headers a caller may see. All others stay inside: they name accounts, cookies and hops."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = frozenset({"retry-after", "retry-after-ms", "request-id", "openai-processing-ms", "openai-version"})
_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")


def shown_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Rate limits, waiting times and the provider's own request id, in the order they came; names are lower-case.

    The provider's `x-request-id` is shown as `x-provider-request-id`, since `x-request-id` is ours.
    """
    shown = [(name, value) for name, value in headers.items() if name in _NAMES or name.startswith(_PREFIXES)]
    if "x-request-id" in headers:
        shown.append(("x-provider-request-id", headers["x-request-id"]))
    return tuple(shown)
