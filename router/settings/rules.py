"""Faults between values: what one key asks of another. A rule may be given a document that is still full of blanks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from router.errors import FINAL, Reason
from router.settings.clients import check_budgets, check_clients, check_kept
from router.settings.faults import Findings, Where, suggest, suggest_any
from router.settings.kinds import KindRules
from router.settings.pattern import SYNTAX, Pattern, PatternInvalid
from router.settings.schema import GRANTS, LOCAL_KEYS, REMOTE_KEYS, Document, GroupKeys, ProviderKeys
from router.settings.secret import Secret

_HEADER_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_KEY_TEXT = re.compile(r"[\x21-\x7e]+")
_NO_KEY = "holds a blank, a line break or another character that no key has"
AUTO = "auto"
"""Among a provider's models: all that it lists."""
_OWN_HEADERS = frozenset({"connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"})
EDGES = ("default", *(reason.value for reason in Reason if reason not in FINAL))
"""What `fallbacks_on` may name: every reason that another target could mend, and the word for the usual ones."""

_WEIGHED = frozenset({"load_balanced", "weighted"})
_UNSHARED = frozenset({"priority", "cheapest"})
_QUANTISED = frozenset({"q8_0", "q4_0"})


class TargetRef(Struct, frozen=True, kw_only=True):
    """A target as a group names it. `model` is None for a local provider whose models are the files of a folder."""

    provider: str
    model: str | None


def check_rules(document: Document, tree: object, kinds: Mapping[str, KindRules], findings: Findings) -> None:
    """Find every fault between values.

    Args:
        tree: the same document as it was written: whether a key was written at all is a question too.
    """
    _check_host(document, findings)
    if not document.providers:
        findings.add_rule(("providers",), "name at least one; the model on this machine is `local: {kind: llama-cpp}`")
    for name, provider in document.providers.items():
        _check_provider(provider, _written(tree, "providers", name), kinds, findings, ("providers", name))
    check_clients(document.keys, findings)
    check_budgets(document.budgets, document.keys, findings)
    check_kept(document.ledger.keep_days, document.budgets, findings)
    for name, group in document.failover_groups.items():
        _check_group(name, group, document.providers, findings)
        _check_sharing(("failover_groups", name), group, document.failover.strategy, findings)
    _check_edges(document.failover.fallbacks_on or (), findings, ("failover", "fallbacks_on"))
    _check_order(document, tree, findings)
    _check_url(document.telemetry.otlp_endpoint, findings, ("telemetry", "otlp_endpoint"))
    _check_patterns(document.transcripts.redact, findings, ("transcripts", "redact"))


def _check_patterns(patterns: tuple[str, ...], findings: Findings, where: Where) -> None:
    for index, pattern in enumerate(patterns):
        try:
            everywhere = Pattern(pattern).matches_nothing
        except PatternInvalid as invalid:
            hint = f"{invalid}, which cannot look around or refer back; see {SYNTAX}"
            findings.add_rule((*where, index), hint)
        else:
            if everywhere:
                findings.add_rule((*where, index), "matches nothing at all, so every place in a text; make it longer")


def find_target(text: str, providers: Mapping[str, ProviderKeys]) -> TargetRef | None:
    """What `provider:model`, or a provider alone, stands for; None when no provider has that name."""
    provider, colon, model = text.partition(":")
    if provider not in providers:
        return None
    first = [each for each in providers[provider].models if each.name != AUTO][:1]
    return TargetRef(provider=provider, model=model if colon else first[0].name if first else None)


def _written(tree: object, *keys: str) -> frozenset[str]:
    """The keys of a mapping inside the tree that were given a value."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return (
        frozenset(key for key, value in tree.items() if value is not None) if isinstance(tree, Mapping) else frozenset()
    )


def needs_keys(document: Document) -> bool:
    """Whether callers must show a key: whoever reaches the port spends the providers' money."""
    required = document.server.keys_required
    return bool(document.keys) or not _is_loopback(document.server.host) if required is None else required


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_host(document: Document, findings: Findings) -> None:
    server, admin = document.server, document.admin
    if (server.tls_cert is None) != (server.tls_key is None):
        missing = "tls_cert" if server.tls_cert is None else "tls_key"
        findings.add_rule(("server", missing), "is missing; a certificate and its key go together")
    if findings.touch(("server", "host")):
        return
    if not _is_loopback(server.host):
        _check_required(document, findings)
        if admin.port is None:
            findings.add_rule(("admin", "port"), "is missing; beyond this machine it needs its own listener")
    if not _is_loopback(server.host if admin.port is None else admin.host) and not admin.key:
        findings.add_rule(("admin", "key"), "is missing; beyond this machine administration needs a key")


