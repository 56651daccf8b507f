"""What a provider kind is: where it listens, how it wants its key, which dialect it speaks and how it bends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from router.canon.operation import Operation
from router.providers.knowledge import Known
from router.providers.limits import LimitHeaders
from router.providers.prefix import Prefix
from router.providers.quirks import Quirks
from router.providers.survey import Figures, Inquiry, MakeSurvey
from router.wire.dialect import Dialect

Headers = tuple[tuple[str, str], ...]


class Form(Struct, frozen=True, kw_only=True):
    """How a kind speaks to some of its models, or at some of its addresses, where that is not its usual way.

    Args:
        models: regular expression that the upstream name has to begin with; "" is any.
        base_url: regular expression that is looked for in the base URL; "" is any.

    All others are a kind's own, described there; one that is left out stays as it is. Only `others` are none where the
    dialect is another.
    All others are a kind's own, described there; one that is left out stays as it is, but for `prefix`: in another
    protocol nothing is known of it.
    """

    models: str = ""
    base_url: str = ""
    dialect: Dialect | UnsetType = UNSET
    url: Callable[[str, str, bool], str] | UnsetType = UNSET
    auth: Callable[[str], Headers] | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    withheld: frozenset[str] | UnsetType = UNSET
    quirks: Quirks | UnsetType | None = UNSET
    prefix: Prefix | UnsetType | None = UNSET
    aws_service: str | UnsetType = UNSET
    others: Mapping[Operation, Endpoint] | UnsetType = UNSET
    survey: MakeSurvey | UnsetType | None = UNSET

    def fits(self, base_url: str, model: str) -> bool:
        """Whether it is the way to this model at this address."""
        return re.match(self.models, model) is not None and re.search(self.base_url, base_url) is not None


_CONDITIONS = frozenset({"models", "base_url"})


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where one operation is asked for, and how it differs there from its dialect.

    Args:
        url: (base URL without a slash at its end, upstream model, whether to stream) -> where it goes.
        quirks: how a body must be changed; None leaves every byte alone.
        relays: False when its answers are translated even for callers who speak its dialect.
    """

    url: Callable[[str, str, bool], str]
    quirks: Quirks | None = None
    relays: bool = True


def at(path: str, *, quirks: Quirks | None = None, relays: bool = True) -> Endpoint:
    """What is always at the same path at the base URL."""
    return Endpoint(url=lambda base_url, _model, _stream: base_url + path, quirks=quirks, relays=relays)


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of provider, as data.

    Args:
        name: the word in the configuration.
        dialect: the protocol it speaks.
        base_url: where it listens; None means the configuration must say.
        auth: key -> the headers that carry it.
        needs_key: whether a key must be configured.
        system: the provider's name in telemetry, by the GenAI semantic conventions.
        chat_path: appended to the base URL for chat.
        url: (base URL, upstream model, whether to stream) -> where chat goes, for a kind whose model stands in the
            URL; None appends `chat_path`.
        headers: sent with every request, lower-case names; a configured header of the same name wins.
        quirks: how a body of its dialect must be changed for it; None leaves every byte alone.
        relays: False when its answers are not quite what clients of its dialect read, so that they are translated even
            for these.
        prefix: how its models go on with the beginning of an answer; None when they are not known to.
        local: True when it runs on this machine: no URL, no key, models are found in a directory.
        price_id: the provider's id in the price table; None when its prices are unknown.
        key_variable: the environment variable its own tools read their key from; "" when there is none.
        others: where its other operations are; its dialect has a codec for each.
        aws_service: the service name in AWS signatures, for requests that carry no key; None when it takes none.
        limits: the rate-limit headers of its answers.
        survey: asks which models it has, by its base URL; None where it tells nobody.
        known: what is known of its models without asking, by what their names begin with; see `knowledge.py`.
        credits: asks how much money is left and was spent, by its base URL -> figures by name; None: it tells none.
        generation: asks what became of one answer, by base URL and the answer's id -> likewise.
        grant: the section of the configuration whose credentials stand in for a key (`entra`, `google`, `aws`), which
            are fetched and renewed while it runs; "" when it takes only keys.
        locate: what that section says, as text by key -> the base URL; None where it says too little.
        located_by: the key of that section without which `locate` says nothing.
        withheld: headers of callers of its dialect that it must not see, lower-case names.
        forms: what is otherwise for some models or addresses; the first that fits counts.
    """

    name: str
    dialect: Dialect
    base_url: str | None
    auth: Callable[[str], Headers]
    needs_key: bool
    system: str
    chat_path: str = "/chat/completions"
    url: Callable[[str, str, bool], str] | None = None
    headers: Headers = ()
    quirks: Quirks | None = None
    relays: bool = True
    prefix: Prefix | None = None
    local: bool = False
    price_id: str | None = None
    key_variable: str = ""
    others: Mapping[Operation, Endpoint] = {}
    aws_service: str | None = None
    limits: LimitHeaders = ()
    survey: MakeSurvey | None = None
    known: tuple[Known, ...] = ()
    credits: Callable[[str], Inquiry[Figures]] | None = None
    generation: Callable[[str, str], Inquiry[Figures]] | None = None
    grant: str = ""
    locate: Callable[[Mapping[str, str]], str | None] | None = None
    located_by: str = ""
    withheld: frozenset[str] = frozenset()
    forms: tuple[Form, ...] = ()

    def spoken(self, base_url: str, model: str) -> Kind:
        """The kind as it speaks to this model at this address."""
        form = next((form for form in self.forms if form.fits(base_url, model)), None)
        if form is None:
            return self
        said = {name: getattr(form, name) for name in form.__struct_fields__ if name not in _CONDITIONS}
        if form.dialect is not UNSET and form.others is UNSET:
            said["others"] = {}
        if form.prefix is UNSET and form.dialect is not UNSET:
            said["prefix"] = None
        return replace(self, forms=(), **{name: value for name, value in said.items() if value is not UNSET})

    @property
    def endpoints(self) -> Mapping[Operation, Endpoint]:
        """Every operation that can be asked of it, chat included."""
        return {Operation.CHAT: Endpoint(url=self.address, quirks=self.quirks, relays=self.relays), **self.others}

    def address(self, base_url: str, model: str, stream: bool) -> str:
        """Where a chat request goes; `base_url` without a slash at its end."""
        return base_url + self.chat_path if self.url is None else self.url(base_url, model, stream)


def below(path: str) -> Callable[[str, str, bool], str]:
    """The same path for every model, streamed or not."""
    return lambda base_url, _model, _stream: base_url + path


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters in its query; one that it has already takes the new value."""
    if not parameters:
        return url
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **parameters})).geturl()


def bearer(key: str) -> Headers:
    """The key as an OAuth bearer token; no header at all for an empty key (servers on one's own machine)."""
    return (("authorization", f"Bearer {key}"),) if key else ()


def key_header(name: str) -> Callable[[str], Headers]:
    """The key in a header of its own; no header at all for an empty key."""
    return lambda key: ((name, key),) if key else ()
