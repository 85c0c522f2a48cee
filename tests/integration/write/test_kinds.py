"""What the service holds after models of each kind and shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import SpansClient, write_back

if TYPE_CHECKING:
    from spanduck import WriteBackReport

FIRST, SECOND = "span-000000000000", "span-000000000001"


@pytest.fixture
def project(new_project: Any, request: pytest.FixtureRequest) -> str:
    return str(new_project(f"kinds {request.node.name}"[:90].replace("[", " ").replace("]", "")))


@pytest.fixture
def run(settings: dict[str, Any], project: str) -> Any:
    """Write a query back, and return its closed report."""

    def write(sql: str, **more: Any) -> WriteBackReport:
        with duckdb.connect() as con:
            report: WriteBackReport = write_back(con, sql, project=project, **{**settings, **more})
            report.close()
            return report

    return write


@pytest.fixture
def held(settings: dict[str, Any], project: str) -> Any:
    """Read a column of the spans that have it, by span; JSON texts as what they say."""

    def read(column: str) -> dict[str, Any]:
        with SpansClient(**settings) as client:
            rows = client.export(project_name=project).read_all().to_pylist()
        found = {row["context.span_id"]: row.get(column) for row in rows}
        told = {span: value for span, value in found.items() if value is not None}
        if column == "attributes.metadata":
            return {span: json.loads(value) for span, value in told.items()}
        return told

    return read


def test_long_annotations_are_held_field_by_field(run: Any, held: Any) -> None:
    sql = f"""SELECT * FROM (VALUES ('{FIRST}', 'Tone', 'kind', 0.9, 'warm'),
        ('{SECOND}', 'Tone', 'rude', NULL, NULL), ('{FIRST}', 'My stars', NULL, 5, NULL))
        AS t(span_id, name, label, score, text)"""
    report = run(sql)
    assert (report.kind, report.accepted, report.new) == ("annotation", 3, 3)
    assert held("annotation.Tone.label") == {FIRST: "kind", SECOND: "rude"}
    assert held("annotation.Tone.score") == {FIRST: 0.9}
    assert held("annotation.Tone.text") == {FIRST: "warm"}
    assert held("annotation.My stars.score") == {FIRST: 5.0}
    assert run(sql).unchanged == 3
    assert run(sql, against="service").unchanged == 3


def test_wide_annotations_and_notes_are_held(run: Any, held: Any) -> None:
    sql = f"""SELECT '{FIRST}' AS span_id, 'good' AS "annotation.Tone.label",
        'seen by "me"' AS "annotation.notes" """
    assert run(sql).accepted == 2
    assert held("annotation.Tone.label") == {FIRST: "good"}
    ((note,),) = held("annotation.notes").values()
    assert json.loads(note)["text"] == 'seen by "me"'
    assert run(sql).unchanged == 2
    assert run(sql, state=":memory:", against="service").unchanged == 2
    assert run(sql.replace("seen", "sent")).changed == 1
    assert len(held("annotation.notes")[FIRST]) == 2


def test_a_long_model_may_write_notes_by_their_name(run: Any, held: Any) -> None:
    report = run(f"SELECT '{FIRST}' AS span_id, 'annotation.notes' AS name, 'hm' AS text")
    assert report.accepted == 1
    assert json.loads(held("annotation.notes")[FIRST][0])["text"] == "hm"


def test_long_metadata_of_a_span_is_one_patch(run: Any, held: Any) -> None:
    sql = f"""SELECT * FROM (VALUES ('{FIRST}', 'tier', 'gold'), ('{SECOND}', 'tier', 'tin'),
        ('{FIRST}', 'a.b "q"', 'é')) AS t(span_id, key, value)"""
    report = run(sql)
    assert (report.kind, report.accepted, report.calls) == ("metadata", 3, 1)
    assert held("attributes.metadata") == {
        FIRST: {"tier": "gold", 'a.b "q"': "é"},
        SECOND: {"tier": "tin"},
    }
    changed = run(sql.replace("tin", "lead"))
    assert (changed.changed, changed.unchanged) == (1, 2)
    assert run(sql.replace("tin", "lead"), against="service").unchanged == 3


# What each SQL value is held as; a list or an object is its text, a boolean a word.
TYPES = {
    "5::TINYINT": 5,
    "170141183460469231731687303715884105727::HUGEINT": 170141183460469231731687303715884105727,
    "1.5::FLOAT": 1.5,
    "12.50::DECIMAL(10, 2)": 12.5,
    "-0.0::DOUBLE": -0.0,
    "1e300::DOUBLE": 1e300,
    "true": "True",
    "false": "False",
    "'it''s \"x\"'": 'it\'s "x"',
    "'true'": "true",
    "'x'::ENUM('x', 'y')": "x",
    "DATE '2024-02-29'": "2024-02-29",
    "TIME '10:11:12'": "10:11:12",
    "TIMESTAMP '2024-02-29 10:11:12.5'": "2024-02-29 10:11:12.5",
    "INTERVAL 3 DAY": "3 days",
    "'00000000-0000-0000-0000-000000000001'::UUID": "00000000-0000-0000-0000-000000000001",
    "[1, 2, NULL]": "[1,2,null]",
    "{'a': 1, 'b': [true]}": '{"a":1,"b":[true]}',
    "MAP {'k': 'v'}": '{"k":"v"}',
    """'{"deep": [1]}'::JSON""": '{"deep":[1]}',
    "'7'::JSON": 7,
    "'\"text\"'::JSON": "text",
    "'null'::JSON": None,
    "''": "",
}


@pytest.mark.parametrize("shape", ["long", "wide", "patch"])
def test_values_of_every_type_are_held_as_the_service_stores_them(
    shape: str, run: Any, held: Any
) -> None:
    values = list(TYPES)
    if shape == "long":
        # Each value is of a type of its own, so each is a row of its own query.
        for number, value in enumerate(values):
            sql = f"SELECT '{FIRST}' AS span_id, 'k{number}' AS key, {value} AS value"
            assert run(sql).accepted == 1, value
    else:
        columns = [f'{v} AS "attributes.metadata.k{n}"' for n, v in enumerate(values)]
        members = [f"'k{n}': {v}" for n, v in enumerate(values)]
        made = f"{{{', '.join(members)}}} AS patch_document"
        sql = f"SELECT '{FIRST}' AS span_id, {', '.join(columns) if shape == 'wide' else made}"
        if shape == "patch":
            # Of JSON within another value only the text is known.
            sql = sql.replace("::JSON", "")
        assert run(sql).accepted == 1
        assert run(sql).unchanged == 1
        assert run(sql, against="service").unchanged == 1
    found = held("attributes.metadata")[FIRST]
    for number, value in enumerate(values):
        if shape != "patch" or "::JSON" not in value:
            assert found[f"k{number}"] == TYPES[value], value


@pytest.mark.parametrize(
    "patch",
    [
        """'{"a": 1, "b": {"c": null}}'""",
        """'{"a": 1, "b": {"c": null}}'::JSON""",
        "{'a': 1, 'b': {'c': NULL}}",
    ],
    ids=["text", "json", "struct"],
)
def test_a_patch_may_be_text_json_or_a_struct(patch: str, run: Any, held: Any) -> None:
    sql = f"SELECT '{FIRST}' AS span_id, {patch} AS patch_document"
    assert run(sql).new == 1
    found = held("attributes.metadata")[FIRST]
    assert (found["a"], json.loads(found["b"])) == (1, {"c": None})
    assert run(sql).unchanged == 1
    # Another key is held beside those; a changed one in the place of the old.
    more = f"""SELECT '{FIRST}' AS span_id, '{{"a": 2, "z": "y"}}' AS patch_document"""
    assert run(more).changed == 1
    assert set(held("attributes.metadata")[FIRST]) == {"a", "b", "z"}
    assert held("attributes.metadata")[FIRST]["a"] == 2
    assert run(more, against="service").unchanged == 1


def test_a_null_of_metadata_is_skipped_or_written_as_told(run: Any, held: Any) -> None:
    columns = '"attributes.metadata.a", {} AS "attributes.metadata.b"'
    start = f"SELECT '{FIRST}' AS span_id, 1 AS {columns.format(2)}"
    nulls = f"SELECT '{FIRST}' AS span_id, NULL AS {columns.format('NULL')}"
    run(start)
    assert run(nulls).values == 0
    assert held("attributes.metadata") == {FIRST: {"a": 1, "b": 2}}
    assert run(nulls, nulls={"attributes.metadata.b": "write"}).changed == 1
    assert held("attributes.metadata") == {FIRST: {"a": 1, "b": None}}
    assert run(nulls, nulls={"attributes.metadata.b": "write"}).unchanged == 1
    assert run(nulls, nulls="write").changed == 1
    assert held("attributes.metadata") == {FIRST: {"a": None, "b": None}}
    long = f"SELECT '{FIRST}' AS span_id, 'c' AS key, NULL AS value"
    assert run(long).values == 0
    assert run(long, nulls="write").accepted == 1
    assert held("attributes.metadata")[FIRST] == {"a": None, "b": None, "c": None}


@pytest.mark.parametrize(
    ("key", "column", "value"),
    [(None, "trace_id", "trace-000000000001"), ("trace", "context.trace_id", "trace-000000000001")],
)
def test_a_trace_without_a_root_matches_no_span_twice(
    key: str | None, column: str, value: str, run: Any
) -> None:
    # Every span of these traces is a root, so the trace names none of them alone.
    sql = f"""SELECT '{value}' AS "{column}", 'Q' AS name, 'x' AS label"""
    report = run(sql, kind="eval", key=key)
    assert report.invalid == 1
    assert run(sql, kind="eval", key=key).accepted == 0
