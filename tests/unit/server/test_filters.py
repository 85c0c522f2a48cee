from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from spanduck.server import filters
from spanduck.server.catalogue import (
    Place,
    ProjectCatalogue,
    ProjectRecord,
    Role,
    StoredColumn,
    StoredTable,
    now,
)
from spanduck.server.columns import CORE_COLUMNS
from spanduck.server.export import Restriction, plan_export
from spanduck.server.kinds import Kind
from spanduck_sql.errors import FilterError
from spanduck_sql.language.columns import StoredKind

if TYPE_CHECKING:
    from collections.abc import Sequence


def _attribute(number: int, name: str, kind: Kind | None, **flags: bool) -> StoredColumn:
    physical = None if kind is None else f"a{number}"
    return StoredColumn(f"attributes.{name}", kind, Place.ATTRIBUTE, 0, physical, **flags)


def _catalogue(*columns: StoredColumn, tables: int = 1) -> ProjectCatalogue:
    record = ProjectRecord(1, "id", "space", "p", now(), 1, 0)
    spans = [StoredTable(Role.SPANS, number, f"spans_1_{number}") for number in range(tables)]
    evaluations = StoredTable(Role.EVALUATIONS, 0, "evaluations_1_0")
    return ProjectCatalogue(record, (*spans, evaluations), (*CORE_COLUMNS, *columns))


@pytest.mark.parametrize(
    ("name", "kinds", "stored"),
    [
        ("x", [Kind.BOOL], StoredKind.BOOLEAN),
        ("x", [Kind.INT64], StoredKind.INTEGER),
        ("x", [Kind.FLOAT64], StoredKind.DOUBLE),
        ("x", [Kind.INT64, Kind.FLOAT64], StoredKind.DOUBLE),
        ("x", [Kind.INT64, Kind.STRING], StoredKind.TEXT),
        ("x", [Kind.JSON], StoredKind.JSON),
        ("x", [Kind.JSON, Kind.STRING], StoredKind.TEXT),
        ("x", [Kind.STRING_LIST], StoredKind.LIST),
        ("x", [None], StoredKind.TEXT),
        ("metadata", [Kind.STRING], StoredKind.JSON),
        ("metadata", [Kind.STRING, Kind.JSON], StoredKind.JSON),
        ("metadata", [None], StoredKind.JSON),
        ("llm.input_messages", [Kind.STRING_LIST], StoredKind.LIST),
        ("llm.input_messages", [Kind.STRING], StoredKind.JSON),
    ],
)
def test_a_column_is_for_a_filter_what_it_is_in_an_export(
    name: str, kinds: Sequence[Kind | None], stored: StoredKind
) -> None:
    columns = [_attribute(11 + place, name, kind) for place, kind in enumerate(kinds)]
    known = filters.stored_columns(_catalogue(*columns))
    assert known[f"attributes.{name}"].kind is stored


def test_core_columns_and_evaluations_have_kinds_of_their_own() -> None:
    evaluations = [
        StoredColumn(f"eval.Q.{field}", None, Place.EVALUATION) for field in ("label", "score")
    ]
    known = filters.stored_columns(_catalogue(*evaluations))
    assert {name: column.kind.value for name, column in known.items() if "." not in name} == {
        "latency_ms": "double",
        "parent_id": "text",
        "name": "text",
        "status_code": "text",
        "status_message": "text",
        "start_time": "timestamp",
        "end_time": "timestamp",
        "events": "list",
    }
    assert known["eval.Q.label"].kind is StoredKind.TEXT
    assert known["eval.Q.score"].kind is StoredKind.DOUBLE
    assert "eval.Q.explanation" not in known
    assert "time" not in known


def test_counting_reads_nothing_but_what_the_filter_names() -> None:
    columns = [_attribute(11, "a", Kind.STRING), _attribute(12, "b", Kind.STRING)]
    evaluation = StoredColumn("eval.Q.label", None, Place.EVALUATION)
    plan = plan_export(
        _catalogue(*columns, evaluation, tables=2),
        restriction=Restriction(filter_text="attributes.a = 'x'"),
    )
    assert len(plan.matches) == 2
    for number, query in enumerate(plan.matches):
        assert '"a11"' in query
        assert '"a12"' not in query
        assert "evaluations_1_0" not in query
        assert f"spans_1_{number}" in query
        assert f"matched_{number}" in plan.fetch.text
    assert "'x'" not in plan.fetch.text
    assert "'x'" in plan.query.text
    assert plan.counts


def test_plans_are_kept_by_filter_unless_it_is_long() -> None:
    catalogue = _catalogue()
    for length, is_kept in ((10, True), (10_000, False)):
        restriction = Restriction(filter_text=f"name = '{'x' * length}'")
        plans = [plan_export(catalogue, restriction=restriction) for _ in range(2)]
        assert (plans[0] is plans[1]) is is_kept
    with pytest.raises(FilterError):
        plan_export(catalogue, restriction=Restriction(filter_text=" "))
    assert plan_export(catalogue, restriction=Restriction()).schema.names[0] == "time"


def test_a_filter_needs_no_export() -> None:
    catalogue = _catalogue()
    with pytest.raises(FilterError, match="did you mean status_code") as raised:
        filters.bound(catalogue, "name = 'x' AND statuscode = 'OK'")
    assert raised.value.position == len("name = 'x' AND ")
    assert [str(w) for w in filters.bound(catalogue, "attributes.y = 1").warnings]


def test_a_filter_may_look_into_documents_so_many_times() -> None:
    catalogue = _catalogue(_attribute(11, "metadata", Kind.STRING))
    for count, is_refused in (
        (filters.DOCUMENTS_LIMIT, False),
        (filters.DOCUMENTS_LIMIT + 1, True),
    ):
        text = " OR ".join(f"attributes.metadata.k{number} = 'x'" for number in range(count))
        plan = plan_export(catalogue, restriction=Restriction(filter_text=text))
        with pytest.raises(FilterError, match="201 conditions") if is_refused else nullcontext():
            assert plan.matches
