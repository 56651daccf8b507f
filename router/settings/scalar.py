"""Single values: a number that is a number, exactly as it was written; `INVALID` for anything else.

Text is a number only where a variable was put into it: there it cannot be anything but text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import cast

from msgspec import inspect as kinds

from router.settings.expand import Expanded
from router.settings.faults import INVALID, Invalid
from router.settings.secret import Secret

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_SWITCHES = {"true": True, "false": False}


def read_scalar(value: object, type_: kinds.Type) -> object:
    """The value as the type has it, within its bounds."""
    read = _READERS[type(type_)](value)
    return read if isinstance(read, Invalid) or _within(read, type_) else INVALID


def read_secret(value: object) -> Secret | Invalid:
    """Text that is to be kept from sight from here on."""
    if isinstance(value, Secret):
        return value
    return Secret(str(value)) if isinstance(value, str) else INVALID


def _text(value: object) -> str | Invalid:
    return str(value) if isinstance(value, str) else INVALID


def _switch(value: object) -> bool | Invalid:
    if isinstance(value, Expanded):
        return _SWITCHES.get(value.strip().lower(), INVALID)
    return value if isinstance(value, bool) else INVALID


def _whole(value: object) -> int | Invalid:
    if isinstance(value, Expanded) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else INVALID


def _amount(value: object) -> Decimal | Invalid:
    """A float is taken by its shortest decimal form: 0.15 is 0.15."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Expanded):
        return INVALID
    if isinstance(value, Expanded) and not _DECIMAL.fullmatch(value.strip()):
        return INVALID
    try:
        amount = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return INVALID
    return amount if amount.is_finite() and amount >= 0 else INVALID


def _number(value: object) -> float | Invalid:
    if isinstance(value, Expanded):
        return _number(float(value)) if _DECIMAL.fullmatch(value.strip()) else INVALID
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return INVALID
    try:
        number = float(value)
    except OverflowError:
        return INVALID
    return number if math.isfinite(number) else INVALID


_READERS: dict[type, Callable[[object], object]] = {
    kinds.StrType: _text,
    kinds.BoolType: _switch,
    kinds.IntType: _whole,
    kinds.FloatType: _number,
    kinds.DecimalType: _amount,
}


def _within(value: object, type_: kinds.Type) -> bool:
    if isinstance(type_, kinds.StrType):
        return len(cast(str, value)) >= (type_.min_length or 0)
    if not isinstance(type_, kinds.IntType | kinds.FloatType):
        return True
    number = cast(float, value)
    low = (type_.ge is None or number >= type_.ge) and (type_.gt is None or number > type_.gt)
    return low and (type_.le is None or number <= type_.le)
