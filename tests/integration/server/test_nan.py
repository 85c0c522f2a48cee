"""The mark of a NaN: on a field of doubles in which one is, or may be, stored."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from spanduck import embedded
from spanduck._wire import NAN_FIELD_KEY, NAN_STORED
from spanduck_sql import pushdown

NAN = float("nan")


def test_both_ends_call_the_mark_the_same() -> None:
    assert (NAN_FIELD_KEY, NAN_STORED) == (pushdown.NAN_FIELD_KEY, pushdown.NAN_STORED)


def _marked(caller: Any, project: str, **command: Any) -> set[str]:
    info = caller.info(project, **command)
    caller.read(info)  # Compares the stream's schema with this one, marks included.
    marks = {field.name: (field.metadata or {}).get(NAN_FIELD_KEY) for field in info.schema}
    assert set(marks.values()) <= {None, NAN_STORED}
    return {name for name, mark in marks.items() if mark is not None}


def test_an_uploaded_nan_marks_its_column_for_good(caller: Any, tools: Any) -> None:
    columns = {
        "attributes.with": [1.0, NAN, None],
        "attributes.without": [1.0, None, float("inf")],
        "attributes.half": pa.array([1.0, NAN, None], pa.float32()),
        "attributes.integer": [1, 2, 3],
        "attributes.text": ["NaN", "nan", "x"],
        "attributes.list": [[NAN], [1.0], []],
        "attributes.later": [1.0, 2.0, 3.0],
        "eval.Q.score": [1.0, NAN, None],
        "eval.R.score": [1.0, 0.0, None],
    }
    caller.upload(tools.spans(3, **columns), "nan")
    first = {"attributes.with", "attributes.half", "eval.Q.score"}
    assert _marked(caller, "nan") == first
    assert _marked(caller, "nan", projected_columns=("name", "attributes.with")) == {
        "attributes.with"
    }
    # With another NaN, and with the first one gone.
    replaced = columns | {"attributes.with": [1.0] * 3, "attributes.later": [NAN] * 3}
    caller.upload(tools.spans(3, **replaced), "nan")
    assert _marked(caller, "nan") == first | {"attributes.later"}


def test_a_written_score_marks_its_column(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3), "nan scores")
    ids = [f"span-{number:012d}" for number in range(3)]
    for scores, marked in (([1.0, None, 0.5], set()), ([None, NAN, None], {"eval.Q.score"})):
        caller.put(
            pa.table({"context.span_id": ids, "eval.Q.score": pa.array(scores, pa.float64())}),
            "nan scores",
        )
        assert _marked(caller, "nan scores") == marked
    alone = pa.table({"context.span_id": ids, "trace_eval.T.score": [NAN] * 3})
    caller.upload(alone, "nan scores")
    assert _marked(caller, "nan scores") == {"eval.Q.score", "trace_eval.T.score"}
    assert caller.export("nan scores", filter_expression="eval.Q.score > 0").num_rows == 2


def test_a_column_of_doubles_and_integers_is_marked_but_not_one_of_text(
    caller: Any, tools: Any
) -> None:
    caller.upload(
        tools.spans(2, **{"attributes.a": [NAN, 1.5], "attributes.b": [NAN, 1.5]}), "nans"
    )
    both = {"attributes.a", "attributes.b"}
    caller.upload(tools.spans(2, first=2, **{"attributes.a": [1, 2]}), "nans")
    assert _marked(caller, "nans") == both
    caller.upload(tools.spans(2, first=4, **{"attributes.b": ["x", "y"]}), "nans")
    assert _marked(caller, "nans") == {"attributes.a"}


def test_in_a_store_that_never_looked_any_double_may_be_nan(tmp_path: Any, tools: Any) -> None:
    columns = {"attributes.d": [1.0], "attributes.i": [1], "eval.Q.score": [1.0]}
    columns |= {"eval.Q.label": ["x"]}
    with embedded.serve(tmp_path / "store") as server:
        caller = tools.Caller(server)
        caller.upload(tools.spans(1, **columns), "older")
        assert _marked(caller, "older") == set()
        caller.close()
    with duckdb.connect(str(tmp_path / "store" / "store.duckdb")) as connection:
        _back_to_version_one(connection)
    with embedded.serve(tmp_path / "store") as server:
        caller = tools.Caller(server)
        assert _marked(caller, "older") == {"attributes.d", "eval.Q.score"}
        caller.close()


def _back_to_version_one(connection: duckdb.DuckDBPyConnection) -> None:
    later = connection.execute(
        "SELECT name FROM tables WHERE role IN ('annotations', 'notes')"
    ).fetchall()
    for (table,) in [*later, ("annotation_configs",)]:
        connection.execute(f"DROP TABLE {table}")
    connection.execute("DELETE FROM tables WHERE role IN ('annotations', 'notes')")
    connection.execute("ALTER TABLE columns DROP COLUMN may_be_nan")
    connection.execute("UPDATE store_version SET version = 1")
