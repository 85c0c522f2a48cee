"""Evaluations that are written back are what the next export shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

    MakeSpans = Callable[..., pd.DataFrame]
    Update = Callable[[Client, pd.DataFrame], object]

UNICODE = "naïve 東京 🦆"


def by_flight(client: Client, rows: pd.DataFrame) -> None:
    client.update_evaluations(rows)


def by_http(client: Client, rows: pd.DataFrame) -> None:
    client.update_evaluations_by_http(rows)


@pytest.fixture(params=[by_flight, by_http], ids=["flight", "http"])
def update(request: pytest.FixtureRequest) -> Update:
    chosen: Update = request.param
    return chosen


@pytest.fixture
def logged(client: Client, make_spans: MakeSpans) -> Client:
    """A client whose project holds four spans."""
    client.log(make_spans(4))
    return client


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


def evaluation(client: Client, name: str, span: int) -> tuple[Any, Any, Any]:
    row = client.rows_by_id()[f"span-{span:010}"]
    return (
        row.get(f"{name}.label"),
        row.get(f"{name}.score"),
        row.get(f"{name}.explanation"),
    )


def test_label_score_and_explanation_are_written(logged: Client, update: Update) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 2),
            "eval.Quality.label": ["good", UNICODE],
            "eval.Quality.score": [1.0, -0.125],
            "eval.Quality.explanation": [UNICODE, "because"],
        }
    )
    update(logged, rows)
    assert evaluation(logged, "eval.Quality", 0) == ("good", 1.0, UNICODE)
    assert evaluation(logged, "eval.Quality", 1) == (None, None, None)
    assert evaluation(logged, "eval.Quality", 2) == (UNICODE, -0.125, "because")
    assert len(logged.rows_by_id()) == 4


def test_several_evaluations_in_one_call(logged: Client, update: Update) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 1),
            "eval.First one.label": ["a", "b"],
            "eval.second_1.score": [0.1, 0.2],
            "trace_eval.Third.label": ["x", None],
            "session_eval.Fourth.score": [None, 4.0],
        }
    )
    update(logged, rows)
    assert evaluation(logged, "eval.First one", 1) == ("b", None, None)
    assert evaluation(logged, "eval.second_1", 0)[1] == 0.1
    assert evaluation(logged, "trace_eval.Third", 0)[0] == "x"
    assert evaluation(logged, "session_eval.Fourth", 1)[1] == 4.0
    assert evaluation(logged, "session_eval.Fourth", 0)[1] is None


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([3, 4], [3.0, 4.0]), ([True, False], [1.0, 0.0]), ([0.5, None], [0.5, None])],
    ids=["integers", "booleans", "doubles with a null"],
)
def test_scores_are_doubles_whatever_they_were_sent_as(
    logged: Client, update: Update, scores: list[Any], expected: list[float | None]
) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 1),
            "eval.Quality.label": ["a", "b"],
            "eval.Quality.score": scores,
        }
    )
    update(logged, rows)
    got = [evaluation(logged, "eval.Quality", span)[1] for span in (0, 1)]
    assert got == expected
    assert [type(score) for score in got] == [type(score) for score in expected]


def test_a_second_write_replaces_the_fields_it_names(logged: Client, update: Update) -> None:
    ids = span_ids(0)
    update(
        logged,
        pd.DataFrame(
            {
                "context.span_id": ids,
                "eval.Quality.label": ["bad"],
                "eval.Quality.score": [0.0],
                "eval.Quality.explanation": ["why"],
            }
        ),
    )
    update(logged, pd.DataFrame({"context.span_id": ids, "eval.Quality.label": ["good"]}))
    # Field by field: what the real service does with absent fields is unknown.
    assert evaluation(logged, "eval.Quality", 0) == ("good", 0.0, "why")


def test_a_row_without_any_value_changes_nothing(logged: Client, update: Update) -> None:
    written = pd.DataFrame(
        {"context.span_id": span_ids(0), "eval.Quality.label": ["a"], "eval.Quality.score": [1.0]}
    )
    update(logged, written)
    empty = pd.DataFrame(
        {
            "context.span_id": span_ids(0, 1),
            "eval.Quality.label": [None, "b"],
            "eval.Quality.score": [None, 0.5],
        }
    )
    update(logged, empty)
    assert evaluation(logged, "eval.Quality", 0) == ("a", 1.0, None)
    assert evaluation(logged, "eval.Quality", 1) == ("b", 0.5, None)


def test_names_that_differ_only_by_case_stay_apart(logged: Client, update: Update) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(0),
            "eval.Quality.label": ["upper"],
            "eval.quality.label": ["lower"],
        }
    )
    update(logged, rows)
    assert evaluation(logged, "eval.Quality", 0)[0] == "upper"
    assert evaluation(logged, "eval.quality", 0)[0] == "lower"


def test_unknown_ids_are_named_and_the_rest_is_written(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": [*span_ids(0), "no-such-span-1", *span_ids(1), "no-such-span-é"],
            "eval.Quality.label": ["a", "b", "c", "d"],
        }
    )
    updated, unmatched = logged.update_evaluations(rows)
    assert (updated, unmatched) == (2, {"no-such-span-1", "no-such-span-é"})
    assert evaluation(logged, "eval.Quality", 1)[0] == "c"
    assert len(logged.rows_by_id()) == 4


def test_a_call_that_matches_nothing_writes_nothing(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": ["no-such-span-1"], "eval.Quality.label": ["a"]})
    assert logged.update_evaluations(rows) == (0, {"no-such-span-1"})
    assert len(logged.rows_by_id()) == 4


def test_an_empty_frame_updates_nothing(logged: Client) -> None:
    rows = pd.DataFrame({"context.span_id": [], "eval.Quality.label": []}, dtype=object)
    assert logged.update_evaluations(rows) == (0, set())
    assert len(logged.rows_by_id()) == 4


def test_unknown_ids_sent_over_http_make_no_spans(logged: Client) -> None:
    rows = pd.DataFrame(
        {
            "context.span_id": ["no-such-span-1", *span_ids(3)],
            "eval.Quality.label": ["a", "b"],
        }
    )
    logged.update_evaluations_by_http(rows)
    assert evaluation(logged, "eval.Quality", 3)[0] == "b"
    assert len(logged.rows_by_id()) == 4


def test_written_evaluations_can_be_filtered_at_once(logged: Client, update: Update) -> None:
    rows = pd.DataFrame(
        {"context.span_id": span_ids(0, 1, 2), "eval.Quality.score": [0.1, 0.5, 0.9]}
    )
    update(logged, rows)
    assert sorted(logged.rows_by_id(where="eval.Quality.score > 0.3")) == span_ids(1, 2)


def test_many_rows_arrive_in_one_call(client: Client, make_spans: MakeSpans) -> None:
    count = 12_345
    client.log(make_spans(count))
    rows = pd.DataFrame(
        {
            "context.span_id": span_ids(*range(count)),
            "eval.Quality.score": [float(i) for i in range(count)],
        }
    )
    assert client.update_evaluations(rows) == (count, set())
    got = client.rows_by_id(columns=["context.span_id", "eval.Quality.score"])
    assert all(got[f"span-{i:010}"]["eval.Quality.score"] == i for i in range(count))
