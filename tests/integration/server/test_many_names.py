"""Exports of projects in which hundreds of names were said of spans."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest

import spanduck
from spanduck import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck.embedded import EmbeddedServer

# Of the folder's conftest, which is no module to import from.
Caller: TypeAlias = Any
Tools: TypeAlias = Any

SPANS = 2_000
EVALUATIONS = 300
ANNOTATIONS = 100
# Every span has a seventh of the names.
STEP = 7
IDS = [f"span-{number:012d}" for number in range(SPANS)]


def _is_said(span: int, name: int) -> bool:
    return (span + name) % STEP == 0


def _score(span: int, name: int) -> float:
    return math.nan if name == 5 else span + name / 1_000


def _evaluations() -> pa.Table:
    columns: dict[str, Any] = {"context.span_id": IDS}
    for name in range(EVALUATIONS):
        said = [_is_said(span, name) for span in range(SPANS)]
        columns[f"eval.n{name}.label"] = [
            f"label {s}" if is_ else None for s, is_ in enumerate(said)
        ]
        columns[f"eval.n{name}.score"] = pa.array(
            [_score(s, name) if is_ else None for s, is_ in enumerate(said)], pa.float64()
        )
    columns["eval.n0.explanation"] = ["why" if _is_said(s, 0) else None for s in range(SPANS)]
    return pa.table(columns)


def _annotations() -> pa.Table:
    columns: dict[str, Any] = {"context.span_id": IDS}
    for name in range(ANNOTATIONS):
        columns[f"annotation.n{name}.label"] = [
            f"note {s}" if _is_said(s, name) else None for s in range(SPANS)
        ]
    return pa.table(columns)


@pytest.fixture(scope="module")
def said_server(
    tools: type[Tools], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """A server with a project `p` of which much was said; nothing here writes to it."""
    with embedded.serve(tmp_path_factory.mktemp("said")) as server:
        caller = tools.Caller(server)
        caller.upload(tools.spans(SPANS))
        caller.put(_evaluations())
        caller.put(_annotations(), kind="annotations")
        caller.close()
        yield server


@pytest.fixture
def said(tools: type[Tools], said_server: EmbeddedServer) -> Iterator[Caller]:
    made = tools.Caller(said_server)
    yield made
    made.close()


def _expected(span: int) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in range(EVALUATIONS):
        is_said = _is_said(span, name)
        columns[f"eval.n{name}.label"] = f"label {span}" if is_said else None
        columns[f"eval.n{name}.score"] = _score(span, name) if is_said else None
    for name in range(ANNOTATIONS):
        columns[f"annotation.n{name}.label"] = f"note {span}" if _is_said(span, name) else None
    return columns


def _wanted() -> list[str]:
    return ["context.span_id", *_expected(0)]


def _assert_as_expected(row: dict[str, Any], span: int) -> None:
    for column, value in _expected(span).items():
        if isinstance(value, float) and math.isnan(value):
            assert math.isnan(row[column]), (column, span)
        else:
            assert row[column] == value, (column, span)


def test_everything_said_under_four_hundred_names_is_exported_beside_its_span(
    said: Caller,
) -> None:
    rows = {row["context.span_id"]: row for row in said.export().to_pylist()}
    assert sorted(rows) == IDS
    for span in range(0, SPANS, 41):
        _assert_as_expected(rows[IDS[span]], span)
        row = rows[IDS[span]]
        assert row["eval.n0.explanation"] == ("why" if _is_said(span, 0) else None)


def test_columns_of_many_names_have_the_types_and_the_order_of_few(said: Caller) -> None:
    whole = said.info().schema
    for name in ("eval.n7.label", "eval.n7.score", "annotation.n7.label"):
        few = said.info(projected_columns=("context.span_id", name)).schema
        assert few.field(name).equals(whole.field(name), check_metadata=True)
    asked = ("context.span_id", *reversed(_wanted()[1:]))
    table = said.export(projected_columns=asked)
    assert tuple(table.column_names) == ("time", *asked)


def test_many_names_are_exported_alike_in_groups_that_are_joined_one_by_one(said: Caller) -> None:
    groups = [f"eval.n{name}.label" for name in range(EVALUATIONS)]
    whole = said.export(projected_columns=("context.span_id", *groups)).sort_by("context.span_id")
    for first in range(0, 60, 12):
        columns = ["context.span_id", *groups[first : first + 12]]
        few = said.export(projected_columns=tuple(columns)).sort_by("context.span_id")
        assert whole.select(columns).combine_chunks() == few.select(columns).combine_chunks()


@pytest.mark.parametrize(
    ("text", "is_wanted"),
    [
        ("eval.n3.label = 'label 4'", lambda span: span == 4),
        ("eval.n3.score >= 1990", lambda span: span >= 1_990 and _is_said(span, 3)),
        ("annotation.n9.label = 'note 5'", lambda span: span == 5),
        ("eval.n299.label IS NOT NULL", lambda span: _is_said(span, 299)),
        (
            "eval.n3.label IS NULL AND name = 'operation 1'",
            lambda span: span % 7 == 1 and not _is_said(span, 3),
        ),
    ],
)
def test_a_filter_on_one_of_many_names_keeps_the_spans_it_holds_for(
    said: Caller, text: str, is_wanted: Any
) -> None:
    table = said.export(filter_expression=text)
    rows = {row["context.span_id"]: row for row in table.to_pylist()}
    wanted = [span for span in range(SPANS) if is_wanted(span)]
    assert wanted
    assert sorted(rows) == [IDS[span] for span in wanted]
    for span in wanted[:3]:
        _assert_as_expected(rows[IDS[span]], span)


def test_a_filter_may_name_more_names_than_are_joined_one_by_one(said: Caller) -> None:
    text = " OR ".join(f"eval.n{name}.label = 'label {name % STEP}'" for name in range(40))
    wanted = [
        span
        for span in range(STEP)
        if any(_is_said(span, n) and n % STEP == span for n in range(40))
    ]
    assert sorted(said.rows(filter_expression=text)) == [IDS[span] for span in wanted]


def test_of_many_annotations_that_of_the_span_comes_before_that_of_its_trace(
    own_caller: Caller, tools: type[Tools]
) -> None:
    own_caller.upload(tools.spans(8))
    own_caller.put(_annotations().slice(0, 8), kind="annotations")
    (project,) = own_caller.rest.get("/v2/projects", params={"name": "p"}).json()["projects"]
    values = [{"name": "n0", "label": "of the trace"}]
    # The first is annotated itself, the second is not.
    records = [{"record_id": span, "values": values} for span in IDS[:2]]
    body = {"project_id": project["id"], "granularity": "TRACE", "annotations": records}
    answer = own_caller.rest.post("/v2/spans/annotate", json=body)
    assert answer.status_code == 202, answer.text
    few = own_caller.rows(projected_columns=("context.span_id", "annotation.n0.label"))
    many = own_caller.rows()
    for rows in (few, many):
        labels = [rows[span]["annotation.n0.label"] for span in IDS[:3]]
        assert labels == ["note 0", "of the trace", None]


def test_a_list_is_filtered_by_more_names_than_are_joined_one_by_one(said: Caller) -> None:
    (project,) = said.rest.get("/v2/projects", params={"name": "p"}).json()["projects"]
    text = " OR ".join(f"eval.n{name}.label = 'label {name}'" for name in (*range(20), 295))
    wanted = [span for span in (*range(20), 295) if _is_said(span, span)]
    answer = said.rest.post("/v2/spans", json={"project_id": project["id"], "filter": text})
    assert answer.status_code == 200, answer.text
    listed = [item["context"]["span_id"] for item in answer.json()["spans"]]
    assert sorted(listed) == [IDS[span] for span in wanted]


def test_what_is_too_much_to_be_gathered_at_once_is_read_in_parts(
    own_caller: Caller, tools: type[Tools]
) -> None:
    own_caller.upload(tools.spans(SPANS))
    long_text = "because " * 150
    explained = {
        f"eval.n{name}.explanation": [long_text + str(span) for span in range(SPANS)]
        for name in range(60)
    }
    own_caller.put(pa.table({"context.span_id": IDS, **explained}))
    for restricted in ({}, {"filter_expression": "name = 'operation 1'"}):
        rows = own_caller.rows(**restricted)
        wanted = [span for span in range(SPANS) if not restricted or span % 7 == 1]
        assert sorted(rows) == [IDS[span] for span in wanted]
        for span in wanted[::41]:
            texts = {rows[IDS[span]][column] for column in explained}
            assert texts == {long_text + str(span)}


def test_table_functions_read_every_name(said_server: EmbeddedServer) -> None:
    evaluated = sum(_is_said(span, name) for span in range(SPANS) for name in range(EVALUATIONS))
    annotated = sum(_is_said(span, name) for span in range(SPANS) for name in range(ANNOTATIONS))
    with spanduck.connect(settings=said_server.settings) as con:
        spans = con.sql("""SELECT * FROM spans('p') WHERE "eval.n3.label" = 'label 4'""")
        assert [row[0] for row in spans.fetchall()] == [IDS[4]]
        assert len(spans.columns) > 2 * EVALUATIONS + ANNOTATIONS
        counted = "SELECT count(*), count(DISTINCT name)"
        assert con.sql(f"{counted} FROM evaluations('p')").fetchall() == [(evaluated, EVALUATIONS)]
        assert con.sql(f"{counted} FROM annotations('p')").fetchall() == [(annotated, ANNOTATIONS)]
