from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a test of the wire
import pytest

from spanduck._wire import UpdateResult, WriteCommand, WriteKind


def _ids(*numbers: int) -> list[str]:
    return [f"span-{number:012d}" for number in numbers]


def test_evaluations_are_written_and_unknown_ids_reported(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3), "put")
    rows = pa.table(
        {
            "context.span_id": ["zz-unknown", *_ids(2, 0), "aa-unknown", "zz-unknown"],
            "eval.Quality.label": ["?", "good", None, "?", "?"],
            "eval.Quality.score": pa.array([0, 1, 0, 0, 0]),
            "eval.Quality.explanation": [None, "because", None, None, None],
        }
    )
    result = caller.put(rows, "put")
    assert result == UpdateResult(2, ("zz-unknown", "aa-unknown"))
    back = caller.rows("put")
    assert back[_ids(2)[0]]["eval.Quality.label"] == "good"
    assert back[_ids(2)[0]]["eval.Quality.score"] == 1.0
    assert back[_ids(2)[0]]["eval.Quality.explanation"] == "because"
    assert back[_ids(0)[0]]["eval.Quality.label"] is None
    assert back[_ids(0)[0]]["eval.Quality.score"] == 0.0
    assert back[_ids(1)[0]]["eval.Quality.score"] is None
    assert caller.info("put").schema.field("eval.Quality.score").type == pa.float64()


def test_a_null_field_leaves_the_stored_one(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(2), "merge")

    def write(label: str | None, score: float | None, explanation: str | None) -> int:
        result: UpdateResult = caller.put(
            pa.table(
                {
                    "context.span_id": _ids(0),
                    "eval.Q.label": pa.array([label], pa.string()),
                    "eval.Q.score": pa.array([score], pa.float64()),
                    "eval.Q.explanation": pa.array([explanation], pa.string()),
                }
            ),
            "merge",
        )
        return result.records_updated

    assert write("good", 1.0, None) == 1
    assert write(None, None, "because") == 1
    assert write(None, None, None) == 0
    assert write(None, 0.5, None) == 1
    row = caller.rows("merge")[_ids(0)[0]]
    assert (row["eval.Q.label"], row["eval.Q.score"], row["eval.Q.explanation"]) == (
        "good",
        0.5,
        "because",
    )


def test_names_that_differ_by_case_and_levels_stay_apart(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "apart")
    columns = {
        "eval.quality.label": "a",
        "eval.Quality.label": "b",
        "trace_eval.quality.label": "c",
        "session_eval.quality.label": "d",
        "eval.with space & 'quote'.v2.label": "e",
    }
    caller.put(
        pa.table({"context.span_id": _ids(0), **{k: [v] for k, v in columns.items()}}), "apart"
    )
    (row,) = caller.rows("apart").values()
    assert {name: row[name] for name in columns} == columns


def test_scores_may_be_integers_doubles_or_booleans(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(1), "scores")
    table = pa.table(
        {
            "context.span_id": _ids(0),
            "eval.int.score": [3],
            "eval.double.score": [0.5],
            "eval.bool.score": [True],
            "eval.null.score": pa.nulls(1),
        }
    )
    caller.put(table, "scores")
    (row,) = caller.rows("scores").values()
    assert [row[f"eval.{n}.score"] for n in ("int", "double", "bool", "null")] == [
        3.0,
        0.5,
        1.0,
        None,
    ]
    with pytest.raises(pa.ArrowInvalid, match=r"eval\.text\.score.*not a number"):
        caller.put(pa.table({"context.span_id": _ids(0), "eval.text.score": ["1"]}), "scores")


def test_of_rows_that_repeat_an_evaluation_the_last_value_of_a_field_counts(
    caller: Any, tools: Any
) -> None:
    caller.upload(tools.spans(1), "repeat")
    table = pa.table(
        {
            "context.span_id": _ids(0, 0, 0),
            "eval.Q.label": ["first", "second", None],
            "eval.Q.score": [1.0, None, 3.0],
        }
    )
    assert caller.put(table, "repeat").records_updated == 1
    (row,) = caller.rows("repeat").values()
    assert (row["eval.Q.label"], row["eval.Q.score"]) == ("second", 3.0)


def test_a_table_without_rows_changes_nothing_but_registers_its_columns(
    caller: Any, tools: Any
) -> None:
    caller.upload(tools.spans(1), "none")
    schema = pa.schema([("context.span_id", pa.null()), ("eval.Q.label", pa.null())])
    assert caller.put(schema.empty_table(), "none") == UpdateResult()
    (row,) = caller.rows("none").values()
    assert row["eval.Q.label"] is None


def test_evaluations_of_an_unknown_project_or_without_an_id_are_refused(
    caller: Any, tools: Any
) -> None:
    caller.upload(tools.spans(1), "known")
    table = pa.table({"context.span_id": _ids(0), "eval.Q.score": [1.0]})
    with pytest.raises(pa.ArrowKeyError, match="Did you mean 'known'"):
        caller.put(table, "knwon")
    with pytest.raises(pa.ArrowInvalid, match=r"no column 'context\.span_id'"):
        caller.put(table.drop_columns(["context.span_id"]), "known")
    nobody = pa.table({"context.span_id": [_ids(0)[0], None], "eval.Q.score": [1.0, 2.0]})
    with pytest.raises(pa.ArrowInvalid, match=r"row 1 has no context\.span_id"):
        caller.put(nobody, "known")
    assert "eval.Q.score" not in caller.info("known").schema.names


def test_a_stream_that_breaks_off_writes_nothing(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(10), "broken")
    command = WriteCommand(WriteKind.EVALUATIONS, caller.server.space_id, "broken")
    descriptor = fl.FlightDescriptor.for_command(command.to_json())
    table = pa.table({"context.span_id": _ids(*range(10)), "eval.Q.score": [1.0] * 10})
    other = tools.Caller(caller.server)
    short = fl.FlightCallOptions(headers=caller.options_headers(), timeout=0.3)
    writer, results = other.flight.do_put(descriptor, table.schema, short)
    writer.write_table(table)
    time.sleep(0.5)
    assert results.read() is None
    with pytest.raises(pa.ArrowException):
        writer.close()
    other.close()
    assert "eval.Q.score" not in caller.info("broken").schema.names


def test_a_hundred_thousand_evaluations_are_one_call(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(100_000), "many")
    ids = _ids(*range(100_000))
    table = pa.table(
        {"context.span_id": ids, "eval.Q.score": pa.array(range(100_000), pa.float64())}
    )
    assert caller.put(table, "many") == UpdateResult(100_000)
    back = caller.export("many", projected_columns=("context.span_id", "eval.Q.score"))
    assert back.sort_by("context.span_id")["eval.Q.score"].to_pylist() == list(range(100_000))
