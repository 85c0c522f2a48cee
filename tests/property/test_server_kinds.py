"""Whatever kinds a column is sent as, and in whatever order, its values come back by one rule."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spanduck._wire import upload_schema_text
from spanduck.server import catalogue
from spanduck.server.export import plan_export
from spanduck.server.kinds import Kind
from spanduck.server.store import Store
from spanduck.server.upload import store_upload

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "attributes.mixed"
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
_INTEGERS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([2**53 - 1, 2**53, -(2**53), 1 - 2**53, 2**63 - 1, -(2**63)]),
)
_VALUES: dict[Kind | None, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    Kind.BOOL: (pa.bool_(), st.booleans()),
    Kind.INT64: (pa.int64(), _INTEGERS),
    Kind.FLOAT64: (pa.float64(), st.floats(allow_nan=False)),
    Kind.STRING: (pa.string(), _TEXT),
    Kind.STRING_LIST: (pa.list_(pa.string()), st.lists(st.none() | _TEXT, max_size=3)),
    Kind.JSON: (pa.struct([("k", pa.int64())]), st.fixed_dictionaries({"k": st.integers(0, 9)})),
    None: (pa.null(), st.none()),
}


@st.composite
def uploads(draw: st.DrawFn) -> list[tuple[Kind | None, list[Any]]]:
    """Some calls, each with one kind."""
    kinds = draw(st.lists(st.sampled_from(list(_VALUES)), min_size=1, max_size=4))
    return [
        (kind, draw(st.lists(st.none() | _VALUES[kind][1], min_size=1, max_size=3)))
        for kind in kinds
    ]


def expected_kind(calls: list[tuple[Kind | None, list[Any]]]) -> Kind:
    """The rule of the contract, written the other way round."""
    seen = {kind for kind, values in calls if kind and any(v is not None for v in values)}
    if len(seen) == 1:
        return seen.pop()
    if seen == {Kind.INT64, Kind.FLOAT64}:
        integers = [v for kind, values in calls if kind is Kind.INT64 for v in values]
        if all(v is None or abs(v) < 2**53 for v in integers):
            return Kind.FLOAT64
    return Kind.STRING


def is_same(kind: Kind | None, sent: Any, back: Any, exported: Kind) -> bool:
    """Whether a value came back as the rule says, leaving the spelling of numbers open."""
    if sent is None or kind is None:
        return back is None
    if exported is kind and kind is not Kind.JSON:
        return bool(back == sent)
    if exported is Kind.FLOAT64:
        return bool(back == float(sent))
    if kind in {Kind.JSON, Kind.STRING_LIST}:
        return bool(json.loads(back) == sent)
    if kind is Kind.BOOL:
        return bool(back == ("true" if sent else "false"))
    if kind is Kind.FLOAT64:
        return math.isclose(float(back), sent, rel_tol=0.0) or float(back) == sent
    return bool(back == str(sent))


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with TemporaryDirectory() as folder, Store.open(Path(folder)) as opened:
        yield opened


def _body(store: Store, project: str, first: int, column: pa.Array) -> Path:
    ids = [f"span-{first + offset:08d}" for offset in range(len(column))]
    table = pa.table(
        {
            "context.span_id": ids,
            "context.trace_id": ids,
            "name": ids,
            "start_time": pa.array([time.time_ns()] * len(ids), pa.int64()),
            NAME: column,
        }
    ).replace_schema_metadata({b"arize-schema": upload_schema_text(project)})
    path = store.new_scratch_file()
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def _export(store: Store, project: str) -> pa.Table:
    with store.reading() as cursor:
        space = catalogue.spaces(cursor)[0].id
        record = catalogue.find_project(cursor, space, project)
        plan = plan_export(store.catalogues.get(cursor, record))
        table = cursor.sql(plan.query.text).to_arrow_table()
        return table.rename_columns(plan.schema.names).sort_by("context.span_id")


_projects = iter(range(10**9))


@given(calls=uploads())
@example(calls=[(Kind.INT64, [2**53]), (Kind.FLOAT64, [0.5])])
@example(calls=[(Kind.FLOAT64, [-0.0]), (Kind.STRING, [""])])
@example(calls=[(Kind.STRING, [None]), (Kind.INT64, [1])])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mixed_kinds_come_back_by_the_rule(
    store: Store, calls: list[tuple[Kind | None, list[Any]]]
) -> None:
    project = f"p{next(_projects)}"
    first = 0
    for kind, values in calls:
        path = _body(store, project, first, pa.array(values, _VALUES[kind][0]))
        assert store_upload(store, path, space="default").spans == len(values)
        path.unlink()
        first += len(values)
    exported = expected_kind(calls)
    back = _export(store, project)[NAME]
    assert back.type == exported.arrow_type
    sent = [(kind, value) for kind, values in calls for value in values]
    for (kind, value), found in zip(sent, back.to_pylist(), strict=True):
        assert is_same(kind, value, found, exported), (kind, value, found)
