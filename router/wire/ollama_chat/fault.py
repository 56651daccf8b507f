"""What Ollama's errors mean: a status, and a sentence under `error`.

Much that a request causes comes as a 500, since errors of the model's runner are passed on as they are, and an error in
a stream has no status at all. So words count wherever they are not a proxy's.

Source: github.com/ollama/ollama at 2026-08-21, `server/routes.go`, `server/sched.go`, `llm/llama_server.go`.
"""

from __future__ import annotations

import re

from router.errors import Reason, WireFault
from router.wire.complaint import Complaints

COMPLAINTS = Complaints(
    words=(
        (
            Reason.CONTEXT_LENGTH,
            re.compile(r"prompt is longer than the context length|exceeds? (?:the |maximum )*context length", re.I),
        ),
        # What the model itself wrote cannot be read: the next try may well be right.
        (Reason.MALFORMED, re.compile(r"error parsing tool call|invalid tool call arguments", re.I)),
        (
            Reason.REJECTED,
            re.compile(
                r"does not support|invalid format:|invalid think value|failed to (?:parse|load) grammar"
                r"|only supports one image|(?:decode|process|load) image|illegal base64|invalid options?:",
                re.I,
            ),
        ),
        (Reason.OVERLOADED, re.compile(r"requires more system memory|out[- ]of[- ]memory|server busy", re.I)),
        (Reason.QUOTA_EXHAUSTED, re.compile(r"(?:weekly|monthly) usage limit|upgrade (?:for|to) ", re.I)),
    ),
    statuses={
        401: Reason.CREDENTIAL,
        402: Reason.QUOTA_EXHAUSTED,
        403: Reason.CREDENTIAL,
        404: Reason.MODEL_MISSING,
        408: Reason.SERVER_ERROR,
        413: Reason.TOO_LARGE,
        429: Reason.THROTTLED,
        499: Reason.SERVER_ERROR,
        503: Reason.OVERLOADED,
    },
    plain=frozenset({401, 402, 403, 499, 502, 503, 504}),
)

decode_fault = COMPLAINTS.fault
"""(status, lower-case headers, body, now as epoch seconds) -> the fault an error answer means."""


def fault_inside(said: object) -> WireFault:
    """The fault of an `error` member that came inside a 200, whole or as a line of a stream."""
    return COMPLAINTS.inside(said)
