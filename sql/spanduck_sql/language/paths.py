"""Ways down into a stored document: the keys that a path may stand for, and as DuckDB's JSON paths.

A name is one text, so `a.b` below a document may be the key `a.b` or the key `b` of what `a` holds.
Exporters flatten keys as they like, at any level; each way is tried, longer keys first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import Final

MAX_PARTS: Final = 5
"""Longer paths are read part by part only: the ways double with each part."""

_plain = re.compile(r"[A-Za-z_][A-Za-z0-9_. -]*")


@lru_cache(maxsize=1024)
def key_paths(parts: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the sequences of keys that `parts`, joined by dots, may stand for; at most 16."""
    if len(parts) > MAX_PARTS:
        return (parts,)
    found: list[tuple[str, ...]] = []
    for joints in product((".", "\0"), repeat=len(parts) - 1):
        text = "".join(part + joint for part, joint in zip(parts, (*joints, ""), strict=True))
        found.append(tuple(text.split("\0")))
    return tuple(found)


def json_path(keys: tuple[str, ...]) -> str:
    """Return DuckDB's path to what lies under `keys`.

    Where a key may be a position in a list, or has a character that means something in such a path
    (`*` does even in quotes), it is a JSON pointer: that one means a key or a position, whichever
    the document has there.
    """
    if all(map(_plain.fullmatch, keys)):
        return "$" + "".join(f'."{key}"' for key in keys)
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
