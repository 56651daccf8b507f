"""The kinds that come with the router: where their requests go, what they carry, and how their bodies are bent."""

from __future__ import annotations

import tomllib

import pytest
from genai_prices.data import providers as sellers
from msgspec import Struct
from msgspec.structs import replace

from router.app import kind_rules
from router.providers import GROUP, find_kinds
from router.providers.kind import Headers, with_parameters
from router.providers.quirks import bend
from router.settings import BUILT_IN, KNOWN_KEYS, KnownKey
from tests.sources import ROOT

KINDS = find_kinds()


class Reached(Struct, frozen=True, kw_only=True):
    """Where the chat of one kind goes for the model `a/m:1`; `base` is None where the kind has its own address."""

    url: str
    stream_url: str = ""
    headers: Headers = (("authorization", "Bearer k-1"),)
    base: str | None = None


_CHAT = "/chat/completions"
_BEDROCK = "https://bedrock-runtime.eu-west-1.amazonaws.com"
_GOOGLE_KEY = (("x-goog-api-key", "k-1"),)
_ANTHROPIC = (("anthropic-version", "2023-06-01"), ("x-api-key", "k-1"))
_AZURE_KEY = (("api-key", "k-1"),)
_DEPLOYED = Reached(
    base="https://res.openai.azure.com",
    url=f"https://res.openai.azure.com/openai/deployments/a%2Fm%3A1{_CHAT}?api-version=2024-10-21",
    headers=_AZURE_KEY,
)

REACHED: dict[str, tuple[str, Reached]] = {
    "openai": ("openai", Reached(url=f"https://api.openai.com/v1{_CHAT}")),
    "openai's responses": ("openai-responses", Reached(url="https://api.openai.com/v1/responses")),
    "openai-compatible": (
        "openai-compatible",
        Reached(base="https://gateway.example/v1", url=f"https://gateway.example/v1{_CHAT}"),
    ),
    "anthropic": ("anthropic", Reached(url="https://api.anthropic.com/v1/messages", headers=_ANTHROPIC)),
    "anthropic-compatible": (
        "anthropic-compatible",
        Reached(
            base="https://api.z.ai/api/anthropic",
            url="https://api.z.ai/api/anthropic/v1/messages",
            headers=_ANTHROPIC,
        ),
    ),
    "anthropic-compatible with its version": (
        "anthropic-compatible",
        Reached(base="https://host.example/v1", url="https://host.example/v1/messages", headers=_ANTHROPIC),
    ),
    "gemini": (
        "gemini",
        Reached(
            url="https://generativelanguage.googleapis.com/v1beta/a/m%3A1:generateContent",
            stream_url="https://generativelanguage.googleapis.com/v1beta/a/m%3A1:streamGenerateContent?alt=sse",
            headers=_GOOGLE_KEY,
        ),
    ),
    "vertex": (
        "vertex",
        Reached(
            url="https://aiplatform.googleapis.com/v1/a/m%3A1:generateContent",
            stream_url="https://aiplatform.googleapis.com/v1/a/m%3A1:streamGenerateContent?alt=sse",
            headers=_GOOGLE_KEY,
        ),
    ),
    "ai21": ("ai21", Reached(url=f"https://api.ai21.com/studio/v1{_CHAT}")),
    "github-models": (
        "github-models",
        Reached(
            url=f"https://models.github.ai/inference{_CHAT}",
            headers=(("x-github-api-version", "2022-11-28"), ("authorization", "Bearer k-1")),
        ),
    ),
    "mistral": ("mistral", Reached(url=f"https://api.mistral.ai/v1{_CHAT}")),
    "groq": ("groq", Reached(url=f"https://api.groq.com/openai/v1{_CHAT}")),
    "together": ("together", Reached(url=f"https://api.together.ai/v1{_CHAT}")),
    "cohere": ("cohere", Reached(url="https://api.cohere.com/v2/chat")),
    "openrouter": ("openrouter", Reached(url=f"https://openrouter.ai/api/v1{_CHAT}")),
    "deepseek": ("deepseek", Reached(url=f"https://api.deepseek.com{_CHAT}")),
    "xai": ("xai", Reached(url=f"https://api.x.ai/v1{_CHAT}")),
    "zai": (
        "zai",
        Reached(
            url=f"https://api.z.ai/api/paas/v4{_CHAT}",
            headers=(("accept-language", "en-US,en"), ("authorization", "Bearer k-1")),
        ),
    ),
    "huggingface": ("huggingface", Reached(url=f"https://router.huggingface.co/v1{_CHAT}")),
    "ollama": ("ollama", Reached(url="http://127.0.0.1:11434/api/chat")),
    "ollama by its other address": (
        "ollama",
        Reached(base="http://box.example:11434/v1", url="http://box.example:11434/api/chat"),
    ),
    "vllm": ("vllm", Reached(url=f"http://127.0.0.1:8000/v1{_CHAT}")),
    "lmstudio": ("lmstudio", Reached(url=f"http://127.0.0.1:1234/v1{_CHAT}")),
    "llamacpp-server": ("llamacpp-server", Reached(url=f"http://127.0.0.1:8080/v1{_CHAT}")),
    "perplexity": ("perplexity", Reached(url=f"https://api.perplexity.ai{_CHAT}")),
    "cerebras": ("cerebras", Reached(url=f"https://api.cerebras.ai/v1{_CHAT}")),
    "fireworks": ("fireworks", Reached(url=f"https://api.fireworks.ai/inference/v1{_CHAT}")),
    "opencode": ("opencode", Reached(url=f"https://opencode.ai/zen/v1{_CHAT}")),
    "azure": (
        "azure",
        Reached(
            base="https://res.openai.azure.com/openai/v1",
            url=f"https://res.openai.azure.com/openai/v1{_CHAT}",
            headers=_AZURE_KEY,
        ),
    ),
    "azure by deployment": ("azure", _DEPLOYED),
    "azure by another": ("azure", replace(_DEPLOYED, base="https://res.openai.azure.com/openai/deployments/other")),
    "bedrock": (
        "bedrock",
        Reached(
            base=_BEDROCK,
            url=f"{_BEDROCK}/model/a%2Fm%3A1/converse",
            stream_url=f"{_BEDROCK}/model/a%2Fm%3A1/converse-stream",
        ),
    ),
    "llama-cpp": ("llama-cpp", Reached(url="llama:///chat/completions", headers=())),
}


