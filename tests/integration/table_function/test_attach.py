"""Where the functions are put, what stays, and who may call them."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import spanduck
from spanduck.exceptions import AlreadyAttachedError, Error

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    import pyarrow as pa

COUNT = "SELECT count(*) FROM spans('p')"


def count(con: duckdb.DuckDBPyConnection, query: str = COUNT) -> int:
    rows = con.execute(query).fetchall()
    return int(rows[0][0])


def test_attaching_twice_is_attaching_once(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    settings = fake_service.settings(stream_chunk_rows=10, read_timeout_s=2)
    spanduck.attach(con, settings=settings)
    spanduck.attach(con.cursor(), settings=settings)
    assert count(con) == 100


def test_other_settings_need_replace(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    other = fake_service.settings(space="other")
    with pytest.raises(AlreadyAttachedError, match="replace=True"):
        spanduck.attach(con, settings=other)
    spanduck.attach(con, settings=other, replace=True)
    assert count(con) == 100
    assert fake_service.commands[-1].space == "other"


def test_no_setting_of_the_session_changes(fake_service: Any) -> None:
    query = "SELECT name, value FROM duckdb_settings() ORDER BY name"
    with duckdb.connect() as con:
        before = con.execute(query).fetchall()
        spanduck.attach(con, settings=fake_service.settings())
        assert con.execute(query).fetchall() == before


def test_the_macros_go_to_the_current_schema(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    with duckdb.connect() as own:
        own.execute("CREATE SCHEMA analytics; USE analytics")
        spanduck.attach(own, settings=fake_service.settings())
        assert count(own, "SELECT count(*) FROM memory.analytics.spans('p')") == 100


def test_a_macro_of_another_owner_is_never_replaced(fake_service: Any) -> None:
    with duckdb.connect() as con:
        con.execute("CREATE MACRO spans(x) AS TABLE SELECT x AS mine")
        with pytest.raises(AlreadyAttachedError, match="spans"):
            spanduck.attach(con, settings=fake_service.settings())
        assert con.execute("FROM spans(1)").fetchall() == [(1,)]
        names = "SELECT count(*) FROM duckdb_functions() WHERE function_name = 'projects'"
        assert count(con, names) == 0


def test_a_function_of_another_owner_under_our_inner_name_is_an_error(fake_service: Any) -> None:
    with duckdb.connect() as con:
        con.create_function(
            "spanduck_is_not_loaded__pip_install_spanduck",
            lambda text: text,
            ["VARCHAR"],
            "VARCHAR",
        )
        with pytest.raises(AlreadyAttachedError):
            spanduck.attach(con, settings=fake_service.settings())


def test_a_database_that_has_failed_is_not_told_as_another_owners(
    fake_service: Any, tmp_path: Path
) -> None:
    with duckdb.connect(tmp_path / "mine.duckdb") as con:
        con.execute("CREATE TABLE own AS FROM range(3)")
        con.execute("SET debug_checkpoint_abort = 'before_header'")
        with pytest.raises(duckdb.FatalException):
            con.execute("CHECKPOINT")
        with pytest.raises(duckdb.FatalException, match="invalidated"):
            spanduck.attach(con, settings=fake_service.settings())


def test_detach_removes_what_attach_made(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    spanduck.detach(con)
    spanduck.detach(con)
    with pytest.raises(duckdb.CatalogException, match="spans"):
        con.execute(COUNT)
    assert spanduck.last_error(con) is None
    with pytest.raises(Error, match="attach"):
        spanduck.cancel(con)
    spanduck.attach(con, settings=fake_service.settings())
    assert count(con) == 100


def test_a_detached_function_says_so(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA other")
    con.execute("PREPARE q AS SELECT count(*) FROM spans(?)")
    spanduck.detach(con)
    with pytest.raises(duckdb.Error, match=r"attach|spans"):
        con.execute("EXECUTE q('p')").fetchall()


def test_macros_in_a_file_outlive_the_process_and_are_harmless(
    fake_service: Any, con: duckdb.DuckDBPyConnection, tmp_path: Path,
    run_script: Callable[..., CompletedProcess[str]],
) -> None:  # fmt: skip
    path = tmp_path / "store.duckdb"
    with spanduck.connect(path, settings=fake_service.settings()) as own:
        own.execute("CREATE VIEW counted AS SELECT count(*) AS n FROM spans('p')")
    without = run_script(
        "import duckdb, sys\n"
        "con = duckdb.connect(sys.argv[1])\n"
        "try: con.execute('FROM counted')\n"
        "except duckdb.CatalogException as exc: print(exc)\n",
        str(path),
    )
    assert "spanduck_is_not_loaded__pip_install_spanduck" in without.stdout, without.stderr
    again = run_script(
        "import spanduck, sys\n"
        "con = spanduck.connect(sys.argv[1])\n"
        "print(con.execute('FROM counted').fetchall())\n",
        str(path),
    )
    assert again.stdout == "[(100,)]\n", again.stderr
    assert again.stderr == ""


def test_a_read_only_database_gets_them_beside_it(
    fake_service: Any, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "store.duckdb"
    duckdb.connect(str(path)).close()
    with spanduck.connect(path, read_only=True, settings=fake_service.settings()) as own:
        query = "SELECT count(*) FROM spanduck_fn.spans('p')"
        assert count(own, query) == 100
        assert count(own.cursor(), query) == 100
        own.execute("ATTACH ':memory:' AS elsewhere (READ_WRITE); USE elsewhere")
        assert count(own, query) == 100
        own.execute("USE store")
        spanduck.detach(own)
        with pytest.raises(duckdb.Error):
            own.execute(query)


def test_macros_of_an_earlier_process_use_the_attachment_of_today(
    fake_service: Any, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "store.duckdb"
    spanduck.connect(path, settings=fake_service.settings()).close()
    # Read-only, so the file's own macros cannot have been made anew.
    with spanduck.connect(path, read_only=True, settings=fake_service.settings(space="now")) as own:
        assert count(own) == 100
        assert fake_service.commands[-1].space == "now"
    with duckdb.connect() as own:
        spanduck.attach(own, settings=fake_service.settings(space="other"))
        own.execute(f"ATTACH '{path}' AS old (READ_ONLY)")
        assert count(own, "SELECT count(*) FROM old.spans('p')") == 100
        assert fake_service.commands[-1].space == "other"


def test_two_databases_keep_their_own_settings(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    with (
        spanduck.connect(settings=fake_service.settings(space="one")) as first,
        spanduck.connect(settings=fake_service.settings(space="two")) as second,
    ):
        count(first)
        assert fake_service.commands[-1].space == "one"
        count(second)
        assert fake_service.commands[-1].space == "two"
        count(first)
        assert fake_service.commands[-1].space == "one"


def test_a_closed_database_is_let_go_of(
    fake_service: Any, con: duckdb.DuckDBPyConnection, tmp_path: Path,
    run_script: Callable[..., CompletedProcess[str]],
) -> None:  # fmt: skip
    path = tmp_path / "store.duckdb"
    with spanduck.connect(path, settings=fake_service.settings()) as own:
        count(own)
    # Another process can have the file although this one goes on.
    other = run_script("import duckdb, sys; duckdb.connect(sys.argv[1]); print('open')", str(path))
    assert other.stdout == "open\n", other.stderr


CLOSED_REGISTERING_CONNECTION = """
import gc, sys, threading
import duckdb, spanduck
first = duckdb.connect(sys.argv[1])
second = duckdb.connect(sys.argv[1]) if sys.argv[1] != ":memory:" else first.cursor()
third = second.cursor()
if sys.argv[1] == ":memory:":
    registering = first.cursor()
    spanduck.attach(registering)
    registering.close()
    del registering
