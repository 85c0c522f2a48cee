"""Several models at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck
from spanduck._write_back.models import ModelOutcome, model_files, run_models
from spanduck.exceptions import CancelledError, Error, UnknownProjectError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SPANS = 300
PROJECT = "several-models"
HEAD = '/* spanduck\nkind = "eval"\nproject = "{project}"\n*/\n'
SELECT = """SELECT "context.span_id" AS span_id, '{name}' AS name, 'ok' AS label FROM spans('{project}')"""


@pytest.fixture(scope="module")
def has_project() -> list[str]:
    return []


@pytest.fixture
def project(new_project: Callable[[str], str], has_project: list[str]) -> str:
    if not has_project:
        has_project.append(new_project(PROJECT))
    return PROJECT


@pytest.fixture
def con(
    settings: dict[str, Any], tmp_path: Path, project: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = spanduck.connect(tmp_path / "mine.duckdb", **settings)
    yield con
    con.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a model file in a folder of models."""

    def write(name: str, *, project: str = PROJECT, select: str = SELECT) -> Path:
        path = tmp_path / "models" / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        text = HEAD + select
        path.write_text(text.format(name=name, project=project), encoding="utf-8")
        return path

    return write


def counts(outcomes: list[ModelOutcome]) -> list[dict[str, int] | type[Exception]]:
    told: list[dict[str, int] | type[Exception]] = []
    for outcome in outcomes:
        if outcome.result is None:
            told.append(type(outcome.failure))  # type: ignore[arg-type]
        else:
            told.append({name: n for name, n in outcome.result.counts().items() if n})
        outcome.close()
    return told


def test_a_folder_is_its_models_by_name_and_paths_keep_their_order(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [write(name) for name in ("b", "a", "c")]
    (tmp_path / "models" / "notes.txt").touch()
    (tmp_path / "models" / "deeper").mkdir()
    elsewhere = tmp_path / "z.sql"
    assert model_files([elsewhere, tmp_path / "models"]) == [
        elsewhere,
        *sorted(paths),
    ]
    assert model_files([paths[2], paths[0]]) == [paths[2], paths[0]]


def test_outcomes_come_in_the_order_of_the_models(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path], tmp_path: Path
) -> None:
    for name in ("b", "a", "c"):
        write(name)
    ended: list[str] = []
    outcomes = run_models(con, [tmp_path / "models"], on_end=lambda o: ended.append(o.path.stem))
    assert [outcome.path.stem for outcome in outcomes] == ["a", "b", "c"]
    assert sorted(ended) == ["a", "b", "c"]
    assert not any(outcome.is_failed for outcome in outcomes)
    assert counts(outcomes) == [{"accepted": SPANS}] * 3
    again = run_models(con, [tmp_path / "models"], jobs=1)
    assert counts(again) == [{"unchanged": SPANS}] * 3


def test_a_model_that_fails_does_not_stop_the_others(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [
        write("d"),
        write("broken", select="SELECT nothing"),
        write("elsewhere", project="absent", select="SELECT 1"),
        tmp_path / "absent.sql",
        write("e"),
    ]
    outcomes = run_models(con, paths)
    assert [outcome.path for outcome in outcomes] == paths
    assert [outcome.is_failed for outcome in outcomes] == [False, True, True, True, False]
    assert counts(outcomes) == [
        {"accepted": SPANS},
        duckdb.BinderException,
        UnknownProjectError,
        ValidationError,
        {"accepted": SPANS},
    ]


def test_each_model_fails_with_its_own_error(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path]
) -> None:
    paths = [
        write(f"wrong_{number}", select=f"FROM spans('absent_{number}')") for number in range(6)
    ]
    for number, outcome in enumerate(run_models(con, paths)):
        assert isinstance(outcome.failure, Error)
        assert f"'absent_{number}'" in str(outcome.failure)


def test_values_that_were_not_written_make_a_model_fail(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path]
) -> None:
    nobody = "SELECT 'no such span' AS span_id, 'Quality' AS name, 'ok' AS label"
    (outcome,) = run_models(con, [write("f", select=nobody)])
    assert outcome.is_failed
    assert counts([outcome]) == [{"unmatched": 1}]


def test_plans_send_nothing(con: duckdb.DuckDBPyConnection, write: Callable[..., Path]) -> None:
    for _ in range(2):
        outcomes = run_models(con, [write("g"), write("h")], dry_run=True)
        assert counts(outcomes) == [{"new": SPANS}] * 2


def test_options_go_to_every_model(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path], tmp_path: Path
) -> None:
    state = tmp_path / "state.duckdb"
    outcomes = run_models(con, [write("i"), write("j")], limit=10, state=state)
    assert counts(outcomes) == [{"accepted": 10}] * 2
    outcomes = run_models(con, [write("i")], state=":memory:", full=True)
    assert counts(outcomes) == [{"accepted": SPANS}]
    with duckdb.connect(state) as kept:
        runs = kept.execute("SELECT model, accepted FROM spanduck_state.runs ORDER BY ALL")
        assert runs.fetchall() == [("i", 10), ("j", 10)]


def test_models_run_side_by_side_up_to_the_number_of_jobs(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path]
) -> None:
    # Each of them waits in its SELECT until all of them are there.
    meeting = threading.Barrier(3, timeout=30)

    def meet(label: str) -> str:
        meeting.wait()
        return label

    con.create_function("meet", meet, ["VARCHAR"], "VARCHAR", side_effects=True)
    select = "SELECT 'span-000000000001' AS span_id, '{name}' AS name, meet('ok') AS label"
    paths = [write(name, select=select) for name in ("k", "l", "m")]
    assert counts(run_models(con, paths, jobs=3)) == [{"accepted": 1}] * 3


def test_an_order_to_stop_keeps_what_has_not_begun_from_running(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path]
) -> None:
    stop = threading.Event()
    outcomes = run_models(
        con, [write("n"), write("o"), write("p")], jobs=1, stop=stop, on_end=lambda _: stop.set()
    )
    assert counts(outcomes) == [{"accepted": SPANS}, CancelledError, CancelledError]
    assert counts(run_models(con, [write("n"), write("o")])) == [
        {"unchanged": SPANS},
        {"accepted": SPANS},
    ]


def test_what_ends_the_wait_ends_every_run(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path]
) -> None:
    def interrupted(_: ModelOutcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_models(con, [write(name) for name in ("q", "r", "s")], jobs=1, on_end=interrupted)
    ran = con.execute("SELECT count(*) FROM spanduck_state.runs").fetchall()
    assert ran == [(1,)]


def test_what_cannot_be_is_refused_before_anything_runs(
    con: duckdb.DuckDBPyConnection, write: Callable[..., Path], tmp_path: Path
) -> None:
    model = write("t")
    copy = tmp_path / "t.sql"
    copy.write_text(model.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValidationError, match="both called 't'"):
        run_models(con, [model, copy])
    with pytest.raises(ValidationError, match="is given twice"):
        run_models(con, [tmp_path / "models", model])
    with pytest.raises(ValidationError, match=r"holds no \*\.sql file"):
        run_models(con, [tmp_path / "empty"])
    with pytest.raises(ValidationError, match="jobs is 0"):
        run_models(con, [model], jobs=0)
    assert con.execute("FROM duckdb_tables()").fetchall() == []