def _check_required(document: Document, findings: Findings) -> None:
    required = document.server.keys_required
    if required is False:
        findings.add_rule(
            ("server", "keys_required"),
            "must not be false beyond this machine: whoever reaches the port spends your providers' money",
        )
    elif required is None and not document.keys and not findings.touch(("keys",)):
        findings.add_rule(
            ("server", "host"),
            "is reached from other machines, and whoever reaches it spends your providers' money: add client keys under"
            " `keys`, or set server.keys_required: true and make them with `pointsman keys create`, or keep 127.0.0.1",
        )


def _check_provider(
    provider: ProviderKeys, written: frozenset[str], kinds: Mapping[str, KindRules], findings: Findings, where: Where
) -> None:
    kind = kinds.get(provider.kind)
    if kind is None:
        findings.add_rule((*where, "kind"), f"no such kind is installed{suggest_any(provider.kind, kinds)}")
    elif kind.broken is not None:
        findings.add_rule((*where, "kind"), f"is installed but cannot be imported ({kind.broken})")
    else:
        _check_kind(provider, kind, written, findings, where)
    _check_url(provider.base_url, findings, (*where, "base_url"))
    _check_headers(provider.headers, findings, (*where, "headers"))
    _check_keys(provider, findings, where)
    if provider.api_key and not _KEY_TEXT.fullmatch(provider.api_key.reveal()):
        findings.add_rule((*where, "api_key"), _NO_KEY)
    if provider.type_v in _QUANTISED and not provider.flash_attn:
        findings.add_rule((*where, "type_v"), "a quantised type_v needs flash_attn: true")
    names = [model.name for model in provider.models]
    for index, name in enumerate(names):
        if name in names[:index]:
            findings.add_rule((*where, "models", index), f"is the same as models[{names.index(name)}]; remove one")


def _check_keys(provider: ProviderKeys, findings: Findings, where: Where) -> None:
    """Several keys: each a key, each with a name of its own, and no other one beside them."""
    if provider.keys and provider.api_key:
        findings.add_rule(
            (*where, "api_key"), "is one key more beside `keys`; write it there, or leave one of both out"
        )
    names = [key.name or key_name(place) for place, key in enumerate(provider.keys)]
    for place, key in enumerate(provider.keys):
        if not _KEY_TEXT.fullmatch(key.key.reveal()):
            findings.add_rule((*where, "keys", place, "key"), _NO_KEY if key.key else "is empty; leave the entry out")
        if names[place] in names[:place]:
            findings.add_rule((*where, "keys", place, "name"), f"is also the name of keys[{names.index(names[place])}]")


def key_name(place: int) -> str:
    """What a key without a name is called."""
    return f"key{place + 1}"


def _check_kind(
    provider: ProviderKeys, kind: KindRules, written: frozenset[str], findings: Findings, where: Where
) -> None:
    foreign = sorted(written & (REMOTE_KEYS if kind.local else LOCAL_KEYS))
    whose = "that listen on the network" if kind.local else "that run on this machine"
    for key in foreign:
        findings.add_rule((*where, key), f"is for kinds {whose}; {provider.kind} does not take it")
    _check_grant(provider, kind, findings, where)
    if kind.needs_base_url and not provider.base_url and not _says(provider, kind.grant, kind.located_by):
        instead = f", or {kind.grant}.{kind.located_by}" if kind.located_by else ""
        findings.add_rule((*where, "base_url"), f"is missing or empty; {provider.kind} needs an address{instead}")
    if not kind.local and not kind.lists and not any(model.name != AUTO for model in provider.models):
        findings.add_rule((*where, "models"), "name at least one model")


def _check_grant(provider: ProviderKeys, kind: KindRules, findings: Findings, where: Where) -> None:
    """A key, or what stands in for one, each where it is taken."""
    foreign = [section for section in GRANTS if section != kind.grant and provider.grant(section) is not None]
    for section in () if kind.local else foreign:
        findings.add_rule((*where, section), f"is not for kind {provider.kind}")
    granted = bool(kind.grant) and provider.grant(kind.grant) is not None
    has_key = bool(provider.api_key or provider.keys)
    if kind.needs_key and not has_key and not granted:
        instead = f", or {kind.grant}" if kind.grant else ""
        findings.add_rule((*where, "api_key"), f"is missing or empty; {provider.kind} needs a key{instead}")
    if kind.needs_key and has_key and granted:
        findings.add_rule((*where, kind.grant), "is in the place of api_key; remove one of the two")
    if provider.google is not None and not provider.base_url and not provider.google.project:
        findings.add_rule((*where, "google", "project"), "is missing; it, or base_url, says whose models are asked")
    _check_url(provider.entra.authority if provider.entra else None, findings, (*where, "entra", "authority"))
    if provider.aws is not None and (provider.aws.access_key_id is None) != (not provider.aws.secret_access_key):
        findings.add_rule((*where, "aws"), "access_key_id and secret_access_key belong together; write both or neither")


def _says(provider: ProviderKeys, section: str, key: str) -> bool:
    return bool(key and getattr(provider.grant(section), key, None))


