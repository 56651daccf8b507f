"""What sections are made of: the types of their values, and what every section is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

_DAY_S = 86_400.0
MOST = 1_000_000

PositiveS = Annotated[float, Meta(gt=0, le=_DAY_S)]
SomeS = Annotated[float, Meta(ge=0, le=_DAY_S)]
PositiveMs = Annotated[float, Meta(gt=0, le=_DAY_S * 1000)]
Count = Annotated[int, Meta(ge=1, le=MOST)]
SomeCount = Annotated[int, Meta(ge=0, le=MOST)]
Attempts = Annotated[int, Meta(ge=1, le=100)]
Share = Annotated[float, Meta(gt=0, le=1)]
Name = Annotated[str, Meta(min_length=1)]
SizeBytes = Annotated[int, Meta(ge=1024, le=1 << 40)]

_KEY_FORM = "letters, digits, -, . and _, as in team-a"
_KIND_FORM = "a kind of provider, such as openai-compatible"
_HEADER_FORM = "letters, digits and -, as in X-Team"
_PARAMETER_FORM = "letters, digits, -, . and _, as in api-version"
_PROVIDER_FORM = "lower-case letters, digits, _ and -, with a letter or a digit first"
Weight = Annotated[float, Meta(gt=0, le=1_000)]
KeyName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+\Z", max_length=64, extra={"form": _KEY_FORM})]
KindName = Annotated[str, Meta(min_length=1, extra={"form": _KIND_FORM})]
ProviderName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*\Z", extra={"form": _PROVIDER_FORM})]
GroupName = Annotated[str, Meta(pattern=r"^[^:\s]+\Z", extra={"form": "without ':' and without blanks"})]
ParameterName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]+\Z", extra={"form": _PARAMETER_FORM})]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z", extra={"form": _HEADER_FORM})]


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section. `shorthand` is the one key that plain text in the section's place stands for, "" for none."""

    shorthand: ClassVar[str] = ""