@pytest.mark.parametrize(("name", "reached"), REACHED.values(), ids=REACHED)
def test_a_kind_is_reached_where_its_provider_listens(name: str, reached: Reached) -> None:
    """With its key in the header it wants, and streams where it has another place for them."""
    kind = KINDS[name]
    base = reached.base or kind.base_url
    assert base is not None
    assert kind.address(base, "a/m:1", False) == reached.url
    assert kind.address(base, "a/m:1", True) == (reached.stream_url or reached.url)
    assert (*kind.headers, *kind.auth("k-1")) == reached.headers


class Spoken(Struct, frozen=True, kw_only=True):
    """How a kind speaks to one model, at one address, where that is not its usual way."""

    kind: str
    base: str
    model: str
    dialect: str
    url: str
    headers: Headers


_X_KEY = (("anthropic-version", "2023-06-01"), ("x-api-key", "k-1"))
_BEARER = (("authorization", "Bearer k-1"),)
_ZEN = "https://opencode.ai/zen/v1"
_PROJECT = "https://eu-west4-aiplatform.googleapis.com/v1/projects/p/locations/eu-west4"
_MANTLE = "https://bedrock-mantle.us-east-1.api.aws"

SPOKEN: dict[str, Spoken] = {
    "zen's claude": Spoken(
        kind="opencode",
        base=_ZEN,
        model="claude-sonnet-5",
        dialect="anthropic-messages",
        url=f"{_ZEN}/messages",
        headers=_X_KEY,
    ),
    "zen's qwen": Spoken(
        kind="opencode",
        base="https://opencode.ai/zen/go/v1",
        model="qwen3.6-plus-free",
        dialect="anthropic-messages",
        url="https://opencode.ai/zen/go/v1/messages",
        headers=_X_KEY,
    ),
    "zen's gpt": Spoken(
        kind="opencode",
        base=_ZEN,
        model="gpt-5.6-sol",
        dialect="openai-responses",
        url=f"{_ZEN}/responses",
        headers=_BEARER,
    ),
    "zen's gemini": Spoken(
        kind="opencode",
        base=_ZEN,
        model="gemini-3.7-flash",
        dialect="gemini",
        url=f"{_ZEN}/models/gemini-3.7-flash:generateContent",
        headers=_GOOGLE_KEY,
    ),
    "zen's others": Spoken(
        kind="opencode",
        base=_ZEN,
        model="minimax-m3",
        dialect="openai-chat",
        url=f"{_ZEN}{_CHAT}",
        headers=_BEARER,
    ),
    "z.ai's coding plan": Spoken(
        kind="zai",
        base="https://api.z.ai/api/coding/paas/v4",
        model="glm-5.3",
        dialect="openai-chat",
        url=f"https://api.z.ai/api/coding/paas/v4{_CHAT}",
        headers=(("accept-language", "en-US,en"), *_BEARER),
    ),
    "z.ai for clients of anthropic": Spoken(
        kind="zai",
        base="https://api.z.ai/api/anthropic",
        model="glm-5.3[1m]",
        dialect="anthropic-messages",
        url="https://api.z.ai/api/anthropic/v1/messages",
        headers=(_X_KEY[0], ("accept-language", "en-US,en"), _X_KEY[1]),
    ),
    "z.ai's responses": Spoken(
        kind="zai",
        base="https://api.z.ai/api/v1",
        model="glm-5.3",
        dialect="openai-responses",
        url="https://api.z.ai/api/v1/responses",
        headers=(("accept-language", "en-US,en"), *_BEARER),
    ),
    "openrouter for clients of anthropic": Spoken(
        kind="openrouter",
        base="https://openrouter.ai/api",
        model="anthropic/claude-sonnet-5",
        dialect="anthropic-messages",
        url="https://openrouter.ai/api/v1/messages",
        headers=(_X_KEY[0], *_BEARER),
    ),
    "hugging face for clients of anthropic": Spoken(
        kind="huggingface",
        base="https://router.huggingface.co",
        model="zai-org/GLM-5",
        dialect="anthropic-messages",
        url="https://router.huggingface.co/v1/messages",
        headers=(_X_KEY[0], *_BEARER),
    ),
    "deepseek for clients of anthropic": Spoken(
        kind="deepseek",
        base="https://api.deepseek.com/anthropic",
        model="deepseek-flash",
        dialect="anthropic-messages",
        url="https://api.deepseek.com/anthropic/v1/messages",
        headers=_X_KEY,
    ),
    "claude in foundry": Spoken(
        kind="azure",
        base="https://res.services.ai.azure.com/anthropic",
        model="my-claude",
        dialect="anthropic-messages",
        url="https://res.services.ai.azure.com/anthropic/v1/messages",
        headers=_X_KEY,
    ),
    "claude in vertex": Spoken(
        kind="vertex",
        base=_PROJECT,
        model="claude-haiku-4-5-20251001",
        dialect="anthropic-messages",
        url=f"{_PROJECT}/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict",
        headers=_GOOGLE_KEY,
    ),
    "an endpoint in vertex": Spoken(
        kind="vertex",
        base=_PROJECT,
        model="endpoints/123",
        dialect="gemini",
        url=f"{_PROJECT}/endpoints/123:generateContent",
        headers=_GOOGLE_KEY,
    ),
    "llama in vertex": Spoken(
        kind="vertex",
        base=_PROJECT,
        model="meta/llama-4-maas",
        dialect="openai-chat",
        url=f"{_PROJECT}/endpoints/openapi{_CHAT}",
        headers=_BEARER,
    ),
    "claude in mantle": Spoken(
        kind="bedrock",
        base=f"{_MANTLE}/anthropic",
        model="anthropic.claude-opus-5",
        dialect="anthropic-messages",
        url=f"{_MANTLE}/anthropic/v1/messages",
        headers=_X_KEY,
    ),
    "gpt-oss in mantle": Spoken(
        kind="bedrock",
        base=f"{_MANTLE}/v1",
        model="openai.gpt-oss-120b",
        dialect="openai-chat",
        url=f"{_MANTLE}/v1{_CHAT}",
        headers=_BEARER,
    ),
}


