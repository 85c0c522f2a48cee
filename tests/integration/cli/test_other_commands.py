"""`spanduck run`, `serve`, `demo`, and what every command has."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any, TypeAlias

import pytest

import spanduck

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

GOOD = """/* spanduck
kind = "eval"
project = "fernway-support"
*/
SELECT "context.span_id" AS span_id, 'Fast' AS name, CAST(latency_ms < 1000 AS INTEGER) AS score
FROM spans('fernway-support')
"""
UNMATCHED = """/* spanduck
kind = "eval"
project = "fernway-support"
*/
SELECT 'no-such-span-1' AS span_id, 'Fast' AS name, 1.0 AS score
"""


def test_the_version_is_the_packages(bare_command: Command) -> None:
    assert bare_command("--version").stdout == f"spanduck {spanduck.__version__}\n"


def test_a_model_is_run_and_read_back(command: Command) -> None:
    (command.folder / "fast.sql").write_text(GOOD, encoding="utf-8")
    done = command("run", "fast.sql")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "6,000 accepted" in done.stderr
    text = "SELECT count(*) AS n FROM evaluations('fernway-support') WHERE name = 'Fast'"
    assert json.loads(command("query", text, "-f", "json").stdout) == [{"n": 6_000}]


def test_values_that_were_not_written_are_told_and_make_status_1(command: Command) -> None:
    (command.folder / "unmatched.sql").write_text(UNMATCHED, encoding="utf-8")
    done = command("run", "unmatched.sql")
    assert done.returncode == 1
    assert "1 unmatched" in done.stderr
    assert "no-such-span-1" in done.stderr


def test_a_model_that_fails_does_not_keep_the_next_from_running(command: Command) -> None:
    (command.folder / "fast.sql").write_text(GOOD, encoding="utf-8")
    (command.folder / "bare.sql").write_text("SELECT 1", encoding="utf-8")
    done = command("run", "bare.sql", "fast.sql")
    assert done.returncode == 1
    assert "bare.sql:1" in done.stderr
    assert "6,000 accepted" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_one_line_and_ends_in_order(
    bare_command: Command, ending: signal.Signals
) -> None:
    with bare_command.start("serve", "--path", "store", "--api-key", "a-key-of-mine") as process:
        ready = json.loads(process.stdout.readline())
        second = bare_command("serve", "--path", "store")
        process.send_signal(ending)
        rest, told = process.communicate(timeout=30)
    assert set(ready) == {"rest_port", "flight_port", "space_id", "space", "api_key"}
    assert ready["api_key"] == "a-key-of-mine"
    assert (process.returncode, rest) == (0, ""), told
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    assert second.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--rest-port", "99999"],
        ["serve", "--flight-port", "-1"],
        ["serve", "--path", "a.file"],
        ["demo", "--keep", "a.file"],
    ],
)
def test_an_impossible_place_of_a_server_is_bad_usage(
    bare_command: Command, arguments: list[str]
) -> None:
    (bare_command.folder / "a.file").touch()
    done = bare_command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[1] in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_shows_queries_scores_and_what_is_next(bare_command: Command) -> None:
    began = time.monotonic()
    done = bare_command("demo", "--keep", ".spanduck")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60
    for piece in (
        "20,000 spans",
        "p95_ms",
        "error_pct",
        "retries",
        "accepted",
        "invalid_json",
        "spanduck query",
    ):
        assert piece in done.stdout, piece
    text = """SELECT name, label, count(*) AS n FROM evaluations('fernway-support')
              WHERE name IN ('Latency', 'ValidJSON') GROUP BY ALL"""
    rows = json.loads(bare_command("query", text, "-f", "json").stdout)
    # The query has started the local server on what the demo kept.
    address = json.loads((bare_command.folder / ".spanduck" / "server.json").read_text())
    os.kill(address["pid"], signal.SIGTERM)
    counts = {(row["name"], row["label"]): row["n"] for row in rows}
    assert counts.keys() == {
        ("Latency", "ok"),
        ("Latency", "slow"),
        ("ValidJSON", "valid"),
        ("ValidJSON", "invalid"),
    }
    assert min(counts.values()) > 10
    assert sum(counts.values()) > 8_000


def test_the_demo_leaves_nothing_behind(bare_command: Command) -> None:
    temporary = bare_command.folder / "tmp"
    temporary.mkdir()
    with bare_command.start(
        "demo", env={**bare_command.environment, "TMPDIR": str(temporary)}
    ) as process:
        for line in process.stdout:
            if "p95_ms" in line:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(temporary.iterdir()) == []
