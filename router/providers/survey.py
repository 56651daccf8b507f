"""Asking a provider which models it has: what is asked, and what the answers reveal.

A survey is a generator: it yields questions and is sent the body of each answer, None for one that did not come. It
knows no socket and no clock. Listings differ in shape, not in spirit, so most kinds share `openai_survey`, which takes
from each entry whatever of `_WORDS` it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from router.canon.ability import Ability, Traits, judged

T = TypeVar("T")

MOST_MODELS = 2000
"""More than any provider lists; a page that leads back to itself ends there."""

MOST_PAGES = 20


class Question(Struct, frozen=True, kw_only=True):
    """One request of a survey: a GET, or a POST of `body` where there is one."""

    url: str
    body: bytes = b""


class FoundModel(Struct, frozen=True, kw_only=True):
    """A model that a provider lists. `chats`: False for one that is known to be for something else."""

    name: str
    traits: Traits = Traits()
    chats: bool = True


Inquiry = Generator[Question, bytes | None, T]
"""Any inquiry: questions out, bodies in, what it all says at the end."""
Survey = Inquiry[tuple[FoundModel, ...]]
MakeSurvey = Callable[[str], Survey]
"""Base URL -> a survey of what is there."""


Figures = dict[str, str | float | bool | None]
"""What a provider tells of money and of single answers, under its own names."""


class Unanswered(Exception):
    """The list itself did not come, or cannot be read: what was known before stays."""


_ANY = Decoder()


def read(body: bytes | None) -> Any:
    """An answer's JSON. Raises `Unanswered`."""
    if body is None:
        raise Unanswered
    try:
        return _ANY.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise Unanswered from None


def entries(body: bytes | None, *names: str) -> tuple[dict[str, Any], ...]:
    """The objects of a list: the body itself, or the first of its members by these names that is one."""
    said = read(body)
    if isinstance(said, dict):
        said = next((said[name] for name in names if isinstance(said.get(name), list)), None)
    if not isinstance(said, list):
        raise Unanswered
    return tuple(entry for entry in said[:MOST_MODELS] if isinstance(entry, dict))


def entry_of(body: bytes | None) -> Mapping[str, Any]:
    """An answer that is one object. Raises `Unanswered`."""
    said = read(body)
    if not isinstance(said, dict):
        raise Unanswered
    return said


def text(entry: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is text; "" when none is."""
    return next((entry[name] for name in names if isinstance(entry.get(name), str)), "")


def number(entry: Mapping[str, Any], *names: str) -> int | None:
    """The first of these members that is a whole number above 0."""
    found = (entry.get(name) for name in names)
    return next((value for value in found if type(value) is int and value > 0), None)


def flag(entry: Mapping[str, Any], *names: str) -> bool | None:
    """The first of these members that is true or false."""
    return next((entry[name] for name in names if isinstance(entry.get(name), bool)), None)


def listed(entry: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """A member that is a list of words; None when it is none."""
    words = entry.get(name)
    return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else None


def inside(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; an empty one when it is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def objects(entry: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """The objects of a member that is a list; none of one that is not."""
    value = entry.get(name)
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def figures(entry: Mapping[str, Any], *names: str) -> Figures:
    """Those of these members that are text, a number or a flag, in this order."""
    return {name: entry[name] for name in names if isinstance(entry.get(name), str | int | float)}


def amount(entry: Mapping[str, Any], name: str) -> str | None:
    """A price above 0 as decimal text. What costs nothing in a list is more often not sold so than free."""
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return format(Decimal(str(value)), "f")


_WORDS: Mapping[Ability, tuple[str, ...]] = {
    Ability.VISION: ("vision", "supports_image_input", "supports_vision"),
    Ability.TOOLS: ("function_calling", "supports_tools"),
    Ability.AUDIO: ("audio",),
    Ability.JSON_SCHEMA: ("supports_structured_output",),
}
"""Flags of Mistral's `capabilities`, of Fireworks and of Hugging Face, by what they tell."""

_WINDOWS = ("context_window", "context_length", "max_model_len", "max_context_length")
"""Groq and DeepSeek; Together, xAI and Fireworks; vLLM; Mistral."""

_OUTPUTS = ("max_completion_tokens", "max_output_tokens")

_OTHER_TYPES = frozenset(
    {"embedding", "embeddings", "embeddings-llm", "image", "moderation", "rerank", "audio", "transcribe", "video"}
)
"""Together's and LM Studio's types of models that do not chat."""


def openai_entry(entry: Mapping[str, Any]) -> FoundModel | None:
    """One model of a list in OpenAI's form, with all that some provider adds to it."""
    name = text(entry, "id", "name")
    if not name:
        return None
    flags = {**entry, **inside(entry, "capabilities")}
    can, cannot = judged((ability, flag(flags, *words)) for ability, words in _WORDS.items())
    price = inside(entry, "pricing")
    chats = flag(flags, "completion_chat", "supports_chat", "chat_completion")
    return FoundModel(
        name=name,
        traits=Traits(
            can=can,
            cannot=cannot,
            context_window=number(entry, *_WINDOWS),
            max_output=number(entry, *_OUTPUTS),
            input_per_mtok=amount(price, "input"),
            output_per_mtok=amount(price, "output"),
        ),
        chats=chats is not False and text(entry, "type") not in _OTHER_TYPES,
    )


def openai_survey(base_url: str) -> Survey:
    """`GET /models`: an object with `data`, or a bare list. Aliases repeat their model and stay: callers use them."""
    body = yield Question(url=f"{base_url}/models")
    return unique(map(openai_entry, entries(body, "data", "models")))


def unique(found: Iterable[FoundModel | None]) -> tuple[FoundModel, ...]:
    """Each name once, the first."""
    named: dict[str, FoundModel] = {}
    for model in found:
        if model is not None:
            named.setdefault(model.name, model)
    return tuple(named.values())
