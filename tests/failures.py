"""The contract of failure modes in docs/failures.md, out of the code's own tables.

`python -m tests.failures` writes it. What a caller should do is said here; all else is read from where it is decided.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec

from actors.tally import end_of
from router.canon.target import Target
from router.errors import BLAME, GatewayError, Limited, Reason, Refused, Unavailable, UpstreamFailed
from router.policy.backoff import Backoff
from router.policy.breaker import BreakerRules, Circuit, Judged, next_circuit
from router.policy.retry import FREE, VERDICTS, Route, Tried, TryTarget, Verdict, next_step
from router.wire.anthropic_messages import fault as anthropic
from router.wire.dialect import Rendered
from router.wire.envelope import encode_fault
from tests.sources import ROOT

PAGE = ROOT / "docs" / "failures.md"
BEGIN, END = "<!-- contract: written by `make docs` -->", "<!-- contract ends -->"

CALLS = {
    Verdict.SAME_TARGET: "any target, the same one after a wait",
    Verdict.NEXT_TARGET: "other targets",
    Verdict.LARGER_WINDOW: "targets with a larger window",
    Verdict.NEVER: "nobody",
}

REFUSED = "change the request"
LATER = "come back after `retry-after`"
OPERATOR = "tell whoever runs the router"
AGAIN = "ask again later, or another model"
ADVICE: dict[Reason, str] = {
    Reason.REJECTED: REFUSED,
    Reason.TOO_LARGE: "send less",
    Reason.UNKNOWN_MODEL: "take a name from `/v1/models`",
    Reason.CONTEXT_LENGTH: "send less, or ask a model with a larger window",
    Reason.CONTENT_POLICY: "change the prompt",
    Reason.INEXPRESSIBLE: "leave out what the error names, or set `router.on_loss` to `warn`",
    Reason.THREAD_MISSING: "send the conversation whole",
    Reason.KEY_REUSED: "take a new key for a new request",
    Reason.CLIENT_GONE: "it left",
    Reason.DEADLINE: "allow more time",
    Reason.CREDENTIAL: OPERATOR,
    Reason.MODEL_MISSING: OPERATOR,
    Reason.BREAKER_OPEN: LATER,
    Reason.BUSY: LATER,
    Reason.NO_TARGET: "ask for less (`router`), or " + OPERATOR,
    Reason.SHUTTING_DOWN: "ask again, another instance answers",
    Reason.PART_DOWN: "ask again in a moment: what crashed is being restarted",
    Reason.INTERNAL: f"{OPERATOR}, with the request id",
    Reason.SUPERSEDED: "never seen: another attempt answered",
    Reason.DIVERGED: "throw the answer away and ask again",
    Reason.CUT_STREAM: "throw the answer away and ask again",
    Reason.THROTTLED: LATER,
    Reason.OVERLOADED: LATER,
    Reason.QUOTA_EXHAUSTED: OPERATOR,
}
"""The reasons that ask for something else than `AGAIN`."""

OWN = {
    Reason.UNKNOWN_MODEL: Refused,
    Reason.INEXPRESSIBLE: Refused,
    Reason.THREAD_MISSING: Refused,
    Reason.CLIENT_GONE: Refused,
    Reason.NO_TARGET: Refused,
    Reason.DEADLINE: Unavailable,
    Reason.SHUTTING_DOWN: Unavailable,
    Reason.PART_DOWN: Unavailable,
    Reason.INTERNAL: Unavailable,
}
"""What the gateway finds itself, and in which class of error; all else is told of a target."""

SPECIAL: tuple[tuple[type[GatewayError], Reason, str], ...] = (
    (Refused, Reason.TOO_LARGE, "the request is larger than `server.max_body_bytes`"),
    (Limited, Reason.BUSY, "`server.max_exchanges`, or a limit of the caller's own"),
    (Refused, Reason.CREDENTIAL, "the caller's own key is wrong"),
    (Refused, Reason.MODEL_MISSING, "the model is not the caller's to use"),
    (Limited, Reason.QUOTA_EXHAUSTED, "the caller's own budget is spent"),
    (Limited, Reason.THROTTLED, "the caller's own rate is spent"),
)
"""Where the same reason is the caller's own affair, and said otherwise."""

HEAD = (
    "| reason | whose fault | may then be asked | breaker | attempt ends | costs an attempt | OpenAI | Anthropic |"
    " `retry-after` | SDKs try again | what the caller should do |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def contract() -> list[str]:
    """A row for each reason, in the order of `Reason`, and what differs where it is the caller's own affair."""
    return [
        *HEAD,
        *(_row(reason) for reason in Reason),
        "",
        "The same reasons where they are the caller's own affair, before any target is asked:",
        "",
        "| reason | when | OpenAI | Anthropic |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{reason}` | {when} | {_said(encode_fault(made(kind, reason)))} |"
            f" {_said(anthropic.encode_fault(made(kind, reason)))} |"
            for kind, reason, when in SPECIAL
        ),
    ]


def made(kind: type[GatewayError], reason: Reason) -> GatewayError:
    """An error as a caller is told it."""
    if kind is UpstreamFailed:
        return UpstreamFailed("words", target="provider:model", reason=reason)
    return kind("words", reason=reason)


def opens(reason: Reason) -> bool:
    """Whether a circuit that sees nothing but this opens."""
    rules = BreakerRules()
    circuit = Circuit()
    for _ in range(1000):
        circuit = next_circuit(circuit, Judged(epoch=circuit.epoch, reason=reason), 1.0, rules, 0.5)
    return circuit != next_circuit(Circuit(), Judged(epoch=0, reason=Reason.REJECTED), 1.0, rules, 0.5)


def asks_to_wait(reason: Reason) -> bool:
    """Whether an error for it says when to come back, where its provider named no moment."""
    if reason in OWN:
        return reason in (Reason.SHUTTING_DOWN, Reason.PART_DOWN, Reason.INTERNAL)
    target = Target(provider="provider", model="model")
    route = Route(targets=(target,), max_attempts=1, deadline_s=9.0)
    step = next_step(route, (Tried(target=target, reason=reason, ended_s=1.0),), 1.0, Backoff(), Random(0))
    return isinstance(step, TryTarget) or step.retry_after_s is not None


def _row(reason: Reason) -> str:
    error = made(OWN.get(reason, UpstreamFailed), reason)
    chat, messages = encode_fault(error), anthropic.encode_fault(error)
    cells = (
        f"`{reason}`",
        BLAME[reason].value,
        CALLS[VERDICTS[reason]],
        "counts" if opens(reason) else "-",
        end_of(reason).value,
        "no" if reason in FREE else "yes",
        _said(chat),
        _said(messages),
        "yes" if asks_to_wait(reason) else "-",
        "no" if ("x-should-retry", "false") in chat.headers else "yes",
        ADVICE.get(reason, AGAIN),
    )
    return f"| {' | '.join(cells)} |"


def _said(rendered: Rendered) -> str:
    error = msgspec.json.decode(rendered.body)["error"]
    return f"{rendered.status} `{error.get('code') or error['type']}`"


def page(text: str) -> str:
    """The page with the contract as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join((BEGIN, "", *contract(), "", END)) + after


def write(path: Path = PAGE) -> None:
    """Into the page."""
    path.write_text(page(path.read_text()))


if __name__ == "__main__":
    write()