@pytest.mark.parametrize("spoken", SPOKEN.values(), ids=SPOKEN)
def test_a_kind_speaks_to_each_model_as_its_provider_wants(spoken: Spoken) -> None:
    """The protocol, the place and the header of the key go by model and address."""
    kind = KINDS[spoken.kind].spoken(spoken.base, spoken.model)
    assert (kind.name, kind.dialect.name) == (spoken.kind, spoken.dialect)
    assert kind.address(spoken.base, spoken.model, False) == spoken.url
    assert (*kind.headers, *kind.auth("k-1")) == spoken.headers
    assert spoken.dialect == "openai-chat" or kind.quirks is None


def test_a_usual_model_is_spoken_to_in_the_usual_way() -> None:
    """Without another form made of it."""
    assert [kind.name for kind in KINDS.values() if kind.spoken(kind.base_url or "", "some-model") is not kind] == []


_PLACES = {
    "a region": (
        {"project": "p", "location": "europe-west4"},
        "europe-west4-aiplatform.googleapis.com",
        "europe-west4",
    ),
    "a continent": ({"project": "p", "location": "eu"}, "aiplatform.eu.rep.googleapis.com", "eu"),
    "everywhere": ({"project": "p"}, "aiplatform.googleapis.com", "global"),
}


@pytest.mark.parametrize(("said", "host", "location"), _PLACES.values(), ids=_PLACES)
def test_vertex_is_found_where_its_location_is(said: dict[str, str], host: str, location: str) -> None:
    """The host and the path name the same one."""
    locate = KINDS["vertex"].locate
    assert locate is not None and locate(said) == f"https://{host}/v1/projects/p/locations/{location}"
    assert locate({"location": "eu"}) is None


