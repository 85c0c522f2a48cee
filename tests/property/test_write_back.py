"""Laws of write-back against the embedded server."""

from __future__ import annotations

import itertools
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.projects import new_project

from spanduck import SpansClient, write_back

KNOWN = tuple(f"span-{number:012d}" for number in range(6))


def stored(service: dict[str, Any], project: str) -> dict[tuple[str, str], Any]:
    with SpansClient(**service) as client:
        rows = client.export(project_name=project).read_all().to_pylist()
    return {
        (row["context.span_id"], name): value
        for row in rows
        for name, value in row.items()
        if "eval." in name and value is not None
    }


LONG = pa.schema(
    [
        ("span_id", pa.string()),
        ("level", pa.string()),
        ("name", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("explanation", pa.string()),
    ]
)
messy_rows = st.lists(
    st.fixed_dictionaries(
        {
            "span_id": st.sampled_from([*KNOWN, "unknown", "", None]),
            "level": st.sampled_from(["span", "trace", None, "root"]),
            "name": st.sampled_from(["Q", "q", "R 2", "a-b", None]),
            "label": st.sampled_from(["x", "y", "", "z" * 101, None]),
            "score": st.sampled_from([0.0, -0.0, 0.5, float("nan"), float("inf"), None]),
            "explanation": st.sampled_from(["because", "", "e" * 10_001, None]),
        }
    ),
    max_size=30,
)


def is_valid(row: dict[str, Any]) -> bool:
    score = row["score"]
    return bool(
        row["span_id"]
        and row["level"] != "root"
        and row["name"] not in ("a-b", None)
        and row["label"] in ("x", "y", None)
        and score != float("inf")
        and score == score  # noqa: PLR0124 - not a number
        and len(row["explanation"] or "") <= 10_000
        and (row["label"] is not None or score is not None)
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=messy_rows)
def test_counts_add_up_and_are_those_of_a_plain_reading(
    service: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    project = new_project(service, KNOWN)
    with duckdb.connect() as con:
        table = pa.Table.from_pylist(rows, schema=LONG)
        report = write_back(con, con.from_arrow(table), project=project, **service)
    fields = ("label", "score", "explanation")
    values = [row for row in rows if any(row[field] is not None for field in fields)]
    by_key: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
    for row in filter(is_valid, values):
        key = (row["span_id"], row["level"] or "span", row["name"])
        by_key.setdefault(key, []).append(tuple(row[field] for field in fields))
    agreed = {key: held[0] for key, held in by_key.items() if len(set(held)) == 1}
    conflicting = sum(len(held) for held in by_key.values() if len(set(held)) > 1)
    with report:
        assert report.rows == len(rows)
        assert report.values == len(values) == sum(report.counts().values())
        assert report.invalid == len(values) - sum(map(is_valid, values)) + conflicting
        assert report.duplicate == sum(len(by_key[key]) - 1 for key in agreed)
        assert report.unmatched == sum(key[0] == "unknown" for key in agreed)
        assert report.rejected == report.unchanged == 0
        outcomes = report.outcomes(all=True).read_all()
        assert outcomes.num_rows == report.values
        assert outcomes.column("row").to_pylist() == [
            number for number, row in enumerate(rows) if row in values
        ]
    prefixes = {"span": "eval", "trace": "trace_eval"}
    assert stored(service, project) == {
        (span_id, f"{prefixes[level]}.{name}.{field}"): value
        for (span_id, level, name), held in agreed.items()
        if span_id != "unknown"
        for field, value in zip(fields, held, strict=True)
        if value is not None
    }


good_values = st.dictionaries(
    st.tuples(st.sampled_from(KNOWN), st.sampled_from(["span", "session"]), st.sampled_from("QRS")),
    st.tuples(
        st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=100),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.text(st.characters(codec="utf-8"), max_size=50),
    ).filter(lambda held: held[0] is not None or held[1] is not None),
    min_size=1,
    max_size=20,
)


# `Any`: long rows by span, level and name.
def wide_table(values: dict[Any, Any]) -> pa.Table:
    prefixes = {"span": "eval", "session": "session_eval"}
    kinds = {"label": pa.string(), "score": pa.float64(), "explanation": pa.string()}
    columns = [
        (f"{prefixes[level]}.{name}.{field}", kind)
        for level, name in itertools.product(prefixes, "QRS")
        for field, kind in kinds.items()
    ]
    wide_rows: list[dict[str, Any]] = [
        dict(
            [
                ("context.span_id", span_id),
                *(
                    (f"{prefixes[level]}.{name}.{field}", value)
                    for (of_span, level, name), fields in values.items()
                    if of_span == span_id
                    for field, value in zip(kinds, fields, strict=True)
                ),
            ]
        )
        for span_id in KNOWN
    ]
    schema = pa.schema([("context.span_id", pa.string()), *columns])
    return pa.Table.from_pylist(wide_rows, schema=schema)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=good_values, batch_rows=st.integers(1, 5))
def test_long_and_wide_shapes_of_the_same_values_store_the_same(
    service: dict[str, Any],
    values: dict[tuple[str, str, str], tuple[str | None, float | None, str | None]],
    batch_rows: int,
) -> None:
    long_rows: list[dict[str, Any]] = [
        dict(zip(LONG.names, (*key, *held), strict=True)) for key, held in values.items()
    ]
    found = []
    for table in (pa.Table.from_pylist(long_rows, schema=LONG), wide_table(values)):
        project = new_project(service, KNOWN)
        with duckdb.connect() as con:
            con.register("model", table)
            sql = "SELECT * FROM model"
            arguments = {"project": project, "batch_rows": batch_rows, **service}
            with write_back(con, sql, **arguments) as report:
                assert report.accepted == report.values == len(values)
        found.append(stored(service, project))
    assert found[0] == found[1]
    assert len(found[0]) == sum(field is not None for fields in values.values() for field in fields)