else:
    spanduck.attach(first)
    first.close()
    del first
gc.collect()
junk = [lambda: 1 for _ in range(10_000)]
query = "SELECT count(*) FROM spans('p')"
for con in (second, third, second.cursor()):
    assert con.execute(query).fetchall() == [(100,)], con
def work():
    with third.cursor() as cursor:
        for _ in range(20):
            assert cursor.execute(query).fetchall() == [(100,)]
            gc.collect(0)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("done")
"""


@pytest.mark.parametrize("where", ["file", "memory"])
def test_the_registering_connection_may_be_closed(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, where: str,
    run_script: Callable[..., CompletedProcess[str]],
) -> None:  # fmt: skip
    database = ":memory:" if where == "memory" else str(tmp_path / "store.duckdb")
    ended = run_script(CLOSED_REGISTERING_CONNECTION, database)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


OPEN_AT_EXIT = {
    "nothing": "",
    "a query": "con.execute(\"SELECT count(*) FROM spans('p')\").fetchall()",
    "a relation": "relation = con.sql(\"FROM spans('p')\")",
    "a reader": "reader = con.sql(\"FROM spans('p')\").to_arrow_reader(); reader.read_next_batch()",
    "a pending result": "result = con.execute(\"FROM spans('p')\"); result.fetchone()",
    "an error": (
        "try: con.execute(\"FROM spans('p', columns := ['x'])\")\n"
        "except Exception as exc: kept = exc"
    ),
    "a stream error": (
        "try: con.execute(\"FROM spans('p', start_time := '2023-01-01')\").fetchall()\n"
        "except Exception as exc: kept = spanduck.last_error(con)"
    ),
    "many cursors": "kept = [con.cursor() for _ in range(5)]\n"
    "for cursor in kept: cursor.execute(\"FROM spans('p')\").fetchall()",
}


@pytest.mark.parametrize("left_open", OPEN_AT_EXIT)
def test_a_script_leaves_stderr_empty(
    con: duckdb.DuckDBPyConnection, left_open: str,
    run_script: Callable[..., CompletedProcess[str]],
) -> None:  # fmt: skip
    ended = run_script(f"import spanduck\ncon = spanduck.connect()\n{OPEN_AT_EXIT[left_open]}\n")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_attaching_imports_neither_sqlglot_nor_pandas(
    con: duckdb.DuckDBPyConnection, run_script: Callable[..., CompletedProcess[str]]
) -> None:
    ended = run_script(
        "import spanduck, sys\n"
        "con = spanduck.connect()\n"
        "con.execute(\"SELECT start_time FROM spans('p', start_time := '2023-01-01') "
        "WHERE latency_ms > 1 AND name IN ('a', 'operation 1')\").fetchall()\n"
        "print([name for name in ('pandas', 'sqlglot', 'httpx') if name in sys.modules])\n"
    )
    assert ended.stdout == "[]\n", ended.stderr


# With several threads a stalled scan ends at its read timeout: DuckDB waits for the worker that has it.
@pytest.mark.parametrize(("threads", "stalls"), [(1, True), (1, False), (4, False)])
def test_ctrl_c_ends_a_scan_within_a_second(  # noqa: PLR0917 - fixtures
    con: duckdb.DuckDBPyConnection, fake_service: Any, threads: int, stalls: bool,
    make_wire_spans: Callable[..., pa.Table], start_script: Callable[..., subprocess.Popen[str]],
) -> None:  # fmt: skip
    fake_service.tables["long"] = make_wire_spans(50_000)
    fake_service.misbehaviour.pause_s = 0.005
    fake_service.misbehaviour.hang_after = 50 if stalls else None
    script = start_script(
        "import spanduck\n"
        "con = spanduck.connect()\n"
        f"con.execute('SET threads = {threads}')\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    con.execute(\"SELECT max(name) FROM spans('long')\").fetchall()\n"
        "except (KeyboardInterrupt, spanduck.table_function.duckdb.Error) as exc:\n"
        "    print('interrupt' in f'{exc!r}'.lower() or repr(exc))\n"
    )
    assert script.stdout is not None
    assert script.stdout.readline() == "ready\n"
    time.sleep(1.0)
    script.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = script.communicate(timeout=20)
    assert (out, err) == ("True\n", "")
    assert time.monotonic() - sent < 1.5  # a second, and the end of the interpreter
    fake_service.let_go.set()
    assert fake_service.wait_closed()
