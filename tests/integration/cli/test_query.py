"""`spanduck query`: data on stdout, everything else on stderr, and an exit status that is true."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from pyarrow import csv, parquet

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

ALL = "FROM spans('fernway-support')"
# Every pair of spans: no machine ends this before the test does.
ENDLESS = "SELECT count(*) FROM spans('fernway-support') a, range(1_000_000_000) b WHERE a.name = b::VARCHAR"


def failed(done: subprocess.CompletedProcess[str], status: int) -> str:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_table_is_for_people_and_the_count_is_on_stderr(command: Command) -> None:
    done = command("query", f"SELECT count(*) AS spans {ALL}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["spans", "─────", "6000"]
    assert done.stderr.startswith("1 row in ")


def test_json_is_an_array_with_real_json_and_times_in_utc(command: Command) -> None:
    done = command(
        "query",
        f'SELECT start_time, "attributes.metadata" AS metadata {ALL} LIMIT 2',
        "--format",
        "json",
        TZ="America/New_York",
    )
    rows = json.loads(done.stdout)
    assert len(rows) == 2
    assert rows[0]["start_time"].endswith("Z")
    assert rows[0]["metadata"]["tenant_id"].startswith("tenant-")
    assert done.stderr.startswith("2 rows in ")


@pytest.mark.parametrize("fmt", ["csv", "ndjson", "arrow", "parquet"])
def test_a_file_has_every_row_in_the_format_of_its_name(command: Command, fmt: str) -> None:
    path = command.folder / f"spans.{fmt}"
    done = command("query", ALL, "--output", str(path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "6,000 rows" in done.stderr
    assert [file.name for file in command.folder.iterdir()] == [path.name]
    match fmt:
        case "csv":
            assert (
                len(csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True)))
                == 6_000
            )
        case "ndjson":
            assert len(path.read_text(encoding="utf-8").splitlines()) == 6_000
        case "parquet":
            assert parquet.read_table(path).num_rows == 6_000


def test_sql_comes_from_stdin_and_from_a_file(command: Command) -> None:
    text = "SELECT 1 AS one"
    assert json.loads(command("query", "-", "-f", "json", given=text).stdout) == [{"one": 1}]
    (command.folder / "one.sql").write_text(text, encoding="utf-8")
    assert json.loads(command("query", "one.sql", "-f", "json").stdout) == [{"one": 1}]


def test_a_database_file_joins_with_spans(command: Command) -> None:
    text = (
        f"CREATE TABLE kinds AS SELECT DISTINCT status_code AS code {ALL}; FROM kinds ORDER BY code"
    )
    done = command("query", text, "--database", "own.duckdb", "-f", "csv")
    assert done.stdout.split() == ['"code"', '"ERROR"', '"OK"', '"UNSET"']
    again = command(
        "query", "FROM kinds ORDER BY code LIMIT 1", "--database", "own.duckdb", "-f", "csv"
    )
    assert again.stdout.split() == ['"code"', '"ERROR"']


def test_an_unknown_project_names_the_near_ones(command: Command) -> None:
    told = failed(command("query", "FROM spans('fernway-suport')"), 1)
    assert "fernway-support" in told


def test_an_unknown_column_is_told_with_duckdbs_own_words(command: Command) -> None:
    told = failed(command("query", f"SELECT nam {ALL}"), 1)
    assert '"nam" not found' in told
    assert '"name"' in told


def test_a_wrong_key_is_told_without_showing_it(command: Command) -> None:
    told = failed(command("query", ALL, ARIZE_API_KEY="not-this-secret"), 1)
    assert "key" in told.lower()
    assert "not-this-secret" not in told


def test_a_server_that_is_not_there_is_told_by_its_address(command: Command) -> None:
    told = failed(command("query", ALL, ARIZE_FLIGHT_PORT="1", ARIZE_API_PORT="1"), 1)
    assert "127.0.0.1" in told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["query"], "Missing argument"),
        (["query", "nothing-here.sql"], "nothing-here.sql"),
        (["query", "SELECT 1", "--format", "xml"], "xml"),
        (["query", "SELECT 1", "--output", "rows.xyz"], "--format"),
        (["query", "SELECT 1", "--output", "rows.csv", "--format", "table"], "table"),
        (["--profile", "nobody", "query", "SELECT 1"], "nobody"),
        (["fly"], "fly"),
    ],
)
def test_bad_usage_is_status_2(bare_command: Command, arguments: list[str], word: str) -> None:
    assert word in failed(bare_command(*arguments), 2)


def test_an_impossible_setting_says_where_it_came_from(command: Command) -> None:
    told = failed(command("query", "SELECT 1", ARIZE_FLIGHT_PORT="none"), 2)
    assert "ARIZE_FLIGHT_PORT" in told


def test_binary_formats_are_refused_on_a_terminal(command: Command) -> None:
    ours, theirs = pty.openpty()
    try:
        with command.start("query", "SELECT 1", "-f", "parquet", stdout=theirs) as process:
            _, told = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 2
    assert "--output" in told


def test_a_failing_query_leaves_no_file(command: Command) -> None:
    path = command.folder / "rows.csv"
    failed(command("query", f"SELECT error('enough') {ALL}", "-o", str(path)), 1)
    assert list(command.folder.iterdir()) == []


def test_a_reader_that_leaves_is_no_failure(command: Command) -> None:
    with command.start("query", ALL, "-f", "ndjson") as process:
        line = process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        process.wait(timeout=60)
    json.loads(line)
    assert process.returncode == 0
    assert told == ""


def interrupted(process: subprocess.Popen[str], ready: Callable[[], bool]) -> float:
    """Press Ctrl-C once the query runs; returns how long the command then took."""
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    took = time.monotonic() - began
    assert process.returncode == 130, told
    assert "Traceback" not in told
    return took


@pytest.mark.parametrize("threads", [1, 4])
def test_ctrl_c_ends_a_scan_within_a_second(command: Command, threads: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark.csv"
    text = f"SET threads = {threads}; COPY (SELECT 1) TO '{mark}'; {ENDLESS}"
    with command.start("query", text) as process:
        assert interrupted(process, mark.exists) < 1.5  # a second, and slack for a busy machine


def test_ctrl_c_leaves_no_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    text = f"SELECT a.*, b.* {ALL} a, range(1_000_000_000) b"

    def is_writing() -> bool:
        return any(file.stat().st_size for file in tmp_path.glob(".rows.csv.*"))

    with command.start("query", text, "-o", str(path)) as process:
        assert interrupted(process, is_writing) < 1.5
    assert list(tmp_path.iterdir()) == []


def test_the_local_server_is_started_and_said_once(bare_command: Command) -> None:
    done = bare_command("query", "FROM projects()", "-f", "csv")
    assert done.returncode == 0, done.stderr
    assert len(list(csv.read_csv(io.BytesIO(done.stdout.encode())))) == 4
    assert done.stderr.count("local server") == 1
    address = json.loads((bare_command.folder / ".spanduck" / "server.json").read_text())
    try:
        again = bare_command("query", "FROM projects()", "-f", "csv")
        assert "local server" not in again.stderr
    finally:
        os.kill(address["pid"], signal.SIGTERM)


@pytest.mark.parametrize("output", [".", "nowhere/rows.csv"])
def test_a_place_where_no_file_can_be_is_told_before_anything_runs(
    bare_command: Command, output: str
) -> None:
    done = bare_command("query", "SELECT no_such_column", "-o", output, "-f", "csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no_such_column" not in done.stderr
    assert ".tmp" not in done.stderr
