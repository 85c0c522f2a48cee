from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spanduck._upload.json_text import encode_objects, encode_struct_lists, encode_structs
from spanduck._upload.kernels import Kernels


def test_the_text_is_that_of_json_dumps() -> None:
    objects: list[dict[str, Any]] = [
        {},
        {"a": 1, "b": 1.0, "c": None, "d": True, "e": [1, {"f": {}}], "g": 'é\u2028"\\\n'},
        {"big": 2**80, "nan": float("nan"), "inf": float("inf"), "small": 1e-300},
    ]
    texts = encode_objects(objects).to_pylist()
    assert texts == [json.dumps(item, ensure_ascii=False) for item in objects]


def test_a_dictionary_inside_is_encoded_again_at_every_depth() -> None:
    [text] = encode_objects([{"a": {"b": {"c": 1}, "l": [{"x": {"y": 1}}]}, "z": 2}]).to_pylist()
    outer = json.loads(text)
    assert outer["z"] == 2
    inner = json.loads(outer["a"])
    assert json.loads(inner["b"]) == {"c": 1}
    assert inner["l"] == [{"x": {"y": 1}}]


def test_more_objects_than_one_text_holds_stay_in_order() -> None:
    objects = [{"n": number, "d": {"n": number}} for number in range(5_000)]
    texts = encode_objects(objects).to_pylist()
    assert [json.loads(text)["n"] for text in texts] == list(range(5_000))


def test_numpy_values_become_lists_and_numbers() -> None:
    value = {"v": np.array([0.5, 1.5]), "n": np.int64(3), "l": [np.float32(0.5)]}
    assert encode_objects([value]).to_pylist() == ['{"v": [0.5, 1.5], "n": 3, "l": [0.5]}']


def test_what_json_has_no_form_for_is_an_error() -> None:
    itself: dict[str, Any] = {}
    itself["a"] = itself["b"] = itself
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (itself, {"a": "\ud800"}, {"a": {"b": deep}}):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever of its kinds
            encode_objects([value])
    with pytest.raises(TypeError, match="no form in JSON"):
        encode_objects([{"a": object()}])


def test_structs_keep_nulls_as_fields_and_as_values() -> None:
    structs = pa.array([{"a": 1, "d": {"z": 1, "q": {"r": [{"s": 1}]}}}, None, {"a": 2, "d": None}])
    with Kernels() as kernels:
        first, second, third = encode_structs(structs, kernels).to_pylist()
    assert second is None
    assert json.loads(third) == {"a": 2, "d": None}
    outer = json.loads(first)
    assert json.loads(json.loads(outer["d"])["q"]) == {"r": [{"s": 1}]}


def test_maps_are_objects() -> None:
    kind = pa.map_(pa.string(), pa.struct([("z", pa.int64())]))
    maps = pa.array([[("k", {"z": 1}), ("l", None)], None, []], kind)
    with Kernels() as kernels:
        first, second, third = encode_structs(maps, kernels).to_pylist()
    assert json.loads(first) == {"k": '{"z":1}', "l": None}
    assert (second, third) == (None, "{}")


def test_lists_of_structs_stay_lists_and_null_ones_become_empty() -> None:
    lists = pa.array([[{"a": 9}], [{"a": 1}, {"a": 2}], None, [], [{"a": 3}]]).slice(1)
    with Kernels() as kernels:
        encoded = encode_struct_lists(lists, kernels)
    assert encoded.type == pa.list_(pa.string())
    assert encoded.to_pylist() == [['{"a":1}', '{"a":2}'], [], [], ['{"a":3}']]
