"""`spanduck log` of a file that takes several calls, one of which fails."""

from __future__ import annotations

import shlex
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.integration.faulty_proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

ROWS = 200_001
CALLS = 3


@pytest.fixture
def proxy(loaded: Any) -> Iterator[FaultyProxy]:
    with FaultyProxy(loaded.rest_port) as running:
        yield running


@pytest.fixture
def variables(proxy: FaultyProxy) -> dict[str, str]:
    return {"ARIZE_API_PORT": str(proxy.server_port)}


@pytest.fixture(scope="module")
def many() -> pa.Table:
    """Spans for three calls, every fourth with an evaluation."""
    start = int(datetime.now(UTC).timestamp()) * 10**9 - 10**12
    return pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(ROWS)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(ROWS)],
            "name": ["operation"] * ROWS,
            "start_time": pa.array(range(start, start + ROWS), pa.int64()),
            "end_time": pa.array([start + 10**9] * ROWS, pa.int64()),
            "eval.Q.score": [None if number % 4 else float(number) for number in range(ROWS)],
        }
    )


@pytest.fixture
def file(command: Command, many: pa.Table) -> Path:
    path: Path = command.folder / "many spans.parquet"
    parquet.write_table(many, path)
    return path


def told_command(stderr: str) -> list[str]:
    """Return the arguments of the command that goes on."""
    lines = [line for line in stderr.splitlines() if "o on with: " in line]
    assert len(lines) == 1, stderr
    words = shlex.split(lines[0].partition("o on with: ")[2])
    assert words.pop(0) == "spanduck"
    return words


def assert_whole(command: Command, project: str) -> None:
    """Check that the service holds every row of the file once, with its evaluation."""
    query = f"""
        SELECT count(*) AS spans, count(DISTINCT "context.span_id") AS ids,
            count("eval.Q.score") AS scores,
            count(*) FILTER ("eval.Q.score" = CAST(right("context.span_id", 12) AS DOUBLE)) AS right_ones
        FROM spans('{project}')
    """
    done = command("query", query, "-f", "csv")
    assert done.stdout.splitlines()[1:] == [f"{ROWS},{ROWS},{50_001},{50_001}"], done.stderr


def test_a_failure_names_the_command_that_goes_on(
    command: Command, proxy: FaultyProxy, variables: dict[str, str], file: Path
) -> None:
    proxy.fail("refused", at=1)
    options = ["--datetime-format", "%Y %m", "--format", "parquet"]
    done = command("log", "resumed", str(file), *options, **variables)
    assert done.returncode == 1, done.stderr
    assert "rows 100,000 to 199,999 are not stored" in done.stderr
    assert "The 100,000 rows before are stored. Mend what the service refuses" in done.stderr
    assert "skip_rows" not in done.stderr
    words = told_command(done.stderr)
    assert words[:3] == ["log", "resumed", str(file)]
    assert words[3:] == ["--format", "parquet", *options[:2], "--skip-rows", "100000"]
    done = command(*words, **variables)
    assert done.returncode == 0, done.stderr
    assert "100,001 spans, 25,001 evaluations sent in 2 calls" in done.stderr
    assert_whole(command, "resumed")


def test_ctrl_c_between_calls_names_the_command_that_goes_on(
    command: Command, proxy: FaultyProxy, variables: dict[str, str], file: Path
) -> None:
    proxy.fail("hangs", at=CALLS - 1)
    environment = {**command.environment, **variables}
    arguments = ["log", "interrupted", str(file), str(file)]
    with command.start(*arguments, env=environment) as process:
        assert proxy.is_reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "the first 200,000 rows are stored" in stderr
    words = told_command(stderr)
    assert words == ["log", "interrupted", str(file), str(file), "--skip-rows", "200000"]
    # The file once: the second time was only to see that it is named.
    words.remove(str(file))
    done = command(*words, **variables)
    assert done.returncode == 0, done.stderr
    assert "1 span, 1 evaluation sent in 1 call" in done.stderr
    assert_whole(command, "interrupted")


def test_more_rows_than_there_are_cannot_be_skipped(command: Command, file: Path) -> None:
    done = command("log", "too-far", str(file), "--skip-rows", "200002")
    assert done.returncode == 1, done.stderr
    assert "many spans.parquet has 200,001 rows, fewer than the 200,002 to skip" in done.stderr
    done = command("log", "too-far", str(file), "--skip-rows", "-1")
    assert done.returncode == 2


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "none.json"])
def test_a_file_of_nothing_is_told_as_empty(command: Command, name: str) -> None:
    (command.folder / name).touch()
    done = command("log", "empty", name)
    assert done.returncode == 1, done.stderr
    assert f"{name} is empty" in done.stderr


def test_a_csv_of_blank_lines_is_told_as_empty(command: Command) -> None:
    (command.folder / "blank.csv").write_bytes(b"\xef\xbb\xbf\r\n \n")
    done = command("log", "empty", "blank.csv")
    assert done.returncode == 1, done.stderr
    assert "blank.csv is empty" in done.stderr


def test_evaluations_of_a_file_of_their_own_may_have_a_row_each(
    command: Command, many: pa.Table
) -> None:
    parquet.write_table(many.slice(1, 3), command.folder / "spans.parquet")
    (command.folder / "evals.csv").write_text(
        "span_id,name,label,score\nspan-000000000001,Tone,007,1\nspan-000000000002,Tone,,0.5\n",
        encoding="utf-8",
    )
    done = command("log", "long-evals", "spans.parquet", "--evals", "evals.csv")
    assert done.returncode == 0, done.stderr
    assert "3 spans, 2 evaluations sent" in done.stderr
    query = """
        SELECT "eval.Tone.label", "eval.Tone.score" FROM spans('long-evals')
        WHERE "eval.Tone.score" IS NOT NULL ORDER BY "context.span_id"
    """
    done = command("query", query, "-f", "csv")
    assert done.stdout.splitlines()[1:] == ['"007",1', ",0.5"]
