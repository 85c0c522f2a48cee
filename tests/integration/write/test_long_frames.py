"""Frames of one value a row: what a batch of judgements is, before anybody pivots it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a service that misbehaves as told
import pytest

from spanduck import SpansClient
from spanduck._wire import UpdateResult
from spanduck.exceptions import ServiceError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = [f"span-{number:012d}" for number in range(300)]


@pytest.fixture
def client(settings: dict[str, Any]) -> Iterator[SpansClient]:
    with SpansClient(**settings) as client:
        yield client


@pytest.fixture
def annotated(client: SpansClient) -> Any:
    """Read every field of every annotation of a project back, by span and column."""

    def read(project: str) -> dict[tuple[str, str], Any]:
        rows = client.export(project_name=project).read_all().to_pylist()
        return {
            (row["context.span_id"], name): value
            for row in rows
            for name, value in row.items()
            if name.startswith("annotation.") and value is not None
        }

    return read


def test_the_frame_of_the_documentation_is_written(
    client: SpansClient, new_project: Any, stored: Any
) -> None:
    project = new_project("documentation")
    results = [
        {"context.span_id": IDS[0], "name": "Quality", "score": 0.9},
        {"context.span_id": IDS[1], "name": "Quality", "score": 0.4},
    ]
    answer = client.update_evaluations(project_name=project, dataframe=pd.DataFrame(results))
    assert (answer.status_code, answer.records_updated, answer.calls) == (200, 2, 1)
    assert stored(project) == {
        (IDS[0], "eval.Quality.score"): 0.9,
        (IDS[1], "eval.Quality.score"): 0.4,
    }


@pytest.mark.parametrize("force_http", [False, True])
def test_names_levels_and_fields_find_their_columns(
    client: SpansClient, new_project: Any, stored: Any, force_http: bool
) -> None:
    project = new_project(f"levels-{force_http}")
    table = pa.table(
        {
            "span_id": [IDS[1], IDS[0], IDS[1], IDS[0], IDS[2], IDS[2]],
            "context.trace_id": ["left out"] * 6,
            "level": pa.array([None, "span", "trace", "session", None, None]),
            "name": pa.array(["A", "A", "A", "B b", "A", "A"]).dictionary_encode(),
            "label": ["x", None, "y", "z", None, "w"],
            "score": pa.array([1.0, 0.5, float("nan"), None, float("nan"), None]),
            "explanation": ["because", None, None, None, None, None],
        }
    )
    answer = client.update_evaluations(project_name=project, dataframe=table, force_http=force_http)
    assert (answer.records_updated, answer.calls) == (3, 1)
    assert stored(project) == {
        (IDS[0], "eval.A.score"): 0.5,
        (IDS[0], "session_eval.B b.label"): "z",
        (IDS[1], "eval.A.label"): "x",
        (IDS[1], "eval.A.score"): 1.0,
        (IDS[1], "eval.A.explanation"): "because",
        (IDS[1], "trace_eval.A.label"): "y",
        (IDS[2], "eval.A.label"): "w",
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"name": ["A", None]}, "name, row 1: null or blank"),
        ({"name": ["A", " "]}, "name, row 1: null or blank"),
        ({"name": ["A", "a-b"]}, "name, row 1: the name of the evaluation cannot be sent: 'a-b'"),
        ({"level": ["span", "spam"]}, "level, row 1: not one of span, trace, session: 'spam'"),
        ({"label": ["a", ""]}, "label, row 1: empty"),
        ({"label": ["a", "b" * 101]}, "label, row 1: longer than 100 characters"),
        ({"score": [1.0, float("inf")]}, "score, row 1: not a finite number: inf"),
        ({"explanation": ["e", "e" * 10_001]}, "explanation, row 1: longer than 10,000"),
        (
            {"score": [1.0, None], "explanation": ["e", "e"]},
            "explanation, row 1: an explanation without a label and a score",
        ),
        ({"span_id": [IDS[0], None]}, "context.span_id, row 1: null or blank"),
        ({"span_id": [IDS[0], IDS[0]]}, "name, row 1: row 0 gives this evaluation of the span"),
        ({"name": [1, 2]}, "name: its type is int64"),
        ({"score": ["a", "b"]}, "score: its type is string"),
        ({"eval.Q.score": [1, 2]}, "score: the column belongs to the long shape"),
        ({"name": ...}, "name: the column is missing"),
        ({"scroe": [1, 2]}, "scroe: the column is no evaluation. Did you mean 'score'"),
        ({"start_time": [1, 2]}, "beside start_time this is the name of the span"),
        (
            {"label": ..., "score": ..., "level": [None, None]},
            "there is no column of an evaluation",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_row_and_nothing_is_sent(
    client: SpansClient, new_project: Any, stored: Any, rows: dict[str, Any], said: str
) -> None:
    project = new_project("long-refused")
    good = {"span_id": IDS[:2], "name": ["A", "A"], "score": [1.0, 2.0]}
    table = pa.table({name: to for name, to in {**good, **rows}.items() if to is not ...})
    with pytest.raises(ValidationError) as caught:
        client.update_evaluations(project_name=project, dataframe=table)
    assert said in str(caught.value)
    assert stored(project) == {}


def test_equal_rows_count_once_and_unequal_ones_are_both_named(
    client: SpansClient, new_project: Any, stored: Any
) -> None:
    project = new_project("repeated")
    table = pa.table(
        {"span_id": [IDS[0]] * 3, "name": ["A"] * 3, "score": [0.0, -0.0, 0.0], "label": ["x"] * 3}
    )
    client.update_evaluations(project_name=project, dataframe=table)
    assert stored(project) == {(IDS[0], "eval.A.score"): 0.0, (IDS[0], "eval.A.label"): "x"}
    other = table.set_column(3, "label", pa.array(["x", "y", None]))
    with pytest.raises(ValidationError) as caught:
        client.update_evaluations(project_name=project, dataframe=other)
    assert caught.value.row_index == 1
    assert (
        f"name, row 1: row 0 gives this evaluation of the span another value: 'A of {IDS[0]}'"
        in (caught.value.problems[0])
    )
    assert "(and 1 more row" in caught.value.problems[0]


def test_without_validation_rows_are_sent_in_their_order_but_names_are_still_needed(
    client: SpansClient, new_project: Any, stored: Any
) -> None:
    project = new_project("unchecked")
    table = pa.table({"span_id": [IDS[0]] * 3, "name": ["A"] * 3, "score": [1.0, 2.0, 1.5]})
    client.update_evaluations(project_name=project, dataframe=table, validate=False)
    assert stored(project) == {(IDS[0], "eval.A.score"): 1.5}
    nameless = table.set_column(1, "name", pa.array(["A", None, "A"]))
    with pytest.raises(ValidationError, match="name, row 1: null or blank"):
        client.update_evaluations(project_name=project, dataframe=nameless, validate=False)


def test_more_names_than_one_call_takes_go_in_several(
    client: SpansClient, new_project: Any, stored: Any
) -> None:
    project = new_project("many-names")
    pairs = [(span_id, f"N{number}") for number in range(70) for span_id in IDS[:3]]
    table = pa.table(
        {
            "span_id": [*(span_id for span_id, _ in pairs), "nowhere", "nowhere"],
            "name": [*(name for _, name in pairs), "N0", "N69"],
            "score": list(range(len(pairs) + 2)),
        }
    )
    answer = client.update_evaluations(project_name=project, dataframe=table)
    assert (answer.calls, answer.unmatched_ids) == (3, ("nowhere",))
    found = stored(project)
    assert len(found) == 210
    assert all(found[pair[0], f"eval.{pair[1]}.score"] == at for at, pair in enumerate(pairs))


class Refusing(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
    """Takes one call, and refuses the next."""

    def __init__(self) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.columns: list[list[str]] = []

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        self.columns.append(reader.read_all().schema.names)
        if len(self.columns) > 1:
            raise fl.FlightServerError("not to our taste")
        writer.write(UpdateResult(records_updated=1).to_bytes())


def test_a_call_that_fails_tells_of_those_before(settings: dict[str, Any]) -> None:
    rows = {"span_id": IDS[:1] * 33, "name": [f"N{n}" for n in range(33)], "score": [1] * 33}
    with Refusing() as service, SpansClient(**{**settings, "flight_port": service.port}) as client:
        with pytest.raises(ServiceError, match="not to our taste") as caught:
            client.update_evaluations(project_name="p", dataframe=pa.table(rows))
        assert [len(names) for names in service.columns] == [33, 2]
    assert "Calls before it are stored (1, of other names)" in caught.value.next_step


def test_a_long_stream_goes_in_one_call(client: SpansClient, new_project: Any, stored: Any) -> None:
    project = new_project("long-stream")
    schema = pa.schema([("span_id", pa.string()), ("name", pa.string()), ("score", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        for name in ("A", "B", "C"):
            for start in range(0, 20_000, 5_000):
                rows = range(start, start + 5_000)
                arrays = [[f"span-{row:012d}" for row in rows], [name] * 5_000, list(rows)]
                yield pa.record_batch([pa.array(array) for array in arrays], schema=schema)

    reader = pa.RecordBatchReader.from_batches(schema, batches())
    answer = client.update_evaluations(project_name=project, dataframe=reader)
    assert (answer.calls, answer.records_updated, len(answer.unmatched_ids)) == (1, 300, 19_700)
    found = stored(project)
    assert len(found) == 900
    assert found[IDS[299], "eval.C.score"] == 299.0


def test_a_frame_that_says_nothing_makes_no_call(client: SpansClient, new_project: Any) -> None:
    table = pa.table({"span_id": IDS[:1], "name": ["A"], "score": pa.nulls(1, pa.float64())})
    answer = client.update_evaluations(project_name=new_project("nothing"), dataframe=table)
    assert (answer.records_updated, answer.calls) == (0, 0)


def test_annotations_may_be_long_too(client: SpansClient, new_project: Any, annotated: Any) -> None:
    project = new_project("annotations")
    table = pa.table(
        {
            "span_id": [IDS[0], IDS[1], IDS[1]],
            "name": ["Quality", "Quality", "Tone"],
            "label": ["good", None, "kind"],
            "score": [None, 0.5, None],
            "updated_by": ["Ada", None, "Bob"],
        }
    )
    client.update_annotations(project_name=project, dataframe=table)
    found = annotated(project)
    times = [found.pop(key) for key in list(found) if key[1].endswith("updated_at")]
    assert len(times) == 3
    assert {key: value for key, value in found.items() if not key[1].endswith("updated_by")} == {
        (IDS[0], "annotation.Quality.label"): "good",
        (IDS[1], "annotation.Quality.score"): 0.5,
        (IDS[1], "annotation.Tone.label"): "kind",
    }
    assert found[IDS[0], "annotation.Quality.updated_by"] == "Ada"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"name": ["A", None]}, "name, row 1: null or blank"),
        ({"level": ["span", "span"]}, "level: the column is no annotation"),
        ({"annotation.notes": ["n", "n"]}, "label: the column belongs to the long shape"),
        ({"updated_at": [1, 10**14]}, "updated_at, row 1: in the future"),
        (
            {"label": ["a", None], "score": [1, None], "text": [None, None]},
            "annotation, row 1: no label, no score and no text",
        ),
        ({"label": [None, None]}, "label: null in every row"),
        ({"text": ["t", "t" * 10_001]}, "text, row 1: longer than 10,000 characters"),
    ],
)
def test_wrong_annotations_are_named(
    client: SpansClient, new_project: Any, annotated: Any, rows: dict[str, Any], said: str
) -> None:
    project = new_project("annotations-refused")
    good = {"span_id": IDS[:2], "name": ["A", "A"], "label": ["x", "y"]}
    with pytest.raises(ValidationError) as caught:
        client.update_annotations(project_name=project, dataframe=pa.table({**good, **rows}))
    assert said in str(caught.value)
    assert annotated(project) == {}
