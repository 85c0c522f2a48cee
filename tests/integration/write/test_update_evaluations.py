from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck import SpansClient
from spanduck.exceptions import UnknownProjectError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(settings: dict[str, Any]) -> Iterator[SpansClient]:
    with SpansClient(**settings) as client:
        yield client


def frame(**columns: Any) -> pa.Table:
    return pa.table({"context.span_id": ["span-000000000000", "span-000000000001"], **columns})


@pytest.mark.parametrize("force_http", [False, True])
def test_a_frame_is_written_field_by_field(
    client: SpansClient, new_project: Any, stored: Any, force_http: bool
) -> None:
    project = new_project(f"frame-{force_http}")
    table = frame(
        **{
            "name": ["columns of spans", "are left out"],
            "attributes.x": [1, 2],
            "eval.My eval.label": pa.array(["a", None]).dictionary_encode(),
            "eval.My eval.score": pa.array([float("nan"), 1.0]),
            "session_eval.S.score": pa.array([True, None]),
        }
    )
    answer = client.update_evaluations(project_name=project, dataframe=table, force_http=force_http)
    assert (answer.status_code, answer.records_updated, answer.calls) == (200, 2, 1)
    assert answer.unmatched_ids == ()
    assert stored(project) == {
        ("span-000000000000", "eval.My eval.label"): "a",
        ("span-000000000001", "eval.My eval.score"): 1.0,
        ("span-000000000000", "session_eval.S.score"): 1.0,
    }


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"eval.my-eval.label": ["a", "b"]}, "eval.my-eval.label: the name of the evaluation"),
        (
            {"eval.Q.label": ["a", "b"], "score": [1, 2]},
            "score: the column belongs to the long shape",
        ),
        ({"eval.Q.lable": ["a", "b"]}, "Did you mean 'eval.Q.label'"),
        ({"name": ["a", "b"]}, "there is no column of an evaluation"),
        ({"eval.Q.label": ["a", ""]}, "eval.Q.label, row 1: empty"),
        ({"eval.Q.label": ["a", "b" * 101]}, "eval.Q.label, row 1: longer than 100"),
        ({"eval.Q.label": [1, 2]}, "eval.Q.label: its type is int64"),
        ({"eval.Q.score": [1.0, float("inf")]}, "eval.Q.score, row 1: not a finite number"),
        ({"eval.Q.score": ["a", "b"]}, "eval.Q.score: its type is string"),
        (
            {"eval.Q.label": ["a", None], "eval.Q.explanation": ["e", "e"]},
            "eval.Q.explanation, row 1: an explanation without a label and a score",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    client: SpansClient, new_project: Any, stored: Any, columns: dict[str, Any], said: str
) -> None:
    project = new_project("refused")
    with pytest.raises(ValidationError) as caught:
        client.update_evaluations(project_name=project, dataframe=frame(**columns))
    assert said in str(caught.value)
    assert stored(project) == {}


def test_a_row_without_a_span_id_is_refused(client: SpansClient, new_project: Any) -> None:
    table = pa.table({"context.span_id": ["s", None, " "], "eval.Q.label": ["a", "b", "c"]})
    with pytest.raises(ValidationError, match=r"context\.span_id, row 1: null or blank") as caught:
        client.update_evaluations(project_name=new_project("ids"), dataframe=table)
    assert caught.value.row_index == 1


def test_ids_and_projects_that_are_unknown_are_told(client: SpansClient, new_project: Any) -> None:
    project = new_project("ids-told")
    table = pa.table({"context.span_id": ["nowhere"], "eval.Q.label": ["a"]})
    answer = client.update_evaluations(project_name=project, dataframe=table)
    assert (answer.records_updated, answer.unmatched_ids) == (0, ("nowhere",))
    with pytest.raises(UnknownProjectError, match="ids-told"):
        client.update_evaluations(project_name="ids-tld", dataframe=table)


def test_a_frame_without_rows_changes_nothing(client: SpansClient, new_project: Any) -> None:
    table = frame(**{"eval.Q.label": ["a", "b"]}).slice(0, 0)
    answer = client.update_evaluations(project_name=new_project("empty"), dataframe=table)
    assert (answer.records_updated, answer.calls) == (0, 1)


def test_a_long_stream_goes_in_one_call(client: SpansClient, new_project: Any, stored: Any) -> None:
    project = new_project("stream")
    schema = pa.schema([("context.span_id", pa.string()), ("eval.Q.score", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, 25_000, 5_000):
            rows = range(start, start + 5_000)
            arrays = [[f"span-{row:012d}" for row in rows], list(rows)]
            yield pa.record_batch([pa.array(array) for array in arrays], schema=schema)

    reader = pa.RecordBatchReader.from_batches(schema, batches())
    answer = client.update_evaluations(project_name=project, dataframe=reader)
    assert (answer.calls, answer.records_updated, len(answer.unmatched_ids)) == (1, 300, 24_700)
    assert stored(project)["span-000000000299", "eval.Q.score"] == 299.0
