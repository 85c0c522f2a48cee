r"""Dictionaries as the JSON text that the upload carries.

The protocol's rule, in one place: an object becomes JSON text with its non-ASCII characters as
they are, and an object that is directly a value of it becomes a JSON *string* of its own text,
and so on down; objects inside lists stay as they are. `{"a": 1, "d": {"z": 1}}` travels as `{"a":
1, "d": "{\"z\": 1}"}`.
"""

from __future__ import annotations

import json
import secrets
from itertools import chain, compress, islice, repeat
from operator import not_
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanduck._upload.arrow_input import list_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._upload.kernels import Kernels

_ROWS_AT_ONCE: Final = 2_000
"""One text of so many objects is in memory at a time, as Python text and as Arrow."""
_CHECKED_DEPTH: Final = 8


# `Any` in this module: values of the caller's dictionaries.
def encode_objects(objects: Sequence[dict[Any, Any]]) -> pa.Array:
    """Encode dictionaries, with the bytes that `json.dumps` would give each; none is null.

    Numpy arrays and scalars become lists and numbers.

    Raises:
        TypeError: A value that JSON has no form for.
        ValueError: A dictionary that contains itself, or text that is no valid Unicode.
    """
    chunks = [
        pa.array(_texts(objects[start : start + _ROWS_AT_ONCE]), pa.string())
        for start in range(0, len(objects), _ROWS_AT_ONCE)
    ]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())


def encode_structs(structs: pa.Array, kernels: Kernels) -> pa.Array:
    """Encode an array of structs or maps; a null stays null.

    A field that is null is written as `null`: a struct does not tell an absent key from a null one.
    """
    if pa.types.is_struct(structs.type) and structs.type.num_fields:
        # The validity of the parent is merged into the children: a null struct has no objects
        # inside.
        children = [
            encode_structs(child, kernels) if _is_object(child.type) else child
            for child in structs.flatten()
        ]
        names = [field.name for field in structs.type]
        structs = pa.StructArray.from_arrays(children, names=names, mask=structs.is_null())
    elif pa.types.is_map(structs.type) and _is_object(structs.type.item_type):
        items = encode_structs(structs.items, kernels)
        structs = pa.MapArray.from_arrays(
            structs.offsets,
            structs.keys,
            items,
            mask=structs.is_null() if structs.null_count else None,
        )
    return kernels.column("to_json", structs)


def encode_struct_lists(lists: pa.Array, kernels: Kernels) -> pa.Array:
    """Encode lists of structs or maps as `list<string>`; a null list becomes an empty one."""
    return list_array(lists, encode_structs(lists.flatten(), kernels), null_as_empty=True)


def _is_object(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind) or pa.types.is_map(kind))


# No line of the following runs once for each object: `map`, `chain`, `compress` and `islice` loop
# in C, and one call of `json.dumps` writes all objects. (DuckDB's JSON functions would do it too,
# but only after the text is made, and with other white space than the vendor's.)
def _texts(objects: Sequence[dict[Any, Any]], depth: int = 0) -> list[str]:
    if depth == _CHECKED_DEPTH:
        # A dictionary that contains itself would go on for ever, and double with every level.
        _dumps(objects)
    objects = _with_encoded_values(objects, depth)
    # The text between two objects cannot occur in them by chance, which makes it safe to split by
    # it.
    token = secrets.token_hex(16)
    text = _dumps(list(chain.from_iterable(zip(objects, repeat(token), strict=False))))
    return text[1 : -len(f', "{token}"]')].split(f', "{token}", ')


def _with_encoded_values(objects: Sequence[dict[Any, Any]], depth: int) -> Sequence[dict[Any, Any]]:
    if not any(map(isinstance, chain.from_iterable(map(dict.values, objects)), repeat(dict))):
        return objects
    values = list(chain.from_iterable(map(dict.values, objects)))
    is_object = list(map(isinstance, values, repeat(dict)))
    others = compress(values, map(not_, is_object))
    texts = iter(_texts(list(compress(values, is_object)), depth + 1))
    # `(others, texts)[is_object]` is where the next value comes from.
    encoded = map(next, map((others, texts).__getitem__, is_object))
    pairs = zip(chain.from_iterable(objects), encoded, strict=True)
    return list(map(dict, map(islice, repeat(pairs), map(len, objects))))


def _dumps(values: Sequence[Any]) -> str:
    try:
        return json.dumps(values, ensure_ascii=False, default=_json_value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _json_value(value: Any) -> Any:
    # Numpy's arrays and scalars; not looked up by type, as numpy need not be there.
    to_list = getattr(value, "tolist", None)
    if to_list is None:
        raise TypeError(f"{type(value).__name__} {value!r:.60} has no form in JSON")
    return to_list()
