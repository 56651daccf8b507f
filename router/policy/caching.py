"""Whether a request goes to the response cache. Pure.

    wish         key      group    server   the request
    bypass       -        -        -        goes around it, where it is on
    use          false    -        -        is never looked up or kept: no wish lifts a key's own no
    use          other    -        -        is looked up, at any temperature; its tool calls are kept
    none         said     -        -        does what the key says
    none         -        said     -        what the group says
    none         -        -        said     what the server says: off, unless it is switched on

The most specific word wins; whether answers that call tools are kept is decided in the same way by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Raw, Struct, ValidationError
from msgspec.json import decode

from router.canon.caching import CacheScope

Wish = Literal["use", "bypass"] | None


class CacheUse(Struct, frozen=True, kw_only=True):
    """How a request meets a cache that is on for it.

    Args:
        word: `miss`, which it is until it is found, or `bypass`.
        tool_calls: whether its answer is kept where that calls tools.
    """

    word: Literal["miss", "bypass"]
    tool_calls: bool = False


_AROUND = CacheUse(word="bypass")


def choose_use(
    scopes: tuple[CacheScope, CacheScope, CacheScope], wish: Wish, fields: Mapping[str, Raw], max_temperature: float
) -> CacheUse | None:
    """How this request meets the cache; None where it is off for it.

    Args:
        scopes: of its client key, its group and the server.
        wish: the request's own.
        fields: the body's top-level members.
        max_temperature: a request that states a higher one wants another answer each time, unless it wishes for `use`.
    """
    key, group, server = scopes
    if key.on is False or not (wish == "use" or _first(key.on, group.on, server.on)):
        return None
    if wish == "use":
        return CacheUse(word="miss", tool_calls=True)
    if wish == "bypass" or _is_hot(fields, max_temperature):
        return _AROUND
    return CacheUse(word="miss", tool_calls=_first(key.tool_calls, group.tool_calls, server.tool_calls))


def _first(*said: bool | None) -> bool:
    """The first word that was said; no where none was."""
    return next((word for word in said if word is not None), False)


def _is_hot(fields: Mapping[str, Raw], max_temperature: float) -> bool:
    stated = fields.get("temperature", fields.get("temp"))
    if stated is None:
        return False
    try:
        temperature = decode(stated, type=float | None)
    except ValidationError:  # the provider's to refuse
        return True
    return temperature is not None and temperature > max_temperature
