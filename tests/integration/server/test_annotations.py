from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from spanduck._wire import UpdateResult

NOTES = pa.list_(pa.string())
MOMENT_MS = 1_795_368_277_072


def _ids(*numbers: int) -> list[str]:
    return [f"span-{number:012d}" for number in numbers]


def _rows(**columns: Any) -> pa.Table:
    """Annotations called Q of the spans `ids`, as the vendor's client sends them."""
    ids = columns.pop("ids", _ids(0))
    values = {
        "label": pa.string(),
        "score": pa.float64(),
        "text": pa.string(),
        "updated_by": pa.string(),
        "updated_at": pa.int64(),
    }
    companions = {"updated_by": ["SDK"] * len(ids), "updated_at": [MOMENT_MS] * len(ids)}
    given = {**companions, **columns}
    made = {f"annotation.Q.{name}": pa.array(given[name], values[name]) for name in given}
    return pa.table({**made, "context.span_id": ids})


def _put(caller: Any, table: pa.Table, project: str) -> UpdateResult:
    result: UpdateResult = caller.put(table, project, kind="annotations")
    return result


def _annotation(row: dict[str, Any], name: str = "Q") -> dict[str, Any]:
    prefix = f"annotation.{name}."
    return {key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)}


def test_annotations_are_written_and_exported(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3), "put")
    rows = _rows(
        ids=["unknown-id-1", *_ids(2, 0), "unknown-id-1"],
        label=["?", "good", None, "?"],
        score=[0, 1, 0.5, 0],
        text=[None, "because", None, None],
    )
    assert _put(caller, rows, "put") == UpdateResult(2, ("unknown-id-1",))
    back = caller.rows("put")
    assert _annotation(back[_ids(2)[0]]) == {
        "label": "good",
        "score": 1.0,
        "text": "because",
        "updated_by": "SDK",
        "updated_at": MOMENT_MS,
    }
    assert _annotation(back[_ids(0)[0]])["score"] == 0.5
    assert set(_annotation(back[_ids(1)[0]]).values()) == {None}
    schema = caller.info("put").schema
    assert schema.field("annotation.Q.score").type == pa.float64()
    assert schema.field("annotation.Q.updated_at").type == pa.int64()


def test_a_null_field_leaves_the_stored_one(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "merge")
    _put(caller, _rows(label=["a"], score=[1.0]), "merge")
    _put(caller, _rows(text=["t"], label=[None], updated_by=["me"], updated_at=[5]), "merge")
    (row,) = caller.rows("merge").values()
    assert _annotation(row) == {
        "label": "a",
        "score": 1.0,
        "text": "t",
        "updated_by": "me",
        "updated_at": 5,
    }


def test_companions_alone_are_no_annotation(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "companions")
    rows = _rows(ids=_ids(0, 1), label=[None, "x"], score=[float("nan"), None])
    assert _put(caller, rows, "companions") == UpdateResult(1)
    back = caller.rows("companions")
    assert set(_annotation(back[_ids(0)[0]]).values()) == {None}
    assert _put(caller, _rows(), "companions") == UpdateResult()


def test_a_write_that_names_nobody_and_no_time(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "bare")
    before = datetime.now(UTC).timestamp() * 1000
    caller.put(
        pa.table({"context.span_id": _ids(0), "annotation.Q.label": ["x"]}),
        "bare",
        kind="annotations",
    )
    _put(caller, _rows(label=["y"], updated_at=[None]), "bare")
    (row,) = caller.rows("bare").values()
    assert row["annotation.Q.updated_by"] == "SDK"
    assert before - 1 <= row["annotation.Q.updated_at"] <= datetime.now(UTC).timestamp() * 1000


def test_notes_are_added(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3), "notes")
    first, second, third = (json.dumps({"text": text, "updated_by": "SDK"}) for text in "abc")

    def write(ids: list[str], notes: list[list[str] | None]) -> UpdateResult:
        columns = {"context.span_id": ids, "annotation.notes": pa.array(notes, NOTES)}
        return _put(caller, pa.table(columns), "notes")

    assert write(_ids(0, 0, 1), [[first], [second], None]) == UpdateResult(1)
    assert write([*_ids(0, 2), "unknown"], [[third], [], [first]]) == UpdateResult(1, ("unknown",))
    back = caller.rows("notes")
    assert back[_ids(0)[0]]["annotation.notes"] == [first, second, third]
    assert back[_ids(1)[0]]["annotation.notes"] is None
    assert caller.info("notes").schema.field("annotation.notes").type == NOTES
    found = caller.rows("notes", filter_expression="annotation.notes CONTAINS '\"b\"'")
    assert list(found) == _ids(0)
    _put(caller, pa.table({"context.span_id": _ids(2), "annotation.notes": ["plain"]}), "notes")
    assert caller.rows("notes")[_ids(2)[0]]["annotation.notes"] == ["plain"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("annotation.Q.label = 'good'", [0]),
        ("annotation.Q.score >= 0.5", [0, 1]),
        ("annotation.Q.text CONTAINS 'cause'", [0]),
        ("annotation.Q.label IS NULL", [1, 2]),
        ("annotation.Q.updated_by = 'SDK'", [0, 1]),
        ("annotation.Q.updated_at > '2020-01-01'", [0, 1]),
        ("annotation.Q.updated_at < '2020-01-01T00:00:00Z'", []),
        ("annotation.Q.updated_at IS NULL", [2]),
        ("annotation.other.label = 'good'", []),
        ("annotation.q.label = 'good'", []),
    ],
)
def test_annotations_can_be_filtered(caller: Any, tools: Any, text: str, found: list[int]) -> None:
    if "filtered" not in caller.rest.get("/v2/projects", params={"name": "filtered"}).text:
        caller.upload(tools.spans(3), "filtered")
        rows = _rows(ids=_ids(0, 1), label=["good", None], score=[1, 0.5], text=["because", None])
        _put(caller, rows, "filtered")
    assert sorted(caller.rows("filtered", filter_expression=text)) == _ids(*found)


