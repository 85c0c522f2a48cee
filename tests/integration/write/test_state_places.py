"""Where the state is kept, and who may use it."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from spanduck import write_back
from spanduck.exceptions import ConfigError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanduck import WriteBackReport

MODEL = """SELECT printf('span-%012d', i) AS span_id, 'Q' AS name, 'x' AS label
    FROM range(3) AS t(i)"""


@pytest.fixture
def run(
    settings: dict[str, Any], new_project: Callable[[str], str], request: pytest.FixtureRequest
) -> Callable[..., WriteBackReport]:
    project = new_project(request.node.name[:100])

    def write(con: duckdb.DuckDBPyConnection, sql: str = MODEL, **more: Any) -> WriteBackReport:
        given = {"kind": "eval", "project": project, **settings, **more}
        report: WriteBackReport = write_back(con, sql, **given)
        report.close()
        return report

    return write


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def test_a_connection_on_a_file_keeps_the_state_in_it(run: Any, tmp_path: Path, home: Path) -> None:
    with duckdb.connect(tmp_path / "mine.duckdb") as con:
        con.execute("CREATE TABLE own (i INTEGER)")
        con.begin()
        con.execute("INSERT INTO own VALUES (1)")
        report = run(con)
        con.rollback()
        # The user's transaction is the user's own.
        assert con.execute("FROM own").fetchall() == []
        assert report.state == "database mine"
        assert con.execute("SELECT count(*) FROM spanduck_state.accepted").fetchall() == [(3,)]
        assert con.execute("SELECT current_database()").fetchall() == [("mine",)]
        assert run(con).unchanged == 3
        # Named as a file it is the same.
        assert run(con, state=tmp_path / "mine.duckdb").unchanged == 3
    assert not (home / "state.duckdb").exists()


def test_a_macro_called_as_a_function_of_the_engine_is_not_used(run: Any, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "mine.duckdb") as con:
        con.execute("CREATE MACRO hash(x) AS 5; CREATE MACRO xor(a, b, c) AS 5")
        assert run(con).accepted == 3
        assert run(con).unchanged == 3


def test_the_database_in_use_is_the_connections(run: Any, tmp_path: Path, con: Any) -> None:
    con.execute(f"""ATTACH '{tmp_path}/one.duckdb' AS "the one" """)
    con.execute('USE "the one"')
    assert run(con).state == "database the one"
    con.execute("USE memory")
    assert run(con, state=tmp_path / "one.duckdb").unchanged == 3


def test_a_connection_in_memory_keeps_the_state_in_the_local_folder(
    run: Any, home: Path, con: Any
) -> None:
    assert run(con).state == str(home / "state.duckdb")
    with duckdb.connect() as other:
        assert run(other).unchanged == 3


@pytest.mark.parametrize(
    "name",
    ["runs.duckdb", """it's "my" ünï state; 1#2?a=b.duckdb""", ":memory:runs", "spanduck_state"],
)
def test_a_state_may_be_called_anything_and_is_read_with_nothing_but_duckdb(
    run: Any, tmp_path: Path, con: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(con, state=name).accepted == 3
    assert run(con, state=tmp_path / name).unchanged == 3
    con.execute("ATTACH $path AS told (READ_ONLY)", {"path": str(tmp_path / name)})
    for view, count in (("accepted", 3), ("changelog", 3), ("pending", 0)):
        told = con.execute(f"SELECT count(*) FROM told.spanduck_state.{view}").fetchall()
        assert told == [(count,)], view
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [name]


def test_a_state_below_the_tilde_is_in_the_users_folder(
    run: Any, tmp_path: Path, con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    assert run(con, state="~/mine/state.duckdb").accepted == 3
    assert run(con, state=tmp_path / "user" / "mine" / "state.duckdb").unchanged == 3
    # So is one below a local folder that no shell has expanded.
    monkeypatch.setenv("SPANDUCK_HOME", "~/mine")
    assert run(con).unchanged == 3
    # Another user's folder is not guessed at.
    assert run(con, state="~state.duckdb").accepted == 3
    assert (tmp_path / "~state.duckdb").is_file()
    assert not (tmp_path / "~").exists()


def test_a_state_in_memory_keeps_nothing(run: Any, home: Path, con: Any) -> None:
    for _ in range(2):
        report = run(con, state=":memory:")
        assert (report.state, report.new) == (":memory:", 3)
    assert not home.exists() or not list(home.glob("*.duckdb"))


def test_a_database_for_reading_only_keeps_no_state(run: Any, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "mine.duckdb"
    duckdb.connect(path).close()
    with duckdb.connect(path, read_only=True) as con:
        assert run(con).state == str(home / "state.duckdb")
        with pytest.raises(StateError, match="open for reading only, as the database mine"):
            run(con, state=path)


def test_a_state_of_a_newer_release_is_left_alone(run: Any, tmp_path: Path, con: Any) -> None:
    path = tmp_path / "state.duckdb"
    run(con, state=path)
    with duckdb.connect(path) as state:
        state.execute("UPDATE spanduck_state.meta SET version = 99")
    with pytest.raises(StateError, match="version 99, and this release knows 2") as caught:
        run(con, state=path)
    assert "newer spanduck" in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE spanduck_state.meta (version INTEGER)",
        "CREATE TABLE spanduck_state.meta (other INTEGER)",
        "CREATE TABLE spanduck_state.runs (other INTEGER)",
    ],
)
def test_a_schema_of_that_name_that_is_no_state_is_told(
    run: Any, tmp_path: Path, con: Any, made: str
) -> None:
    path = tmp_path / "state.duckdb"
    with duckdb.connect(path) as state:
        state.execute("CREATE SCHEMA spanduck_state")
        state.execute(made)
    with pytest.raises(StateError, match="is no state of write-backs"):
        run(con, state=path)
    with duckdb.connect(path) as state:
        assert state.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(1,)]


