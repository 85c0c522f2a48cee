"""`spanduck list`."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, TypeAlias

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

PROJECT = "fernway-support"


def test_a_table_shows_the_newest_spans(command: Command) -> None:
    done = command("list", PROJECT, "--limit", "3", "--columns", "attributes.llm.model_name")
    assert done.returncode == 0, done.stderr
    assert "latency_ms" in done.stdout
    assert "attributes.llm.model_name" in done.stdout
    assert len(done.stdout.strip().splitlines()) == 5
    assert "3 spans" in done.stderr


def test_programs_get_every_span_of_a_filter(command: Command) -> None:
    asked = ("list", PROJECT, "--filter", "status_code = 'ERROR'", "--limit", "1000")
    lines = command(*asked, "--format", "ndjson").stdout.splitlines()
    spans = [json.loads(line) for line in lines]
    assert spans
    assert {span["status_code"] for span in spans} == {"ERROR"}
    starts = [span["start_time"] for span in spans]
    assert starts == sorted(starts, reverse=True)
    assert json.loads(command(*asked, "--format", "json").stdout) == spans
    rows = list(csv.DictReader(io.StringIO(command(*asked, "--format", "csv").stdout)))
    assert [row["context.span_id"] for row in rows] == [
        span["context"]["span_id"] for span in spans
    ]
    assert {row["status_code"] for row in rows} == {"ERROR"}


def test_a_long_list_is_that_of_many_pages(command: Command) -> None:
    asked = ("list", PROJECT, "--limit", "1201", "--columns", "attributes.session.id", "-f")
    done = command(*asked, "ndjson")
    ids = [json.loads(line)["context"]["span_id"] for line in done.stdout.splitlines()]
    assert (len(ids), len(set(ids))) == (1_201, 1_201)
    assert "1,201 spans in" in done.stderr
    assert "--limit" in done.stderr
    for_json = json.loads(command(*asked, "json").stdout)
    assert [span["context"]["span_id"] for span in for_json] == ids


def test_columns_are_chosen(command: Command) -> None:
    asked = ("list", PROJECT, "--format", "json", "--limit", "20")
    wanted = "attributes.llm.model_name,attributes.session.id"
    for span in json.loads(command(*asked, "--columns", wanted).stdout):
        assert set(span["attributes"]) <= {"llm.model_name", "session.id"}
    for span in json.loads(command(*asked, "--exclude", wanted).stdout):
        assert not set(span["attributes"]) & {"llm.model_name", "session.id"}


def test_an_empty_list_is_well_formed(command: Command) -> None:
    asked = ("list", PROJECT, "--filter", "name = 'no such name'", "--format")
    assert command(*asked, "json").stdout == "[]\n"
    assert command(*asked, "ndjson").stdout == ""
    assert command(*asked, "csv").stdout.startswith("context.span_id,")
    done = command(*asked, "table")
    assert (done.returncode, "0 spans" in done.stderr) == (0, True)


def test_failures_are_told_and_make_status_1_or_2(command: Command) -> None:
    done = command("list", PROJECT, "--filter", "nonsense = 1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nonsense" in done.stderr
    assert "Traceback" not in done.stderr
    assert command("list", "no such project").returncode == 1
    assert command("list", PROJECT, "--start", "soon").returncode == 2
    assert command("list", PROJECT, "--columns", "a", "--exclude", "b").returncode == 2
    assert command("list", PROJECT, "--limit", "0").returncode == 2
    assert command("list", PROJECT, "--filter", " ").returncode == 2
    done = command("list", PROJECT, "--exclude", "a,,b")
    assert (done.returncode, "'--exclude'" in done.stderr) == (2, True)