def test_names_that_differ_by_case_or_hold_anything_stay_apart(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "apart")
    columns = {
        "annotation.quality.label": "a",
        "annotation.Quality.label": "b",
        "annotation.with space & 'quote'.v2.label": "c",
    }
    rows = pa.table({"context.span_id": _ids(0), **{k: [v] for k, v in columns.items()}})
    _put(caller, rows, "apart")
    (row,) = caller.rows("apart").values()
    assert {name: row[name] for name in columns} == columns


def test_a_span_that_is_uploaded_again_keeps_its_annotations(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "again")
    _put(caller, _rows(label=["kept"]), "again")
    caller.upload(tools.spans(1), "again")
    (row,) = caller.rows("again").values()
    assert row["annotation.Q.label"] == "kept"


def test_nanoseconds_of_an_old_client_become_milliseconds(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "old")
    times = [MOMENT_MS * 1_000_000, None]
    rows = _rows(ids=_ids(0, 1), label=["a", "b"], updated_at=times)
    _put(caller, rows, "old")
    assert caller.rows("old")[_ids(0)[0]]["annotation.Q.updated_at"] == MOMENT_MS


def test_times_that_pandas_made_doubles_are_whole(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "doubles")
    rows = pa.table(
        {
            "context.span_id": _ids(0, 1),
            "annotation.Q.score": [True, False],
            "annotation.Q.updated_at": pa.array([float(MOMENT_MS), float("nan")]),
        }
    )
    assert _put(caller, rows, "doubles") == UpdateResult(2)
    assert caller.rows("doubles")[_ids(0)[0]]["annotation.Q.updated_at"] == MOMENT_MS


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("annotation.Q.score", ["1"], "not a number"),
        ("annotation.Q.updated_at", ["now"], "not a number of milliseconds"),
        ("annotation.Q.updated_at", [-1], "no time"),
        ("annotation.Q.updated_at", [10**16], "no time"),
        ("annotation.Q.label", [["x"]], "not text"),
        ("annotation.notes", [1], "not a list of texts"),
    ],
)
def test_impossible_columns_are_refused(
    caller: Any, tools: Any, name: str, values: list[Any], message: str
) -> None:
    caller.upload(tools.spans(1), "refused")
    with pytest.raises(pa.ArrowInvalid, match=f"{name}.*{message}"):
        _put(caller, pa.table({"context.span_id": _ids(0), name: values}), "refused")
    assert not [n for n in caller.info("refused").schema.names if n.startswith("annotation.")]


def test_a_table_without_rows_changes_nothing(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "none")
    schema = pa.schema([("context.span_id", pa.null()), ("annotation.Q.label", pa.null())])
    assert _put(caller, schema.empty_table(), "none") == UpdateResult()
    (row,) = caller.rows("none").values()
    assert row["annotation.Q.label"] is None


def test_deleted_spans_take_their_annotations_along(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "gone")
    notes = pa.array([["n"], ["n"]], NOTES)
    rows = _rows(ids=_ids(0, 1), label=["a", "b"]).append_column("annotation.notes", notes)
    _put(caller, rows, "gone")
    project = caller.rest.get("/v2/projects", params={"name": "gone"}).json()["projects"][0]
    answer = caller.rest.request(
        "DELETE", "/v2/spans", json={"project_id": project["id"], "span_ids": _ids(0)}
    )
    assert answer.status_code == 200, answer.text
    caller.upload(tools.spans(1), "gone")
    back = caller.rows("gone")
    assert back[_ids(0)[0]]["annotation.Q.label"] is None
    assert back[_ids(0)[0]]["annotation.notes"] is None
    assert back[_ids(1)[0]]["annotation.Q.label"] == "b"


def test_a_hundred_thousand_annotations_are_one_call(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(100_000), "many")
    ids = _ids(*range(100_000))
    scores = [float(n) for n in range(100_000)]
    assert _put(caller, _rows(ids=ids, score=scores), "many") == UpdateResult(100_000)
    back = caller.export("many", projected_columns=("context.span_id", "annotation.Q.score"))
    assert back.sort_by("context.span_id")["annotation.Q.score"].to_pylist() == scores
