"""`spanduck filter`: what a text means on stdout, what is wrong with it on stderr."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pytest

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

MISTAKE = 'status_code = "ERROR"'


def test_a_filter_is_shown_with_its_sql_and_its_columns(bare_command: Command) -> None:
    done = bare_command("filter", "span_kind = 'LLM' and latency_ms > 1e3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "filter    attributes.openinference.span.kind = 'LLM' AND latency_ms > 1000",
        'sql       "attributes.openinference.span.kind" = \'LLM\' AND "latency_ms" > 1000',
        "columns   attributes.openinference.span.kind, latency_ms",
    ]


def test_no_server_is_asked_or_started(bare_command: Command) -> None:
    assert bare_command("filter", "latency_ms > 1").returncode == 0
    assert bare_command("filter", "--from-sql", "latency_ms > 1").returncode == 0
    assert list(bare_command.folder.iterdir()) == []


def test_a_mistake_has_a_caret_and_status_1(bare_command: Command) -> None:
    done = bare_command("filter", MISTAKE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: [literal_expected] a value is expected here, found a field name (col 15)",
        '  status_code = "ERROR"',
        "                ^^^^^^^",
        "  hint: string values use single quotes: 'ERROR'",
    ]


def test_json_has_the_filter_or_the_mistake(bare_command: Command) -> None:
    done = bare_command("filter", "latency_ms > 1", "--format", "json")
    assert json.loads(done.stdout) == {
        "normal": "latency_ms > 1",
        "sql": '"latency_ms" > 1',
        "columns": ["latency_ms"],
        "error": None,
    }
    done = bare_command("filter", "--format", "json", MISTAKE)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "normal": None,
        "sql": None,
        "columns": None,
        "error": {
            "code": "literal_expected",
            "message": "a value is expected here, found a field name",
            "position": 14,
            "end": 21,
            "hint": "string values use single quotes: 'ERROR'",
        },
    }


def test_an_empty_text_is_the_mistake_of_that_name(bare_command: Command) -> None:
    for arguments, given in ((("filter", ""), None), (("filter", "-"), " \n")):
        done = bare_command(*arguments, "--format", "json", given=given)
        assert done.returncode == 1
        assert json.loads(done.stdout)["error"]["code"] == "empty"


def test_a_text_comes_from_stdin_whatever_characters_it_has(bare_command: Command) -> None:
    done = bare_command(
        "filter", "-", given="name = '\N{DUCK}[bold]' -- two lines\n  AND latency_ms > 1\n"
    )
    assert done.stdout.splitlines()[0] == "filter    name = '\N{DUCK}[bold]' AND latency_ms > 1"


def test_what_the_service_may_not_know_is_told(bare_command: Command) -> None:
    done = bare_command("filter", "NOT (name ILIKE 'a%') AND attributes.x = true")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "note: ILIKE, booleans are not documented by the service, which may refuse the filter"
    ]


def test_a_condition_is_split_into_filter_window_and_residual(bare_command: Command) -> None:
    condition = (
        "WHERE status_code = 'ERROR' AND lower(name) = 'x'"
        " AND start_time >= TIMESTAMPTZ '2026-01-31 00:00:00.5+00'"
    )
    done = bare_command("filter", "--from-sql", condition)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "filter    status_code = 'ERROR'",
        "window    from 2026-01-31 00:00:00Z",
        (
            "residual  status_code = 'ERROR' AND LOWER(name) = 'x'"
            " AND start_time >= CAST('2026-01-31 00:00:00.5+00' AS TIMESTAMPTZ)"
        ),
        "not sent  LOWER(name) = 'x'",
        "            lower(…) is no part of the filter language",
    ]
    told = json.loads(bare_command("filter", "--from-sql", condition, "-f", "json").stdout)
    assert told.pop("residual").startswith("status_code = 'ERROR' AND ")
    assert told == {
        "filter": "status_code = 'ERROR'",
        "not_pushed": [
            {
                "predicate": "LOWER(name) = 'x'",
                "reason": "lower(…) is no part of the filter language",
            }
        ],
        "window": {"start_time": "2026-01-31T00:00:00+00:00", "end_time": None},
        "error": None,
    }


def test_a_condition_that_is_none_is_told_with_its_place(bare_command: Command) -> None:
    done = bare_command("filter", "--from-sql", "statuscode = 'x'", "--format", "json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["filter"], told["residual"]) == (None, None)
    assert (told["error"]["position"], told["error"]["end"]) == (0, 10)
    assert "did you mean 'status_code'" in done.stderr


def test_the_setting_decides_what_a_condition_sends(bare_command: Command) -> None:
    arguments = ("filter", "--from-sql", "status_code <> 'OK'", "-f", "json")
    assert json.loads(bare_command(*arguments).stdout)["filter"] == "status_code != 'OK'"
    done = bare_command(*arguments, SPANDUCK_PUSHDOWN="conservative")
    assert json.loads(done.stdout)["filter"] is None


def test_a_project_gives_names_their_columns(command: Command) -> None:
    text = "attributes.metadata.tenant_id = 'tenant-1' AND attributes.absent > 1"
    arguments = ("filter", text, "--project", "fernway-support", "--format", "json")
    done = command(*arguments)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["columns"] == ["attributes.metadata", "attributes.absent"]
    assert "json" in told["sql"].lower()
    assert "attributes.absent" in done.stderr
    strict = command(*arguments, "--strict")
    assert strict.returncode == 1
    assert json.loads(strict.stdout)["error"]["code"] == "unknown_field"


def test_an_unknown_project_names_the_near_ones(command: Command) -> None:
    done = command("filter", "name = 'x'", "--project", "fernway-suport")
    assert (done.returncode, done.stdout) == (1, "")
    assert "fernway-support" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--from-sql"),
        (("name = 'x'", "--from-sql", "name = 'x'"), "--from-sql"),
        (("name = 'x'", "--dialect", "duckbd"), "duckdb"),
        (("name = 'x'", "--format", "xml"), "xml"),
        (("name = '\udcff'",), "UTF-8"),
    ],
)
def test_bad_usage_is_status_2(
    bare_command: Command, arguments: tuple[str, ...], word: str
) -> None:
    done = bare_command("filter", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