def test_bedrock_is_found_where_its_region_is() -> None:
    """China's are under a domain of their own."""
    locate = KINDS["bedrock"].locate
    assert locate is not None and locate({"region": "eu-west-1"}) == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert locate({"region": "cn-north-1"}) == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"
    assert locate({"profile": "p"}) is None


_ASKED = {
    "none": ("https://h.example/c?a=1", {}, "https://h.example/c?a=1"),
    "one more": ("https://h.example/c", {"api-version": "preview"}, "https://h.example/c?api-version=preview"),
    "another value": (
        "https://h.example/d%2Fm/c?api-version=2024-10-21",
        {"api-version": "2025-04-01-preview"},
        "https://h.example/d%2Fm/c?api-version=2025-04-01-preview",
    ),
    "signs": ("https://h.example/c?alt=sse", {"a": "x y&z"}, "https://h.example/c?alt=sse&a=x+y%26z"),
}


@pytest.mark.parametrize(("url", "parameters", "asked"), _ASKED.values(), ids=_ASKED)
def test_configured_parameters_stand_in_the_url(url: str, parameters: dict[str, str], asked: str) -> None:
    """Beside those that the kind puts there, and in the place of one of the same name."""
    assert with_parameters(url, parameters) == asked


def test_every_kind_has_a_row_and_a_plain_model_stands_in_its_collection() -> None:
    """A new kind needs one here."""
    assert {name for name, _ in REACHED.values()} == set(KINDS)
    vertex = KINDS["vertex"]
    assert vertex.base_url is not None
    assert vertex.address(vertex.base_url, "m", False).endswith("/v1/publishers/google/models/m:generateContent")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_without_a_key_no_header_pretends_to_carry_one(kind: object) -> None:
    """Servers on one's own machine refuse an empty bearer token."""
    found = next(each for each in KINDS.values() if each is kind)
    assert found.auth("") == ()


_EFFORT = b'"reasoning_effort":"minimal"'
_BODY = (
    b'{"model":"m","messages":[{"role":"developer","content":"be brief"},'
    b'{"role":"user","name":"Ann","content":"hi"},'
    b'{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},'
    b'{"role":"tool","tool_call_id":"call_1","content":"7"}],'
    b'"max_completion_tokens":9,"seed":1,"temperature":1.8,"top_p":1,"n":2,"logprobs":true,"top_logprobs":3,'
    b'"logit_bias":{"5":1},"frequency_penalty":1,"presence_penalty":1,"user":"u","store":true,"metadata":{"a":"b"},'
    b'"service_tier":"priority","verbosity":"low","parallel_tool_calls":false,' + _EFFORT + b',"top_k":3,'
    b'"stream":true,"stream_options":{"include_usage":true}}'
)
"""A chat request with about everything that some provider refuses."""