def test_a_database_that_is_called_as_the_schema_is_told(run: Any, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "spanduck_state.duckdb") as con:
        with pytest.raises(StateError, match="Ambiguous") as caught:
            run(con)
        assert "Attach the database spanduck_state under another name" in str(caught.value)
        assert run(con, state=tmp_path / "state.duckdb").accepted == 3


def test_a_state_that_cannot_be_written_is_not_taken_for_another_schema(
    run: Any, tmp_path: Path, con: Any
) -> None:
    # The file itself can be made, but not its log beside it.
    path = tmp_path / ("s" * 253)
    with pytest.raises(StateError, match=r"cannot be made: .*File name too long") as caught:
        run(con, state=path)
    assert "Make room for it there" in str(caught.value)
    assert "drop the schema" not in str(caught.value)


def test_a_file_that_is_no_database_is_told(run: Any, tmp_path: Path, con: Any) -> None:
    # A name that speaks of a lock is not held by anybody.
    for name in ("text", "blocks"):
        (tmp_path / name).write_text("hello")
    for path in (tmp_path, tmp_path / "text", tmp_path / "blocks"):
        with pytest.raises(StateError, match="cannot be opened") as caught:
            run(con, state=path)
        assert "Name another file with state= (--state)." in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be made"):
        run(con, state=tmp_path / "text" / "state.duckdb")


def test_a_state_that_another_connection_of_the_process_has_open_is_told(
    run: Any, tmp_path: Path, con: Any
) -> None:
    path = tmp_path / "state.duckdb"
    with duckdb.connect(path) as other:
        with pytest.raises(StateError, match=r"state\.duckdb cannot be opened") as caught:
            run(con, state=path)
        assert "Close the connection of this process" in str(caught.value)
        assert run(other, state=path).accepted == 3
    assert run(con, state=path).unchanged == 3


HOLDER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
con.close()
"""


def held_by_another(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_state_that_another_process_holds_is_waited_for(
    run: Any, tmp_path: Path, con: Any
) -> None:
    path = tmp_path / "state.duckdb"
    with held_by_another(path) as holder:
        reports = []
        waiting = threading.Thread(target=lambda: reports.append(run(con, state=path)))
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
        holder.communicate("\n")
        waiting.join(timeout=60)
    assert [report.accepted for report in reports] == [3]


def test_a_state_that_stays_held_is_told_with_the_next_step(
    run: Any, tmp_path: Path, con: Any
) -> None:
    path = tmp_path / "state.duckdb"
    with held_by_another(path) as holder:
        with pytest.raises(StateError, match="Wait for the other run to end"):
            run(con, state=path)
        holder.communicate("\n")


@pytest.mark.parametrize("place", ["file", "database"])
def test_models_run_side_by_side_on_one_state(run: Any, tmp_path: Path, place: str) -> None:
    path = tmp_path / "state.duckdb"
    con = duckdb.connect(path if place == "database" else ":memory:")
    state = path if place == "file" else None
    levels = ["span", "trace", "session"]
    failures: list[BaseException] = []

    def write(level: str) -> None:
        try:
            for expected in (0, 3):
                model = MODEL.replace("'Q'", f"'{level}' AS level, 'Q'")
                report = run(con.cursor(), sql=model, model=level, state=state)
                assert report.unchanged == expected
        except BaseException as exc:  # noqa: BLE001 - told by the thread that waits
            failures.append(exc)

    threads = [threading.Thread(target=write, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    con.close()
    assert failures == []
    with duckdb.connect(path) as told:
        assert told.execute(
            "SELECT level, count(*) FROM spanduck_state.accepted GROUP BY ALL ORDER BY ALL"
        ).fetchall() == [("span", 3), ("trace", 3), ("session", 3)]
        assert told.execute(
            "SELECT status, count(*) FROM spanduck_state.runs GROUP BY ALL"
        ).fetchall() == [("done", 6)]
