from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanduck.server.errors import RequestError, UnprocessableError
from spanduck.server.list_query import Key, ListQuery, read_spans_query, read_traces_query

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def query(params: dict[str, str] | None = None, **body: Any) -> ListQuery:
    return read_spans_query(json.dumps({"project_id": "p", **body}).encode(), params or {})


@given(start=st.integers(-(2**63), 2**63 - 1), trace=TEXTS, span=TEXTS)
def test_a_cursor_names_its_key_and_the_window_of_the_first_page(
    start: int, trace: str, span: str
) -> None:
    first = query()
    key = Key(start, trace, span)
    following = query({"cursor": first.cursor(key), "limit": "7"})
    assert following.after == key
    assert (following.start_ns, following.end_ns) == (first.start_ns, first.end_ns)
    assert following.limit == 7


@given(at=st.integers(0, 10_000), letter=st.sampled_from("AZaz09-_"))
def test_a_cursor_with_another_letter_is_none(at: int, letter: str) -> None:
    cursor = query().cursor(Key(1, "trace", "span"))
    at %= len(cursor)
    if cursor[at] == letter:
        return
    with pytest.raises(RequestError, match="cursor"):
        query({"cursor": cursor[:at] + letter + cursor[at + 1 :]})


def test_only_the_length_of_texts_and_the_order_of_columns_may_change() -> None:
    first = query(included_columns=["a", "b"], truncate_string_length=3)
    cursor = first.cursor(Key(1, "t", "s"))
    assert query({"cursor": cursor}, included_columns=["b", "a"]).after is not None
    for body in (
        {},
        {"included_columns": ["a"]},
        {"included_columns": ["a", "b"], "filter": "x=1"},
    ):
        with pytest.raises(RequestError, match="cursor"):
            query({"cursor": cursor}, **body)


def test_the_default_window_is_seven_days() -> None:
    made = query()
    now = datetime.now(UTC).timestamp() * 10**9
    assert abs(made.end_ns - now) < 5 * 10**9
    assert (
        made.end_ns - made.start_ns
        == timedelta(days=7) // timedelta(microseconds=1) * 1_000 + 1_000
    )


def test_bounds_are_whole_microseconds_inclusive() -> None:
    made = query(start_time="1970-01-01T00:00:00.000002Z", end_time="1970-01-01T00:00:00.000003Z")
    assert (made.start_ns, made.end_ns) == (2_000, 4_000)
    ends = query(start_time="0001-01-01T00:00:00Z", end_time="9999-12-31T23:59:59Z")
    assert -(2**63) < ends.start_ns < ends.end_ns < 2**63


def test_limits_differ_between_spans_and_traces() -> None:
    body = b'{"project_id": "p"}'
    assert (query().limit, read_traces_query(body, {}).limit) == (50, 25)
    assert query({"limit": "500"}).limit == 500
    assert read_traces_query(body, {"limit": "50"}).limit == 50
    for read, most in ((read_spans_query, 500), (read_traces_query, 50)):
        for bad in ("0", str(most + 1), "٣", "1e1", " 1"):
            with pytest.raises(UnprocessableError, match="limit"):
                read(body, {"limit": bad})
