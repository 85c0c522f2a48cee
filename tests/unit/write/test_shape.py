from __future__ import annotations

import pytest

from spanduck._write.shape import evaluation_shape
from spanduck.exceptions import ValidationError


def refused(*names: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        evaluation_shape(names, ["VARCHAR"] * len(names))
    return caught.value


def test_a_long_model_has_one_value_a_row() -> None:
    found = evaluation_shape(["name", "span_id", "score"], ["VARCHAR", "VARCHAR", "DOUBLE"])
    (source,) = found.sources
    assert found.span_id.position == 1
    assert source.name is None
    assert source.name_column is not None
    assert source.name_column.position == 0
    assert source.level_column is None
    assert {role: column.position for role, column in source.fields.items()} == {"score": 2}


def test_words_of_the_long_shape_are_read_in_any_case() -> None:
    found = evaluation_shape(["Span_ID", "NAME", "Label"], ["VARCHAR"] * 3)
    assert list(found.sources[0].fields) == ["label"]


def test_context_span_id_means_the_same_as_span_id() -> None:
    assert (
        evaluation_shape(["context.span_id", "name", "label"], ["VARCHAR"] * 3).span_id.position
        == 0
    )


def test_a_wide_model_has_a_value_for_each_name_and_level() -> None:
    found = evaluation_shape(
        ["span_id", "eval.Q.label", "eval.Q.score", "eval.q.label", "trace_eval.Q.label"],
        ["VARCHAR", "VARCHAR", "DOUBLE", "VARCHAR", "VARCHAR"],
    )
    assert [(source.level, source.name) for source in found.sources] == [
        ("span", "Q"),
        ("span", "q"),
        ("trace", "Q"),
    ]
    assert list(found.sources[0].fields) == ["label", "score"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("name", "label"), "column span_id (or context.span_id) is missing"),
        (("span_id", "label"), "column name is missing"),
        (("span_id", "name"), "one of label, score, explanation is missing"),
        (("eval.Q.label",), "column span_id (or context.span_id) is missing"),
        (("span_id", "name", "label", "explanatoin"), "did you mean 'explanation'"),
        (("spanid", "name", "label"), "did you mean 'span_id'"),
        (("span_id", "eval.Quality.scor"), "did you mean 'eval.Quality.score'"),
        (("span_id", "evl.Quality.label"), "did you mean 'eval.Quality.label'"),
        (("span_id", "eval.Q.label", "eval.q.label_1"), "differ only by case"),
        (("span_id", "eval.Quality"), "unknown column 'eval.Quality'"),
        (("span_id", "name", "eval.Q.label"), "column 'name' belongs to the long shape"),
    ],
)
def test_what_is_missing_or_unknown_is_named(names: tuple[str, ...], said: str) -> None:
    error = refused(*names)
    assert said in str(error)
    assert "span_id, name and at least one of label, score, explanation" in str(error)


def test_every_problem_is_listed() -> None:
    assert len(refused("spanid", "nam", "lable").problems) == 6


def test_a_column_that_is_there_twice_is_refused() -> None:
    assert "'span_id' and 'context.span_id' mean the same" in str(
        refused("span_id", "context.span_id", "name", "label")
    )
    assert "'eval.Q.label' is there twice" in str(
        refused("span_id", "eval.Q.label", "eval.Q.label")
    )
