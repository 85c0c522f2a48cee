"""`spanduck log`: files of spans, checked, counted, and refused with reasons."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from pathlib import Path

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

PROJECT = "fernway-support"
COLUMNS = "context.span_id,context.trace_id,name,start_time,end_time"
START = "2026-11-01T12:00:00.123456789Z"
SPANS: list[dict[str, Any]] = [
    {
        "context.span_id": "0000000000000001",
        "context.trace_id": "00000000000000000000000000000001",
        "name": "answer",
        "start_time": START,
        "end_time": "2026-11-01T12:00:01Z",
        "attributes.llm.token_count.total": 12,
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "größer?"}],
        "attributes.metadata": {"tenant": "a"},
        "attributes.release": "2026-11-01",
        "attributes.tag.tags": ["x", "y"],
        "eval.Quality.score": 0.5,
        "eval.Quality.label": "007",
    },
    {
        "context.span_id": "0000000000000002",
        "context.trace_id": "00000000000000000000000000000001",
        "name": "",
        "start_time": START,
        "end_time": "2026-11-01T12:00:01Z",
        "attributes.metadata": {"other": [1]},
    },
]


def asked(command: Command, project: str, *columns: str) -> list[dict[str, Any]]:
    names = ", ".join(f'"{name}"' for name in columns)
    text = f"SELECT {names} FROM spans('{project}') ORDER BY \"context.span_id\""
    done = command("query", text, "-f", "json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


@pytest.mark.parametrize("fmt", ["json", "ndjson", "jsonl"])
def test_json_becomes_spans(command: Command, fmt: str) -> None:
    path = command.folder / f"spans.{fmt}"
    lines = [json.dumps(span) for span in SPANS]
    path.write_text(json.dumps(SPANS) if fmt == "json" else "\n".join(lines), encoding="utf-8")
    done = command("log", f"log-{fmt}", str(path))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith(f"{path.name}: 2 spans, 1 evaluation sent in 1 call, ")
    first, second = asked(command, f"log-{fmt}", *SPANS[0])
    assert first == {
        **SPANS[0],
        "start_time": "2026-11-01T12:00:00.123456Z",
        "end_time": "2026-11-01T12:00:01.000000Z",
    }
    # What one span has is not made up for the other.
    assert second["attributes.metadata"] == {"other": [1]}
    assert second["eval.Quality.score"] is None
    assert second["attributes.release"] is None


def test_csv_keeps_ids_of_digits_and_times_to_the_nanosecond(command: Command) -> None:
    path = command.folder / "spans.csv"
    head = f"{COLUMNS},attributes.llm.token_count.total,attributes.llm.model_name,attributes.x"
    rows = [
        f'{n:016},{1:032},"","{START}",2026-11-01T12:00:01Z,,{["", chr(34) * 2][n]},{n}.5'
        for n in (0, 1)
    ]
    path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    done = command("log", "log-csv", str(path))
    assert done.returncode == 0, done.stderr
    exported = command.folder / "out.parquet"
    assert command("export", "log-csv", "-o", str(exported)).returncode == 0
    first, second = sorted(
        parquet.read_table(exported).to_pylist(), key=lambda row: row["context.span_id"]
    )
    assert (first["context.span_id"], second["context.span_id"]) == (f"{0:016}", f"{1:016}")
    assert first["start_time"] % 1_000_000_000 == 123_456_789
    assert (first["name"], first["attributes.x"]) == ("", 0.5)
    assert (first["attributes.llm.model_name"], second["attributes.llm.model_name"]) == (None, "")


@pytest.mark.parametrize("fmt", ["parquet", "arrow", "csv", "json", "ndjson"])
def test_what_was_exported_comes_back_the_same(command: Command, fmt: str) -> None:
    # Times in text have microseconds, so durations may differ by one; white space of JSON is lost.
    path = command.folder / f"spans.{fmt}"
    assert command("export", PROJECT, "-o", str(path)).returncode == 0
    done = command("log", f"again-{fmt}", str(path))
    assert done.returncode == 0, done.stderr
    text = f"""
        SELECT COUNT(*) AS spans, COUNT(*) FILTER (
            a.name IS DISTINCT FROM b.name OR a.start_time != b.start_time
            OR coalesce(abs(a.latency_ms - b.latency_ms) > 0.0011, a.latency_ms IS NOT NULL)
            OR json(to_json(a."attributes.llm.input_messages"))
                IS DISTINCT FROM json(to_json(b."attributes.llm.input_messages"))
            OR a."attributes.llm.token_count.total"
                IS DISTINCT FROM b."attributes.llm.token_count.total"
            OR a."attributes.metadata"->>'tenant_id' IS DISTINCT FROM b."attributes.metadata"->>'tenant_id'
            OR a."attributes.openinference.span.kind"
                IS DISTINCT FROM b."attributes.openinference.span.kind"
        ) AS changed
        FROM spans('{PROJECT}') AS a JOIN spans('again-{fmt}') AS b USING ("context.span_id")
    """
    (command.folder / "compare.sql").write_text(text, encoding="utf-8")
    done = command("query", "compare.sql", "-f", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"spans": 6_000, "changed": 0}]


def test_arrow_is_a_file_or_a_stream_and_a_name_may_say_nothing(command: Command) -> None:
    table = pa.Table.from_pylist(SPANS).select(COLUMNS.split(","))
    feather.write_feather(table, command.folder / "spans.feather", compression="zstd")
    with pa.ipc.new_stream(command.folder / "stream", table.schema) as writer:
        writer.write_table(table)
    assert command("log", "log-arrow", "spans.feather").returncode == 0
    done = command("log", "log-arrow", "stream")
    assert done.returncode == 2
    assert "--format" in done.stderr
    done = command("log", "log-arrow", "stream", "--format", "arrow")
    assert done.returncode == 0, done.stderr


def test_evaluations_may_stand_in_a_file_of_their_own(command: Command) -> None:
    (command.folder / "spans.ndjson").write_text(json.dumps(SPANS[0]), encoding="utf-8")
    (command.folder / "evals.csv").write_text(
        "context.span_id,eval.Tone.label\n0000000000000001,kind\n0000000000000009,rude\n",
        encoding="utf-8",
    )
    done = command("log", "log-evals", "spans.ndjson", "--evals", "evals.csv")
    # Each file by its own name, the format of spans being no matter of the other's.
    assert done.returncode == 0, done.stderr
    assert "1 span, 1 evaluation sent" in done.stderr
    assert "'0000000000000009'" in done.stderr
    assert asked(command, "log-evals", "eval.Tone.label") == [{"eval.Tone.label": "kind"}]


def test_a_file_of_evaluations_without_any_is_refused(command: Command) -> None:
    (command.folder / "spans.csv").write_text(f"{COLUMNS}\n", encoding="utf-8")
    (command.folder / "evals.csv").write_text("context.span_id,label\na,kind\n", encoding="utf-8")
    done = command("log", "log-no-evals", "spans.csv", "--evals", "evals.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert "evals.csv has no column of an evaluation" in done.stderr
    assert "eval.<name>.label" in done.stderr


def test_a_wrong_row_is_told_with_its_reason_and_the_other_files_are_sent(command: Command) -> None:
    good = [SPANS[0]]
    bad = [SPANS[1], {**SPANS[0], "context.span_id": "short", "end_time": "2026-10-01T00:00:00Z"}]
    (command.folder / "bad.json").write_text(json.dumps(bad), encoding="utf-8")
    (command.folder / "good.json").write_text(json.dumps(good), encoding="utf-8")
    done = command("log", "log-partly", "bad.json", "good.json")
    assert done.returncode == 1
    assert "bad.json cannot be sent" in done.stderr
    assert "context.span_id, row 1" in done.stderr
    assert "end_time" in done.stderr
    assert done.stderr.count("'short'") == 1
    assert "Traceback" not in done.stderr
    assert "good.json: 1 span" in done.stderr
    assert len(asked(command, "log-partly", "name")) == 1


def test_columns_that_do_not_travel_are_named(command: Command) -> None:
    (command.folder / "spans.json").write_text(
        json.dumps([{**SPANS[0], "colour": "red"}]), encoding="utf-8"
    )
    done = command("log", "log-columns", "spans.json")
    assert done.returncode == 0, done.stderr
    assert "spans.json: columns that are no part of a span are not sent: colour" in done.stderr
    assert "Warning" not in done.stderr


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("fmt", ["parquet", "arrow", "json", "ndjson"])
def test_half_a_file_is_named_and_nothing_of_it_is_sent(command: Command, fmt: str) -> None:
    path = command.folder / f"half.{fmt}"
    assert command("export", PROJECT, "-o", str(path)).returncode == 0
    _cut(path)
    done = command("log", f"half-{fmt}", str(path))
    assert done.returncode == 1
    assert f"half.{fmt} cannot be read as {fmt}" in done.stderr
    assert "Traceback" not in done.stderr
    assert f"half-{fmt}" not in command("query", "FROM projects()", "-f", "csv").stdout


def test_a_csv_that_does_not_fit_names_the_line(command: Command) -> None:
    rows = [f"{n:016},{1:032},x,{START},{START},{'many' if n == 3 else n}" for n in range(5)]
    text = "\n".join([f"{COLUMNS},attributes.llm.token_count.total", *rows])
    (command.folder / "spans.csv").write_text(text, encoding="utf-8")
    done = command("log", "log-broken", "spans.csv")
    assert done.returncode == 1
    assert "spans.csv cannot be read as csv" in done.stderr
    assert "Line: 5" in done.stderr
    assert "attributes.llm.token_count.total" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["log"], "Missing argument"),
        (["log", "p"], "Missing argument"),
        (["log", "p", "nothing-here.json"], "nothing-here.json"),
        (["log", "p", "."], "directory"),
    ],
)
def test_bad_usage_is_status_2(command: Command, arguments: list[str], word: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