_SYSTEM = (b'"role":"developer"', b'"role":"system"')
_MAX_TOKENS = (b'"max_completion_tokens":9,', b"")
_TAIL = b',"max_tokens":9}'
_END = (b'"stream_options":{"include_usage":true}}', b'"stream_options":{"include_usage":true}' + _TAIL)
_NO_OPTIONS = b',"stream_options":{"include_usage":true}}'
_LOW = (_EFFORT, b'"reasoning_effort":"low"')


def _without(*members: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((member + b",", b"") for member in members)


_PENALTIES = (b'"frequency_penalty":1', b'"presence_penalty":1')
_BIAS, _USER, _N, _STORE = b'"logit_bias":{"5":1}', b'"user":"u"', b'"n":2', b'"store":true'
_LOGPROBS, _TOP_LOGPROBS = b'"logprobs":true', b'"top_logprobs":3'
_TIER, _VERBOSITY, _PARALLEL = b'"service_tier":"priority"', b'"verbosity":"low"', b'"parallel_tool_calls":false'
_METADATA, _TOP_K, _SEED = b'"metadata":{"a":"b"}', b'"top_k":3', b'"seed":1'
_CALL_IDS = ((b'"call_1"', b'"NINE"'),)

BENT: dict[str, tuple[tuple[tuple[bytes, bytes], ...], set[str]]] = {
    "mistral": (
        (
            _SYSTEM,
            _MAX_TOKENS,
            *_CALL_IDS,
            *_without(_SEED, _LOGPROBS, _TOP_LOGPROBS, _BIAS, _USER, _STORE, _TIER, _VERBOSITY),
            (_EFFORT, b'"reasoning_effort":"high"'),
            (b'"temperature":1.8', b'"temperature":1.5'),
            (_NO_OPTIONS, _TAIL[:-1] + b',"random_seed":1}'),
        ),
        {
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "user",
            "store",
            "service_tier",
            "verbosity",
            "reasoning_effort",
            "temperature",
        },
    ),
    "groq": (
        (
            (b'"name":"Ann",', b""),
            *_without(_N, _LOGPROBS, _TOP_LOGPROBS, _BIAS, *_PENALTIES, _STORE, _METADATA, _TOP_K),
            (b'"service_tier":"priority"', b'"service_tier":"performance"'),
            _LOW,
        ),
        {
            "n",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "frequency_penalty",
            "presence_penalty",
            "store",
            "metadata",
            "top_k",
            "reasoning_effort",
            "messages[1].name",
        },
    ),
    "together": (
        (
            _SYSTEM,
            _MAX_TOKENS,
            (b'"logprobs":true', b'"logprobs":3'),
            *_without(_TOP_LOGPROBS, _USER, _STORE, _METADATA, _TIER, _VERBOSITY, _PARALLEL),
            _LOW,
            (_NO_OPTIONS, _TAIL),
        ),
        {"reasoning_effort", "user", "store", "metadata", "service_tier", "verbosity", "parallel_tool_calls"},
    ),
    "deepseek": (
        (_SYSTEM, _MAX_TOKENS, *_without(_SEED, _TOP_K, _N, _BIAS, _USER), _LOW, _END),
        {"seed", "top_k", "n", "logit_bias", "user", "reasoning_effort"},
    ),
    "xai": (_without(_BIAS, _TOP_K), {"top_k", "logit_bias"}),
    "zai": (
        (
            _SYSTEM,
            _MAX_TOKENS,
            (b'"temperature":1.8', b'"temperature":0.99'),
            (b'"top_p":1,', b'"top_p":0.99,'),
            *_without(_N, _LOGPROBS, _TOP_LOGPROBS, _BIAS, *_PENALTIES, _USER, _STORE, _VERBOSITY, _PARALLEL),
            _LOW,
            _END,
        ),
        {
            "parallel_tool_calls",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "n",
            "store",
            "verbosity",
            "user",
            "temperature",
            "top_p",
            "reasoning_effort",
        },
    ),
    "huggingface": (
        (_SYSTEM, _MAX_TOKENS, *_without(_N, _BIAS, _USER, _STORE, _TIER, _VERBOSITY, _PARALLEL), _END),
        {"n", "logit_bias", "parallel_tool_calls", "store", "user", "service_tier", "verbosity"},
    ),
    "ai21": (
        (
            _SYSTEM,
            _MAX_TOKENS,
            *_without(_SEED, _N, _LOGPROBS, _TOP_LOGPROBS, _BIAS, *_PENALTIES, _USER, _STORE, _METADATA, _TIER),
            *_without(_VERBOSITY, _PARALLEL, _EFFORT, _TOP_K),
            (_NO_OPTIONS, _TAIL),
        ),
        {
            "n",
            "parallel_tool_calls",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "seed",
            "reasoning_effort",
            "user",
            "store",
            "metadata",
            "service_tier",
            "verbosity",
            "top_k",
        },
    ),
    "github-models": (((b'"temperature":1.8', b'"temperature":1.0'),), {"temperature"}),
    "vllm": ((_SYSTEM, _LOW), {"reasoning_effort"}),
    "lmstudio": ((_SYSTEM, _MAX_TOKENS, _END), set()),
    "llamacpp-server": ((_SYSTEM, _MAX_TOKENS, _END), set()),
    "opencode": ((_SYSTEM, _MAX_TOKENS, _END), set()),
    "cerebras": (
        (_SYSTEM, *_without(_BIAS, *_PENALTIES, _TIER, _PARALLEL)),
        {"frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"},
    ),
}
"""Kind -> what of `_BODY` reads otherwise for it, and what is named as lost."""


@pytest.mark.parametrize("name", BENT)
def test_a_kind_gets_the_body_it_takes(name: str) -> None:
    """Byte for byte the caller's, but for what the provider would refuse."""
    kind, (changes, lost) = KINDS[name], BENT[name]
    expected = _BODY
    for said, instead in changes:
        assert said in expected
        expected = expected.replace(said, instead)
    assert kind.quirks is not None
    nine = kind.quirks.call_id("call_1") if kind.quirks.call_id else ""
    body, named = bend(_BODY, kind.quirks)
    assert body == expected.replace(b"NINE", nine.encode())
    assert set(named) == lost and len(named) == len(lost)


def test_every_kind_with_quirks_has_a_row() -> None:
    """And every other one passes a caller's bytes on: its row would be empty."""
    assert set(BENT) == {kind.name for kind in KINDS.values() if kind.quirks is not None}


def test_mistral_takes_ids_of_nine_characters_and_gets_its_own_back() -> None:
    """Two calls of others stay two, whatever their ids are."""
    quirks = KINDS["mistral"].quirks
    assert quirks is not None and quirks.call_id is not None
    made = {quirks.call_id(each) for each in ("call_1", "call_2", "toolu_01A09q90qw90lq917835lq9", "", "gSIMJiOk-")}
    assert len(made) == 5 and all(len(each) == 9 and each.isalnum() for each in made)
    assert quirks.call_id("gSIMJiOkT") == "gSIMJiOkT"


def test_the_settings_know_what_each_kind_needs() -> None:
    """They may not import the kinds, so what they say of those that come with the router is held to them here."""
    assert {name: rules for name, rules in kind_rules().items() if name in BUILT_IN} == BUILT_IN


@pytest.mark.parametrize("known", KNOWN_KEYS, ids=lambda known: known.name)
def test_a_known_key_is_the_one_that_its_kind_names(known: KnownKey) -> None:
    """The table of variables and the kinds' own files may not drift apart; general kinds name none."""
    kind = KINDS[known.kind]
    assert kind.key_variable == known.variable or (not kind.key_variable and known.base_url)


def test_every_file_of_a_kind_is_an_entry_point_by_its_name() -> None:
    """One forgotten in pyproject.toml would be a kind nobody can configure."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = pyproject["project"]["entry-points"][GROUP]
    folder = ROOT / "router" / "providers"
    files = {f"router.providers.{file.stem}:KIND" for file in folder.glob("*.py") if "KIND = Kind(" in file.read_text()}
    assert set(listed.values()) == files
    assert set(listed) == set(BUILT_IN) <= set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.price_id], ids=lambda kind: kind.name)
def test_a_price_id_is_one_of_the_price_list(kind: object) -> None:
    """A misspelt one would make every price of the kind unknown."""
    assert getattr(kind, "price_id", None) in {seller.id for seller in sellers}
