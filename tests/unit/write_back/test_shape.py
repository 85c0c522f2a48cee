from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spanduck._write_back.keys import span_key
from spanduck._write_back.shape import model_shape
from spanduck.exceptions import ConfigError, ValidationError

if TYPE_CHECKING:
    from spanduck._write_back.shape import Nulls, Shape


def refused(*names: str, kind: str | None = "eval") -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        model_shape(names, ["VARCHAR"] * len(names), kind=kind)
    return caught.value


def test_a_long_model_has_one_value_a_row() -> None:
    found = model_shape(["name", "span_id", "score"], ["VARCHAR", "VARCHAR", "DOUBLE"], kind="eval")
    (source,) = found.sources
    assert found.span_id.position == 1
    assert source.name is None
    assert source.name_column is not None
    assert source.name_column.position == 0
    assert source.level_column is None
    assert {role: column.position for role, column in source.fields.items()} == {"score": 2}


def test_words_of_the_long_shape_are_read_in_any_case() -> None:
    found = model_shape(["Span_ID", "NAME", "Label"], ["VARCHAR"] * 3, kind="eval")
    assert list(found.sources[0].fields) == ["label"]


def test_context_span_id_means_the_same_as_span_id() -> None:
    assert (
        model_shape(
            ["context.span_id", "name", "label"], ["VARCHAR"] * 3, kind="eval"
        ).span_id.position
        == 0
    )


def test_a_wide_model_has_a_value_for_each_name_and_level() -> None:
    found = model_shape(
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


def named(*names: str, kind: str | None = None, **more: Any) -> Shape:
    return model_shape(names, ["VARCHAR"] * len(names), kind=kind, **more)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("span_id", "name", "label", "explanation"), "eval"),
        (("span_id", "eval.Q.label"), "eval"),
        (("span_id", "session_eval.Q.score"), "eval"),
        (("span_id", "name", "text"), "annotation"),
        (("span_id", "annotation.Q.label"), "annotation"),
        (("span_id", "annotation.notes"), "annotation"),
        (("span_id", "key", "value"), "metadata"),
        (("span_id", "KEY", "Value"), "metadata"),
        (("span_id", "attributes.metadata.tier"), "metadata"),
        (("span_id", "patch_document"), "metadata"),
        (("trace_id", "name", "explanation"), "eval"),
    ],
)
def test_the_kind_is_told_by_columns_that_leave_no_doubt(names: tuple[str, ...], kind: str) -> None:
    assert named(*names).kind.word == kind


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("span_id", "name", "label", "score"), "'name', 'label', 'score' are of no kind alone"),
        (("span_id",), "the columns (none) are of no kind alone"),
        (("span_id", "eval.Q.label", "annotation.Q.label"), "are of several kinds"),
        (("span_id", "name", "text", "explanation"), "are of several kinds"),
    ],
)
def test_a_kind_in_doubt_must_be_named(names: tuple[str, ...], said: str) -> None:
    error = refused(*names, kind=None)
    assert said in str(error)
    assert "Name the kind: eval, annotation or metadata." in str(error)


def test_a_kind_that_is_none_gets_a_near_match() -> None:
    assert "Did you mean 'annotation'?" in str(refused("span_id", "name", kind="anotation"))


@pytest.mark.parametrize(
    ("kind", "names", "said"),
    [
        ("annotation", ("span_id", "name"), "one of label, score, text is missing"),
        ("annotation", ("span_id", "annotation.Q.labl"), "did you mean 'annotation.Q.label'"),
        ("annotation", ("span_id", "annotation.note"), "unknown column 'annotation.note'"),
        ("annotation", ("span_id", "annotation.Q.updated_by"), "annotation.Q.updated_by"),
        ("metadata", ("span_id", "key"), "column value is missing"),
        ("metadata", ("span_id", "value"), "column key is missing"),
        ("metadata", ("span_id", "patch_documnt"), "did you mean 'patch_document'"),
        ("metadata", ("span_id", "patch_document", "attributes.metadata.a"), "stands alone"),
        ("metadata", ("span_id", "attributes.metadata."), "unknown column"),
        ("metadata", ("span_id", "key", "value", "attributes.metadata.a"), "the long shape"),
    ],
)
def test_what_is_missing_or_unknown_is_named_for_every_kind(
    kind: str, names: tuple[str, ...], said: str
) -> None:
    assert said in str(refused(*names, kind=kind))


def test_notes_are_an_annotation_of_text_alone() -> None:
    shape = named("span_id", "annotation.notes", "annotation.Q.text")
    assert [(source.name, list(source.fields)) for source in shape.sources] == [
        ("annotation.notes", ["text"]),
        ("Q", ["text"]),
    ]


def test_keys_of_metadata_are_whole_and_keep_their_case() -> None:
    shape = named("span_id", "attributes.metadata.a.b", "attributes.metadata.A.b")
    assert list(shape.sources[0].fields) == ["a.b", "A.b"]


def test_the_column_of_a_key_takes_the_place_of_the_span_id() -> None:
    order = span_key("attributes.metadata.order_id")
    shape = named("attributes.metadata.order_id", "attributes.metadata.tier", key=order)
    assert shape.span_id.name == "attributes.metadata.order_id"
    assert list(shape.sources[0].fields) == ["tier"]
    with pytest.raises(ValidationError, match=r"attributes\.metadata\.order_id .* is missing"):
        named("attributes.metadata.tier", kind="metadata", key=order)
    with pytest.raises(ValidationError, match="'span_id' is one too many"):
        named("span_id", "order_id", "patch_document", kind="metadata", key=order)


def test_a_null_is_written_of_the_columns_that_say_so() -> None:
    columns = ("span_id", "attributes.metadata.a", "attributes.metadata.b")
    assert named(*columns).written_nulls == frozenset()
    assert named(*columns, nulls="write").written_nulls == frozenset(columns[1:])
    assert named(*columns, nulls={columns[2]: "write", columns[1]: "skip"}).written_nulls == {
        "attributes.metadata.b"
    }
    assert named("span_id", "key", "value", nulls={"value": "write"}).written_nulls == {"value"}


@pytest.mark.parametrize(
    ("names", "nulls", "said"),
    [
        (("span_id", "eval.Q.label"), "write", "for evaluations: what a null field does"),
        (("span_id", "annotation.Q.label"), "write", "for annotations: what a null field does"),
        (
            ("span_id", "eval.Q.label"),
            {"eval.Q.label": "write"},
            "what a null field does on the wire is not known",
        ),
        (("span_id", "key", "value"), "wirte", "Did you mean 'write'"),
        (("span_id", "key", "value"), {"valu": "write"}, "Did you mean 'value'"),
        (("span_id", "key", "value"), {"value": "keep"}, "nulls is 'keep' for value"),
    ],
)
def test_a_policy_that_cannot_be_had_is_refused(
    names: tuple[str, ...], nulls: Nulls, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        named(*names, nulls=nulls)


def test_nulls_may_be_skipped_for_every_kind() -> None:
    for names in (("span_id", "eval.Q.label"), ("span_id", "annotation.notes")):
        assert named(*names, nulls="skip").written_nulls == frozenset()


def test_a_start_time_is_read_only_where_it_is_asked_for() -> None:
    columns = ("span_id", "eval.Q.label", "start_time")
    shape = named(*columns, has_start_time=True)
    assert shape.start_time is not None
    assert shape.start_time.position == 2
    assert "unknown column 'start_time'" in str(refused(*columns))
