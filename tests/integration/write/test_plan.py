"""What a plan says, and that it does nothing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from spanduck import SpansClient, write_back
from spanduck.exceptions import Error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST = "span-000000000000"
COUNTS = ("new", "changed", "unchanged", "invalid", "duplicate")
_numbers = itertools.count()


def everything(settings: dict[str, Any], project: str) -> list[dict[str, Any]]:
    with SpansClient(**settings) as client:
        return list(client.export(project_name=project).read_all().to_pylist())


def test_a_plan_tells_and_samples_and_sends_nothing(
    settings: Any, new_project: Callable[[str], str], tmp_path: Path
) -> None:
    project = new_project("plan")
    before = everything(settings, project)
    sql = f"""SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, 'x' AS label FROM range(8) AS t(i)
        UNION ALL SELECT * FROM (VALUES ('{FIRST}', 'Q', 'x'), (NULL, 'Q', 'x'))"""
    state = tmp_path / "state.duckdb"
    given = {"project": project, "kind": "eval", "model": "m", "state": state, **settings}
    with duckdb.connect() as con:
        with write_back(con, sql, dry_run=True, **given) as plan:
            assert (plan.rows, plan.values, plan.calls) == (10, 10, 1)
            assert plan.bytes > 0
            assert plan.counts() == {
                "new": 8,
                "changed": 0,
                "unchanged": 0,
                "invalid": 1,
                "duplicate": 1,
                "unmatched": 0,
            }
            assert (plan.model, plan.kind, plan.against) == ("m", "eval", "state")
            assert plan.to_dict()["new"] == 8
            assert "_ledger" not in plan.to_dict()
            sample = plan.sample(2).to_pylist()
            assert [(row["plan"], row["row"], row["reason"]) for row in sample] == [
                ("new", 0, None),
                ("new", 1, None),
                ("invalid", 9, "span_id is NULL"),
                ("duplicate", 8, "equal to row 0, which stands for both"),
            ]
            assert sample[0]["label"] == "x"
            assert plan.sample().num_rows == 7
        plan.close()
        assert plan.new == 8
        with pytest.raises(Error, match="the plan is closed"):
            plan.sample()
    assert everything(settings, project) == before
    with duckdb.connect(state) as kept:
        for table in ("runs", "changelog", "accepted", "pending", "rejected"):
            assert kept.execute(f"SELECT count(*) FROM spanduck_state.{table}").fetchall() == [(0,)]


ROWS = pa.schema([("span_id", pa.string()), ("name", pa.string()), ("label", pa.string())])
random_models = st.lists(
    st.lists(
        st.fixed_dictionaries(
            {
                "span_id": st.sampled_from([*(f"span-{n:012d}" for n in range(4)), None]),
                "name": st.sampled_from(["Q", "R", "S"]),
                "label": st.sampled_from(["x", "y", "z" * 101, None]),
            }
        ),
        max_size=20,
    ),
    min_size=1,
    max_size=3,
)


@hypothesis_settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(models=random_models, against=st.sampled_from(["state", "service"]))
def test_a_run_does_what_the_plan_says(
    settings: Any,
    new_project: Callable[[str], str],
    tmp_path: Path,
    models: list[list[dict[str, Any]]],
    against: str,
) -> None:
    number = next(_numbers)
    project = new_project(f"planned {number}")
    given_: dict[str, Any] = {"project": project, "kind": "eval", "model": "m", **settings}
    given_ |= {"state": tmp_path / f"{number}.duckdb", "against": against}
    with duckdb.connect() as con:
        for rows in models:
            con.register("model", pa.Table.from_pylist(rows, schema=ROWS))
            with write_back(con, "FROM model", dry_run=True, **given_) as plan:
                planned = plan.to_dict()
            with write_back(con, "FROM model", **given_) as report:
                done = report.to_dict()
            assert {name: planned[name] for name in COUNTS} == {name: done[name] for name in COUNTS}
            for name in ("rows", "values", "calls", "bytes", "left", "unmatched"):
                assert planned[name] == done[name]
            assert done["accepted"] == done["new"] + done["changed"]
            assert done["rejected"] == 0
