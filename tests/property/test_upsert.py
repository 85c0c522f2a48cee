"""After any models in any order the service holds what a plain upsert by field would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.projects import new_project

from spanduck import SpansClient, write_back

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = tuple(f"span-{number:012d}" for number in range(4))
FIELDS = {"label": pa.string(), "score": pa.float64(), "explanation": pa.string()}
LONG = pa.schema([("span_id", pa.string()), ("name", pa.string()), *FIELDS.items()])


def stored(service: dict[str, Any], project: str) -> dict[tuple[str, str, str], Any]:
    with SpansClient(**service) as client:
        rows = client.export(project_name=project).read_all().to_pylist()
    return {
        (row["context.span_id"], *column.split(".")[1:]): value
        for row in rows
        for column, value in row.items()
        if "eval." in column and value is not None
    }


# Each model says a value once, of known spans; what is wrong with values has tests of its own.
models = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.dictionaries(
            st.tuples(st.sampled_from(KNOWN), st.sampled_from("QR")),
            st.tuples(
                st.none() | st.sampled_from("xy"),
                st.none() | st.sampled_from([0.0, 0.5, -1e300]),
                st.none() | st.sampled_from(["", "why"]),
            ).filter(lambda said: said[0] is not None or said[1] is not None),
            max_size=6,
        ),
        st.sampled_from(["state", "service"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models=models)
def test_the_service_holds_what_an_upsert_by_field_makes(
    service: dict[str, Any],
    tmp_path: Path,
    models: list[tuple[str, dict[tuple[str, str], Any], str]],
) -> None:
    project = new_project(service, KNOWN)
    arguments: dict[str, Any] = {"project": project, "kind": "eval", **service}
    arguments["state"] = tmp_path / f"{project}.duckdb"
    expected: dict[tuple[str, str, str], Any] = {}
    with duckdb.connect() as con:
        for name, values, against in models:
            rows = [
                dict(zip(LONG.names, (*key, *said), strict=True)) for key, said in values.items()
            ]
            con.register("model", pa.Table.from_pylist(rows, schema=LONG))
            said_now = {
                (*key, field): value
                for key, said in values.items()
                for field, value in zip(FIELDS, said, strict=True)
                if value is not None
            }
            differing = {key[:2] for key, value in said_now.items() if expected.get(key) != value}
            given_ = {**arguments, "model": name}
            with write_back(con, "FROM model", against=against, **given_) as report:
                assert report.accepted == len(differing)
                assert report.unchanged == len(values) - len(differing)
            expected |= said_now
            with write_back(con, "FROM model", **given_) as again:
                assert (again.calls, again.unchanged) == (0, len(values))
            assert stored(service, project) == expected
