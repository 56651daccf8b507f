"""What is told about requests."""

from __future__ import annotations

from typing import Literal

from router.settings.schema.keys import Keys, Name, SomeCount

LogLevel = Literal["debug", "info", "warning", "error"]


class Telemetry(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told about requests.

    Args:
        log_level: the least a line must be to be logged.
        otlp_endpoint: URL of an OpenTelemetry collector; left out, no traces are sent.
        request_log_size: requests kept in memory for `/providers/logs`.
    """

    log_level: LogLevel = "info"
    otlp_endpoint: Name | None = None
    request_log_size: SomeCount = 1000
