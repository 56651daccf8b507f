"""In which order targets are asked, how often, and when one is left alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from router.settings.schema.keys import MOST, Attempts, Count, Keys, Name, PositiveMs, PositiveS, Share, SomeS

Strategy = Literal["priority", "round_robin", "load_balanced", "fastest_first", "cheapest", "weighted"]
Affinity = Literal["off", "asked", "named", "auto"]
Weight = Annotated[float, Meta(ge=0, le=MOST)]


OnLoss = Literal["refuse", "warn"]


Resume = Annotated[
    tuple[Literal["continue", "splice", "hold"], ...],
    Meta(extra={"none": "off", "form": "off, or a list of continue, splice, hold"}),
]


class Failover(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for every name that a caller may use, unless its group says otherwise.

    Args:
        strategy: who is asked first, as the table below says.
        max_attempts: attempts of one request over all its targets.
        fallbacks_on: reasons of failure that may move on to another target; left out, all but refusals
            (`content_policy`) and faults of the caller's (`rejected`); in a list, `default` stands for those.
        on_loss: what to do where a target cannot be told what a request means, as a picture, a schema or a demanded
            tool: `refuse` passes over it, and answers 400 where no other is left; `warn` asks it without. Either way
            `x-router-lost` names what was left out.
        affinity: what ties a conversation to one target, so that its provider's prompt cache stays warm, under the
            strategies that share the load: `off` nothing, `asked` the caller's `router.affinity_key`, `named` also
            `prompt_cache_key`, `metadata.user_id`, `user` and `safety_identifier`, `auto` else also how it begins.
        slow_start_s: how long the share of a target that came back grows, under the strategies that share the load; 0
            gives it all at once.
        resume: ways to rescue a stream that fails after its first content, the most wished first: `continue` gives the
            next target the text so far where its model goes on from there, `splice` asks anew and goes on where the
            answer has repeated exactly what was said, `hold` commits late.
        hold_tokens: with `hold`, tokens that are held back before the first is passed on, at about 4 characters each.
        hold_ms: with `hold`, time after the first content when what is held back is passed on, however little it is.
    """

    strategy: Strategy = "priority"
    max_attempts: Attempts = 3
    fallbacks_on: tuple[Name, ...] | None = None
    on_loss: OnLoss = "refuse"
    affinity: Affinity = "asked"
    slow_start_s: SomeS = 10.0
    resume: Resume = ()
    hold_tokens: Count = 20
    hold_ms: PositiveMs = 500.0


class TargetKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target of a group. Its name alone is enough: `- main:gpt-4o-mini`.

    Args:
        target: `provider:model`, or a provider alone for its first model.
        weight: its share beside the others', for `weighted` and `load_balanced`; 0 is asked only when they fail.
    """

    shorthand: ClassVar[str] = "target"

    target: Name
    weight: Weight = 1.0


class HedgeKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second request, to another target, beside a first that is late; the first that says anything is the answer.

    Args:
        share: second requests for each request of the last minute.
        min_after_ms: a target is not late before this, however fast it usually is.
        max_after_ms: a target is late after this, however slow it usually is.
        min_sample: times to first content that a target must have shown; late is their 95th percentile.
        max_usd_per_hour: what second requests may probably cost in an hour; with it, none goes to a target whose price
            nobody knows; left out, no bound but their share.
    """

    share: Share = 0.02
    min_after_ms: PositiveMs = 200.0
    max_after_ms: PositiveMs = 10_000.0
    min_sample: Annotated[int, Meta(ge=1, le=100)] = 20
    max_usd_per_hour: Decimal | None = None


class GroupKeys(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public name for several targets. One named `auto` takes the place of the built-in `auto`.

    Args:
        targets: in the order they are asked; each a name or a mapping.
        strategy: left out, that of `failover`.
        max_attempts: left out, that of `failover`.
        fallbacks_on: left out, that of `failover`.
        on_loss: left out, that of `failover`.
        affinity: left out, that of `failover`.
        resume: left out, that of `failover`.
        hold_tokens: left out, that of `failover`.
        hold_ms: left out, that of `failover`.
        cache: whether requests for it are answered from kept answers; left out, `cache.enabled`.
        cache_tool_calls: whether its answers that call tools are kept too; left out, `cache.tool_calls`.
        hedge: when a second target is asked beside a late one, for both streamed and whole answers; left out, never.
    """

    targets: tuple[TargetKeys, ...]
    strategy: Strategy | None = None
    max_attempts: Attempts | None = None
    fallbacks_on: tuple[Name, ...] | None = None
    on_loss: OnLoss | None = None
    affinity: Affinity | None = None
    resume: Resume | None = None
    hold_tokens: Count | None = None
    hold_ms: PositiveMs | None = None
    cache: bool | None = None
    cache_tool_calls: bool | None = None
    hedge: HedgeKeys | None = None


class Breaker(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a failing target is left alone, and for how long.

    Args:
        failure_threshold: failures in a row that open it.
        failure_rate: share of failures in the window that opens it.
        min_calls: results the window must hold before the share counts.
        window_s: length of the window.
        recovery_timeout_s: how long it stays open before the first probe; doubles with each failed probe.
        max_open_s: it stays open no longer than this; left out, at least `recovery_timeout_s`.
        slow_call_s: a streamed answer whose first content comes later than this is a slow one; left out, none is.
        slow_call_rate: share of slow answers in the window that opens it.
        refused_key_s: how long a key that its provider refused (401, 403) is not used; left out, until another key
            is configured, or `retry-keys` has it tried again.
    """

    failure_threshold: Count = 5
    failure_rate: Share = 0.5
    min_calls: Count = 20
    window_s: PositiveS = 30.0
    recovery_timeout_s: PositiveS = 5.0
    max_open_s: PositiveS = 20.0
    slow_call_s: PositiveS | None = None
    slow_call_rate: Share = 0.8
    refused_key_s: PositiveS | None = None


class Retry(Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often and how soon the same target is asked again.

    Args:
        max_attempts: attempts of one request at one target, the first included.
        base_delay_ms: bound of the first wait.
        backoff_factor: how much the bound grows with each wait.
        jitter: draw the wait between 0 and the bound, so that callers that failed together do not return together.
        max_delay_ms: the bound grows no further; left out, at least `base_delay_ms`.
        budget_ratio: retries for each first attempt of the last seconds, so that an outage does not become a storm.
        budget_min_per_s: retries allowed without any traffic.
        throttle: hold back requests from a provider that mostly refuses them for want of capacity.
        throttle_factor: requests sent for each one that it accepts, over two minutes.
        throttle_min_per_s: nothing is held back from a provider that is asked less often than this.
    """

    max_attempts: Attempts = 3
    base_delay_ms: PositiveMs = 1000.0
    backoff_factor: Annotated[float, Meta(ge=1, le=10)] = 2.0
    jitter: bool = True
    max_delay_ms: PositiveMs = 30_000.0
    budget_ratio: Share = 0.2
    budget_min_per_s: Annotated[float, Meta(ge=0, le=MOST)] = 1.0
    throttle: bool = True
    throttle_factor: Annotated[float, Meta(ge=1.1, le=100)] = 2.0
    throttle_min_per_s: Annotated[float, Meta(gt=0, le=MOST)] = 1.0