def _check_url(url: str | None, findings: Findings, where: Where) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        findings.add_rule(where, "is no URL")
        return
    if not sound or not _KEY_TEXT.fullmatch(url):
        findings.add_rule(where, "must be a URL that begins with http:// or https:// and a host")
    elif "@" in parts.netloc:
        findings.add_rule(where, "must not hold a user name or a password")
    elif "?" in url or "#" in url:
        findings.add_rule(where, "must not hold ? or #")


def _check_headers(headers: Mapping[str, Secret], findings: Findings, where: Where) -> None:
    seen: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS:
            findings.add_rule((*where, name), "is a header that the router sets itself")
        if name.lower() in seen:
            findings.add_rule((*where, name), f"is the same header as {seen[name.lower()]}; remove one")
        seen[name.lower()] = name
        if not _HEADER_TEXT.fullmatch(value.reveal()):
            findings.add_rule((*where, name), "is empty, or holds a character that no header can carry")


def _check_group(name: str, group: GroupKeys, providers: Mapping[str, ProviderKeys], findings: Findings) -> None:
    where: Where = ("failover_groups", name)
    owner = next((owner for owner, each in providers.items() if name in {model.name for model in each.models}), None)
    if owner is not None:
        findings.add_rule(where, f"is also the name of a model of {owner}; give the group another name")
    if not group.targets:
        findings.add_rule((*where, "targets"), "name at least one target")
    seen: dict[TargetRef, int] = {}
    texts = [written.target for written in group.targets]
    for index, text in enumerate(texts):
        place = (*where, "targets", index)
        ref = find_target(text, providers)
        if ref is None:
            findings.add_rule(place, f"no such provider{_suggest_target(text, providers)}")
            continue
        _check_model(ref, providers, findings, place)
        if seen.setdefault(ref, index) != index:
            findings.add_rule(place, f"is the same as targets[{seen[ref]}]; remove one")
    _check_edges(group.fallbacks_on or (), findings, (*where, "fallbacks_on"))
    owners = {text.partition(":")[0] for text in texts}
    if owners and all(owner in providers and providers[owner].dispatch == "off" for owner in owners):
        findings.add_rule((*where, "targets"), "has only providers that are off; turn one on or remove the group")


def _check_edges(names: tuple[str, ...], findings: Findings, where: Where) -> None:
    for index, name in enumerate(names):
        if name not in EDGES:
            findings.add_rule((*where, index), f"is no reason that another target could mend{suggest_any(name, EDGES)}")
        elif name in names[:index]:
            findings.add_rule((*where, index), f"is the same as fallbacks_on[{names.index(name)}]; remove one")


def _check_sharing(where: Where, group: GroupKeys, default: str, findings: Findings) -> None:
    """Keys that do nothing under the group's strategy: whoever wrote them expects something."""
    strategy = group.strategy or default
    weighed = [index for index, written in enumerate(group.targets) if written.weight != 1.0]
    if strategy not in _WEIGHED:
        for index in weighed:
            why = f"does nothing under {strategy}; set strategy: weighted or load_balanced, or remove it"
            findings.add_rule((*where, "targets", index, "weight"), why)
    elif group.targets and all(written.weight == 0 for written in group.targets):
        findings.add_rule((*where, "targets"), "give at least one a weight above 0")
    if strategy in _UNSHARED and group.affinity in ("named", "auto"):
        why = f"does nothing under {strategy}, which always begins with the same target; remove it"
        findings.add_rule((*where, "affinity"), why)


def _check_model(ref: TargetRef, providers: Mapping[str, ProviderKeys], findings: Findings, where: Where) -> None:
    known = {model.name for model in providers[ref.provider].models}
    if ref.model is None or ref.model in known or AUTO in known or (not known and ref.model):
        return
    if not findings.touch(("providers", ref.provider, "models")):
        findings.add_rule(where, f"{ref.provider} has no such model{suggest(ref.model, known)}")


def _suggest_target(text: str, providers: Mapping[str, ProviderKeys]) -> str:
    """A model alone is the commonest mistake: the provider that has it is then known."""
    having = [name for name, provider in providers.items() if text in {model.name for model in provider.models}]
    if having:
        return f'; did you mean "{having[0]}:{text}"?'
    return suggest_any(text.partition(":")[0], providers)


def _check_order(document: Document, tree: object, findings: Findings) -> None:
    """Bounds that were both written; one that was left out gives way to the other."""
    retry, breaker = document.retry, document.breaker
    pairs = (
        ("retry", "base_delay_ms", retry.base_delay_ms, "max_delay_ms", retry.max_delay_ms),
        ("breaker", "recovery_timeout_s", breaker.recovery_timeout_s, "max_open_s", breaker.max_open_s),
    )
    for section, low, low_value, high, high_value in pairs:
        if low_value > high_value and high in _written(tree, section):
            findings.add_rule((section, low), f"must not be more than {section}.{high}")
