"""`spanduck export`: every span, in the format that was asked for, and nothing half written."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import time
from typing import Any, TypeAlias

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

PROJECT = "fernway-support"
SPANS = 6_000


# `Any`: rows of types that depend on the format.
def rows_of(data: bytes, fmt: str) -> Any:
    match fmt:
        case "parquet":
            return parquet.read_table(io.BytesIO(data)).to_pylist()
        case "arrow":
            return pa.ipc.open_stream(data).read_all().to_pylist()
        case "csv":
            options = csv.ParseOptions(newlines_in_values=True)
            return csv.read_csv(io.BytesIO(data), parse_options=options).to_pylist()
        case "json":
            return json.loads(data)
        case _:
            return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("fmt", ["parquet", "arrow", "csv", "json", "ndjson"])
def test_every_span_is_in_a_file_of_each_format(command: Command, fmt: str) -> None:
    path = command.folder / f"spans.{fmt}"
    done = command("export", PROJECT, "--output", str(path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith("6,000 spans to ")
    assert [file.name for file in command.folder.iterdir()] == [path.name]
    rows = rows_of(path.read_bytes(), fmt)
    assert len({row["context.span_id"] for row in rows}) == SPANS


@pytest.mark.parametrize("fmt", ["parquet", "arrow", "csv", "ndjson"])
def test_stdout_carries_the_same(command: Command, fmt: str) -> None:
    path = command.folder / f"redirected.{fmt}"
    columns = ["--columns", "context.span_id,start_time", "--columns", "attributes.metadata"]
    with (
        path.open("wb") as stream,
        command.start("export", PROJECT, *columns, "-f", fmt, stdout=stream) as process,
    ):
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    rows = rows_of(path.read_bytes(), fmt)
    assert len(rows) == SPANS
    wanted = {"context.span_id", "start_time", "attributes.metadata"}
    assert rows[0].keys() - {"time"} == wanted
    if fmt in ("parquet", "arrow"):
        assert isinstance(rows[0]["start_time"], int)
    if fmt == "ndjson":
        assert rows[0]["start_time"].endswith("Z")
        assert rows[0]["attributes.metadata"]["tenant_id"].startswith("tenant-")


def test_filter_window_and_sample_are_the_services_work(command: Command) -> None:
    def ids(*arguments: str) -> set[str]:
        done = command("export", PROJECT, "--columns", "context.span_id", "-f", "csv", *arguments)
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split()[1:])

    everything = ids()
    failed = ids("--filter", "status_code = 'ERROR'")
    assert 0 < len(failed) < SPANS
    assert failed < everything
    text = f"SELECT count(*) AS n, median(start_time) AS middle FROM spans('{PROJECT}')"
    middle = json.loads(command("query", text, "-f", "json").stdout)[0]["middle"]
    before, after = ids("--end", middle), ids("--start", middle)
    assert not before & after
    assert before | after == everything
    sample = ids("--sample-rate", "0.3")
    assert 0 < len(sample) < SPANS


def test_a_table_shows_the_first_rows(command: Command) -> None:
    done = command("export", PROJECT, "--columns", "name,start_time")
    assert done.returncode == 0, done.stderr
    # A line for the names, one below them, and a hundred rows.
    assert len(done.stdout.splitlines()) == 102
    assert "100 spans shown of more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["export"], "Missing argument"),
        (["export", "p", "--start", "yesterday"], "yesterday"),
        (["export", "p", "--filter", " "], "--filter"),
        (["export", "p", "--columns", "a,,b"], "--columns"),
        (["export", "p", "--output", "rows.xyz"], "--format"),
        (["export", "p", "--output", "nowhere/rows.parquet"], "nowhere"),
        (["export", "p", "--output", "nowhere/rows.csv"], "nowhere"),
        (["export", "p", "--output", ".", "-f", "csv"], "is a folder"),
    ],
)
def test_bad_usage_is_status_2(command: Command, arguments: list[str], word: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["fernway-suport"], "fernway-support"),
        ([PROJECT, "--filter", "status_code = "], "status_code"),
        ([PROJECT, "--sample-rate", "2"], "sample_rate"),
        ([PROJECT, "--start", "2026-01-02", "--end", "2026-01-01"], "end_time"),
        ([PROJECT, "--space", "no-such-space"], "no-such-space"),
        ([PROJECT, "--columns", "no.such.column"], "no.such.column"),
    ],
)
@pytest.mark.parametrize("fmt", ["parquet", "csv"])
def test_a_failure_is_told_and_leaves_no_file(
    command: Command, arguments: list[str], word: str, fmt: str
) -> None:
    path = command.folder / f"spans.{fmt}"
    path.write_text("what was there before", encoding="utf-8")
    done = command("export", *arguments, "-o", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert [file.name for file in command.folder.iterdir()] == [path.name]
    assert path.read_text(encoding="utf-8") == "what was there before"


def test_a_column_that_no_span_has_is_told_and_left_out(command: Command) -> None:
    done = command("export", PROJECT, "--columns", "name,no.such.column", "-f", "csv")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, '"name"')
    assert "no.such.column" in done.stderr


def test_a_link_stays_one_and_a_device_is_not_replaced(command: Command) -> None:
    link = command.folder / "link.csv"
    link.symlink_to("real.csv")
    assert command("export", PROJECT, "--columns", "name", "-o", "link.csv").returncode == 0
    assert link.is_symlink()
    assert len((command.folder / "real.csv").read_text().splitlines()) == SPANS + 1
    pipe = command.folder / "pipe"
    os.mkfifo(pipe)
    with command.start("export", PROJECT, "-o", "pipe", "-f", "parquet") as process:
        rows = parquet.read_table(io.BytesIO(pipe.read_bytes()))
        process.communicate(timeout=60)
    assert (process.returncode, len(rows), pipe.is_fifo()) == (0, SPANS, True)


def test_binary_formats_are_refused_on_a_terminal(command: Command) -> None:
    ours, theirs = pty.openpty()
    try:
        with command.start("export", PROJECT, "-f", "parquet", stdout=theirs) as process:
            _, told = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 2
    assert "--output" in told


def test_a_terminal_sees_how_far_it_is(command: Command) -> None:
    ours, theirs = pty.openpty()
    shown = b""
    with command.start(
        "export",
        PROJECT,
        "-o",
        "spans.ndjson",
        stderr=theirs,
        env={**command.environment, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        while True:
            try:
                shown += os.read(ours, 65_536)
            except OSError:
                break
        process.wait(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert b"exporting" in shown
    assert b"6000/6000" in shown.replace(b" ", b"")


def test_a_reader_that_leaves_is_no_failure(command: Command) -> None:
    with command.start("export", PROJECT, "-f", "ndjson") as process:
        json.loads(process.stdout.readline())
        process.stdout.close()
        told = process.stderr.read()
        process.wait(timeout=60)
    assert (process.returncode, told) == (0, "")


@pytest.mark.parametrize("fmt", ["arrow", "ndjson"])
def test_ctrl_c_ends_it_within_a_second(command: Command, fmt: str) -> None:
    with command.start("export", PROJECT, "-f", fmt) as process:
        # The pipe is full, and the export waits for its reader.
        assert process.stdout.buffer.read(1_000)
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        took = time.monotonic() - began
        told = process.stderr.read()
    assert process.returncode == 130, told
    assert took < 1.5
    assert "Traceback" not in told
