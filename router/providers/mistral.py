"""Mistral's own API. It checks bodies strictly: a member it does not know is a 422, and a tool call's id that is not
nine letters and digits a 400.

Its answers are not passed on as they are: content may be a list of parts, calls lack their index, and one finish
reason is its own. Clients of OpenAI would break on each of these.

Source: https://docs.mistral.ai/api, read 2026-11.
"""

from __future__ import annotations

import re
from hashlib import blake2s

from msgspec import Raw, Struct
from msgspec.json import Decoder

from router.canon.ability import Ability, Traits
from router.canon.allowance import Counted
from router.canon.operation import Operation
from router.providers.kind import Kind, at, bearer
from router.providers.knowledge import Known
from router.providers.limits import ratelimit, seconds
from router.providers.prefix import Prefix, Style
from router.providers.quirks import Quirks
from router.providers.survey import openai_survey
from router.wire.members import ENCODER, UNREADABLE
from router.wire.openai_chat import DIALECT

_EFFORTS = ("minimal", "low", "medium", "xhigh", "max")
"""All but the two it has, `none` and `high`."""

_OWN_ID = re.compile(r"[A-Za-z0-9]{9}")


def nine_characters(given: str) -> str:
    """A tool call's id as Mistral takes it. Callers get Mistral's own ids, which come back unchanged."""
    return given if _OWN_ID.fullmatch(given) else blake2s(given.encode("utf-8", "surrogatepass")).hexdigest()[:9]


class _File(Struct, frozen=True):
    """OpenAI's file: its data as a URL, or what it is called where it was stored."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _Sound(Struct, frozen=True):
    """OpenAI's recording; its form shows in itself."""

    data: str


_FILE, _SOUND = Decoder(_File), Decoder(_Sound)


def own_part(part: dict[str, Raw]) -> dict[str, Raw]:
    """Documents and recordings as Mistral takes them; OpenAI's forms are a 422. What cannot be read is left to it."""
    try:
        match bytes(part.get("type", b"")):
            case b'"file"' if "file" in part:
                return _document(_FILE.decode(part["file"])) or part
            case b'"input_audio"':
                return _said(type="input_audio", input_audio=_SOUND.decode(part["input_audio"]).data)
    except UNREADABLE:
        return part
    return part


def _document(file: _File) -> dict[str, Raw] | None:
    if file.file_data is not None:
        named = {"document_name": file.filename} if file.filename else {}
        return _said(type="document_url", document_url=file.file_data, **named)
    return None if file.file_id is None else _said(type="file", file_id=file.file_id)


def _said(**members: str) -> dict[str, Raw]:
    return {name: Raw(ENCODER.encode(value)) for name, value in members.items()}


_EMBEDDINGS = Quirks(renames=(("dimensions", "output_dimension"),), refused=("user",))
_KNOWN = (
    Known(models="voxtral", traits=Traits(can=(Ability.AUDIO,))),
    Known(
        models="magistral|mistral-small-latest|mistral-medium-(?:3-5|latest)", traits=Traits(can=(Ability.REASONING,))
    ),
    Known(traits=Traits(can=(Ability.JSON_SCHEMA, Ability.DOCUMENTS, Ability.PREFILL))),
)
"""What the list of models does not tell. Source: https://docs.mistral.ai/getting-started/models, read 2026-11."""


KIND = Kind(
    name="mistral",
    dialect=DIALECT,
    base_url="https://api.mistral.ai/v1",
    auth=bearer,
    needs_key=True,
    survey=openai_survey,
    known=_KNOWN,
    system="mistral_ai",
    price_id="mistral",
    key_variable="MISTRAL_API_KEY",
    relays=False,
    quirks=Quirks(
        renames=(("max_completion_tokens", "max_tokens"), ("seed", "random_seed")),
        refused=(
            "logprobs",
            "top_logprobs",
            "logit_bias",
            "user",
            "safety_identifier",
            "store",
            "service_tier",
            "verbosity",
            "modalities",
            "audio",
        ),
        needless=("stream_options",),
        nearest=tuple(("reasoning_effort", f'"{effort}"', '"high"') for effort in _EFFORTS),
        bounds=(("temperature", 0.0, 1.5),),
        roles=(("developer", "system"),),
        call_id=nine_characters,
        # Several of its models refuse a user's turn right behind a tool's answer.
        part=own_part,
        bridges=(("tool", "user", "Understood."),),
    ),
    # No reset is sent: a minute's limit is full again a minute later at the latest.
    limits=(ratelimit(Counted.REQUESTS, "req-minute", seconds), ratelimit(Counted.TOKENS, "tokens-minute", seconds)),
    others={
        Operation.EMBEDDINGS: at("/embeddings", quirks=_EMBEDDINGS),
        Operation.MODERATIONS: at("/moderations", relays=False),
    },
    prefix=Prefix(style=Style.MARKED, echoes=True),
)
