from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spanduck_sql.expressions import AlwaysTrue, Opaque
from spanduck_sql.language.binding import BoundFilter, bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.evaluate import evaluate
from spanduck_sql.language.parser import parse

KINDS = {
    "status_code": StoredKind.TEXT,
    "latency_ms": StoredKind.DOUBLE,
    "start_time": StoredKind.TIMESTAMP,
    "attributes.x": StoredKind.TEXT,
    "attributes.metadata": StoredKind.TEXT,
    "attributes.list": StoredKind.LIST,
    "attributes.map": StoredKind.MAP,
    "attributes.number": StoredKind.DOUBLE,
}
COLUMNS = {name: Column(name, kind) for name, kind in KINDS.items()}


def meaning(text: str, **values: Any) -> bool | None:
    row = dict.fromkeys(KINDS) | {name.replace("__", "."): value for name, value in values.items()}
    return evaluate(bind(parse(text), COLUMNS), row)


def test_a_missing_value_makes_a_comparison_unknown_and_its_negation_too() -> None:
    assert meaning("status_code != 'OK'") is None
    assert meaning("NOT status_code = 'OK'") is None
    assert meaning("status_code = 'OK' OR status_code IS NULL") is True
    assert meaning("status_code = 'OK' AND status_code IS NOT NULL") is False


@pytest.mark.parametrize("stored", ["", "x", "1_000", "1e400", "nan", "inf", "5\u00a0", "0x1F"])
def test_text_that_is_no_number_is_missing_where_a_number_is_asked(stored: str) -> None:
    assert meaning("attributes.x > 0", attributes__x=stored) is None
    assert meaning("NOT attributes.x > 0", attributes__x=stored) is None


@pytest.mark.parametrize("stored", ["5", " 5\n", "+5", "5.", "0.5e1", ".5E+01", "005"])
def test_text_that_is_a_number_compares_as_one(stored: str) -> None:
    assert meaning("attributes.x = 5", attributes__x=stored) is True


def test_only_true_and_false_in_any_case_are_booleans() -> None:
    assert meaning("attributes.x = true", attributes__x="True") is True
    assert meaning("attributes.x = true", attributes__x="FALSE") is False
    assert meaning("attributes.x != true", attributes__x="1") is None
    assert meaning("attributes.x = true", attributes__x=" true") is None


def test_nan_is_missing_and_infinity_is_a_number() -> None:
    assert meaning("attributes.number > 1", attributes__number=float("nan")) is None
    assert meaning("attributes.number != 1", attributes__number=float("nan")) is None
    assert meaning("attributes.number > 1", attributes__number=float("inf")) is True
    assert meaning("attributes.number = '0.5'", attributes__number=Decimal("0.50")) is True


def test_text_keeps_its_case_but_for_ilike() -> None:
    assert meaning("status_code LIKE 'err%'", status_code="ERROR") is False
    assert meaning("status_code ILIKE 'err%'", status_code="ERROR") is True
    assert meaning("status_code ILIKE 'İ'", status_code="i") is True


def test_wildcards_are_ordinary_for_contains_and_when_escaped() -> None:
    assert meaning("status_code CONTAINS '%'", status_code="a") is False
    assert meaning("status_code LIKE 'a#%' ESCAPE '#'", status_code="a%") is True
    assert meaning("status_code LIKE 'a#%' ESCAPE '#'", status_code="ab") is False
    assert meaning("status_code LIKE 'a_c'", status_code="a\nc") is True


def test_times_compare_to_the_microsecond() -> None:
    stored = datetime(2024, 5, 1, 10, 0, 0, 1, UTC)
    assert meaning("start_time > '2024-05-01T10:00:00Z'", start_time=stored) is True
    assert meaning("start_time = '2024-05-01 12:00:00.000001+02'", start_time=stored) is True
    assert meaning("start_time < '2024-05-01T10:00:00.0000011Z'", start_time=stored) is False


def test_flattened_keys_are_found_before_nested_ones() -> None:
    both = '{"a.b": "flat", "a": {"b": "nested", "c": 1.50}}'
    assert meaning("attributes.metadata.a.b = 'flat'", attributes__metadata=both) is True
    assert meaning("attributes.metadata.a.c = 1.5", attributes__metadata=both) is True
    assert meaning("attributes.metadata.a.c = '1.5'", attributes__metadata=both) is True
    assert meaning("attributes.metadata.a.d IS NULL", attributes__metadata=both) is True
    assert meaning("attributes.metadata.a IS NULL", attributes__metadata="{broken") is True


def test_messages_are_found_in_both_shapes() -> None:
    shapes = ['{"message.content": "hi"}', '{"message": {"content": "hi"}}']
    for position in (0, 1):
        text = f"attributes.list[{position}].message.content CONTAINS 'hi'"
        assert meaning(text, attributes__list=shapes) is True
    assert meaning("attributes.list[2].message.content IS NULL", attributes__list=shapes) is True
    assert meaning("attributes.list CONTAINS 'hi'", attributes__list=shapes) is True


def test_a_map_has_its_keys_with_dots_and_documents_as_values() -> None:
    stored = {"a.b": "1", "c": '{"d": "2"}'}
    assert meaning("attributes.map.a.b = 1", attributes__map=stored) is True
    assert meaning("attributes.map.c.d = '2'", attributes__map=stored) is True
    assert meaning("attributes.map.x IS NULL", attributes__map=stored) is True


def test_no_filter_matches_every_row_and_sql_is_refused() -> None:
    assert evaluate(bind(AlwaysTrue(), COLUMNS), {}) is True
    with pytest.raises(TypeError, match="not part"):
        evaluate(BoundFilter(Opaque("random()", "a function"), {}), {})
