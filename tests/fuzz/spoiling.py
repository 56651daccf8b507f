"""Ways to spoil what is sent: one place of a JSON value holds what it never should, or the bytes themselves are hurt.

Every choice is a `Random`'s, so that a seed finds the same bytes again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

DEEP = 3_000
"""Levels of nesting: more than any parser's stack that counts on the caller's good will."""

NASTY: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"3",
    b"-1",
    b"0.5",
    b"-0.0",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"NaN",
    b"18446744073709551616",
    b"123456789012345678901234567890",
    b"9" * 5_000,
    b'""',
    b'" "',
    b'"auto"',
    b'"\xff"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\u0000"',
    b'"\x00"',
    b'"\xed\xa0\x80"',
    b'"\xf0\x9f\x98"',
    b'"{"',
    b'"data:;base64,"',
    b'"data:image/png;base64,@@@"',
    b'"data:"',
    b'"http://[::1"',
    b'"https://u:p@h:99999/"',
    b'"\xe2\x80\xa8\\r\\n\\n"',
    b"[]",
    b"{}",
    b"[[]]",
    b"[null]",
    b"[{}]",
    b'[""]',
    b'{"type":"text"}',
    b'{"type":null}',
    b'{"type":["text"]}',
    b'{"type":"text","text":null}',
    b'{"$ref":"#"}',
    b'{"\xff":1}',
    b'{"a":1,"a":2}',
    b'{"":{}}',
    b"[" * 400 + b"]" * 400,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"",
)
"""JSON, and what is none, that readers did not expect where they found it."""

_MARK = "@spoiled@"


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The way to every value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(way for name, one in inner for way in places(one, (*path, name)))]


def spoiled(value: object, path: tuple[object, ...], nasty: bytes) -> bytes:
    """The JSON of a value, one place of which holds these bytes."""
    return json.dumps(_replaced(value, path)).encode().replace(f'"{_MARK}"'.encode(), nasty)


def _replaced(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return _MARK
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:])
    return copy


def spoil(rng: Random, value: object) -> bytes:
    """The JSON of a value, spoiled: mostly in one place, sometimes as bytes, sometimes in both ways."""
    way = rng.random()
    body = json.dumps(value).encode() if way < 0.2 else _in_a_place(rng, value)
    return hurt(rng, body) if way < 0.35 else body


def _in_a_place(rng: Random, value: object) -> bytes:
    """Something nasty, or what stands elsewhere in the same value, or a member said twice or left out."""
    found = places(value)
    path = rng.choice(found)
    if rng.random() < 0.25:
        return spoiled(value, path, json.dumps(_at(value, rng.choice(found))).encode())
    if path and isinstance(path[-1], str) and rng.random() < 0.2:
        return spoiled(value, path, b'null,"%b":%b' % (path[-1].encode(), rng.choice(NASTY)))
    if path and rng.random() < 0.15:
        return json.dumps(_without(value, path)).encode()
    return spoiled(value, path, rng.choice(NASTY))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _without(value[path[0]], path[1:])
    return copy


def hurt(rng: Random, body: bytes) -> bytes:
    """The bytes with one to three wounds."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(body))
        end = min(len(body), start + rng.choice((1, 1, 2, 8, 64)))
        body = rng.choice(_WOUNDS)(rng, body, start, end)
    return body


_WOUNDS: tuple[Callable[[Random, bytes, int, int], bytes], ...] = (
    lambda _, body, start, end: body[:start] + body[end:],
    lambda _, body, start, end: body[:start],
    lambda _, body, start, end: body[:end] + body[start:end] + body[end:],
    lambda rng, body, start, end: body[:start] + rng.randbytes(end - start) + body[end:],
    lambda rng, body, start, end: body[:start] + rng.choice(NASTY) + body[start:],
    lambda _, body, start, end: body[:start] + b"\x00" + body[start:],
    lambda _, body, start, end: body[:start] + b"\r\n\r\n" + body[start:],
)
"""(rng, body, start, end) -> the body with that piece lost, cut off there, doubled, made noise, or with more in it."""
