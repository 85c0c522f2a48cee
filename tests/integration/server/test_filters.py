from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

UNICODE = "größe 🦆"
NAN = float("nan")
COLUMNS = {
    "attributes.color": ["red", "Red", "it's", "", None, UNICODE, "100%", "red"],
    "attributes.Color": ["x"] + [None] * 7,
    "attributes.size": [1, 2, 3, 4, None, 6, 7, 8],
    "attributes.ratio": [0.5, NAN, 1.5, None, -2.0, 1e300, 0.0, 7.5],
    "attributes.flag": [True, False, None, True, False, True, None, True],
    "attributes.metadata": [
        json.dumps({"tier": "gold" if n % 2 else "tin", "n": n, "deep": {"x": n % 3}})
        for n in range(7)
    ]
    + ["no JSON"],
    "attributes.tags": [["a", "b"], ["b"], [], None, ["c"], ["a"], [], ["b"]],
    "attributes.never": pa.array([None] * 8, pa.string()),
    "events": [
        [json.dumps({"name": "e", "attributes": {"exception.message": f"boom {n}"}})]
        if n < 3
        else []
        for n in range(8)
    ],
    "eval.Quality.label": ["good", "bad", "good", None, None, None, None, None],
    "eval.Quality.score": [1.0, NAN, 0.5, None, None, None, None, None],
    "eval.quality.label": ["lower"] + [None] * 7,
    "trace_eval.Quality.label": ["whole trace"] + [None] * 7,
    "session_eval.Two words.score": [1, 2] + [None] * 6,
}


@pytest.fixture(scope="module")
def filtered(module_server: Any, tools: Any) -> Iterator[Any]:
    """Exports of a project with a bit of everything, as the sorted numbers of its spans."""
    caller = tools.Caller(module_server)
    table = tools.spans(8, **COLUMNS)
    statuses = ["OK", "ERROR", "OK", "ERROR", "UNSET", "OK", "OK", "OK"]
    table = table.set_column(6, "status_code", pa.array(statuses))
    caller.upload(table, "filtered")

    def numbers(text: str, **command: Any) -> list[int]:
        got = caller.export("filtered", filter_expression=text, **command)
        return sorted(
            int(span.removeprefix("span-")) for span in got["context.span_id"].to_pylist()
        )

    yield numbers
    caller.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("status_code = 'ERROR'", [1, 3]),
        ("status_code != 'OK' AND NOT status_code = 'UNSET'", [1, 3]),
        ("trace_id = 'trace-000000000001'", [4, 5, 6, 7]),
        ("span.name IN ('operation 0', 'operation 3')", [0, 3, 7]),
        ("parent_id IS NULL", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("latency_ms = 1.5", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("latency_ms > 1.5", []),
        ("attributes.color = 'red'", [0, 7]),
        ("attributes.Color = 'x'", [0]),
        ("attributes.color = 'it''s'", [2]),
        ("attributes.color = ''", [3]),
        ("attributes.color = null", [4]),
        ("attributes.color CONTAINS '%'", [6]),
        ("attributes.color ILIKE 'RED'", [0, 1, 7]),
        (f"attributes.color = '{UNICODE}'", [5]),
        ("attributes.size BETWEEN 2 AND 4", [1, 2, 3]),
        ("attributes.size > '3'", [3, 5, 6, 7]),
        ("attributes.ratio > 1", [2, 5, 7]),
        ("NOT attributes.ratio > 1", [0, 4, 6]),
        ("attributes.flag = true", [0, 3, 5, 7]),
        ("attributes.metadata.tier = 'gold'", [1, 3, 5]),
        ("attributes.metadata['n'] >= 5", [5, 6]),
        ("attributes.metadata.deep.x = 2", [2, 5]),
        ("NOT attributes.metadata.tier = 'gold'", [0, 2, 4, 6]),
        ("attributes.metadata CONTAINS 'JSON'", [7]),
        ("attributes.tags CONTAINS 'c'", [4]),
        ("attributes.tags[0] = 'b'", [1, 7]),
        ("event.attributes CONTAINS 'boom 2'", [2]),
        ("eval.Quality.label = 'good'", [0, 2]),
        ("eval.Quality.label IS NULL", [3, 4, 5, 6, 7]),
        ("eval.Quality.score > 0", [0, 2]),
        ("eval.quality.label = 'lower'", [0]),
        ("trace_eval.Quality.label = 'whole trace'", [0]),
        ('"session_eval.Two words.score" = 2', [1]),
        ("eval.Quality.label = 'bad' OR attributes.size = 8", [1, 7]),
        ("attributes.never IS NULL AND attributes.size = 8", [7]),
        ("attributes.unheard.of = 'x'", []),
        ("NOT attributes.unheard.of = 'x'", []),
        ("attributes.unheard.of IS NULL AND attributes.size < 3", [0, 1]),
        ("eval.Unheard.score IS NULL AND attributes.size < 3", [0, 1]),
        ("annotation.note.label = null AND attributes.size < 3", [0, 1]),
    ],
)
def test_a_filter_selects_the_spans_it_is_true_for(
    filtered: Any, text: str, wanted: list[int]
) -> None:
    assert filtered(text) == wanted
    assert filtered(text, projected_columns=("context.span_id",)) == wanted


def test_times_are_compared_in_microseconds(caller: Any, tools: Any) -> None:
    # The last is between two microseconds; an end before 1970 is rounded down as well.
    base = (time.time_ns() // 10**9 - 100) * 10**9
    starts = [base, base + 1_000, base + 1_999]
    table = tools.spans(3).set_column(4, "start_time", pa.array(starts, pa.int64()))
    ends = pa.array([-1, 0, None], pa.int64())
    caller.upload(table.set_column(5, "end_time", ends), "times")
    second = datetime.fromtimestamp(base // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def count(text: str) -> int:
        rows: int = caller.export("times", filter_expression=text).num_rows
        return rows

    assert count(f"start_time = '{second}Z'") == 1
    assert count(f"start_time = '{second}.000001Z'") == 2
    assert count(f"start_time > '{second}.000001Z'") == 0
    assert count("end_time < '1970-01-01'") == 1
    assert count("end_time = '1969-12-31 23:59:59.999999'") == 1
    assert count("end_time IS NULL") == 1


def test_an_end_at_the_edge_of_time_has_a_latency(caller: Any, tools: Any) -> None:
    table = tools.spans(3)
    ends = [-(2**63), 2**63 - 1, None]
    caller.upload(table.set_column(5, "end_time", pa.array(ends, pa.int64())), "edge")
    rows = caller.rows("edge")
    assert rows["span-000000000000"]["latency_ms"] < -(2**63) / 1e6
    assert rows["span-000000000002"]["latency_ms"] is None
    assert list(caller.rows("edge", filter_expression="latency_ms < 0")) == ["span-000000000000"]
    assert caller.export("edge", filter_expression="end_time < '1700-01-01'").num_rows == 1


def test_columns_of_several_kinds_are_compared_as_they_are_exported(
    caller: Any, tools: Any
) -> None:
    numbers, texts = ([1, 2], [2.5, 3.0]), ["x", "2"]
    caller.upload(tools.spans(2, **{"attributes.v": numbers[0], "attributes.w": [1, 2]}), "mixed")
    caller.upload(
        tools.spans(2, first=2, **{"attributes.v": numbers[1], "attributes.w": texts}), "mixed"
    )

    def values(name: str, text: str) -> list[Any]:
        got: list[Any] = caller.export("mixed", filter_expression=text)[name].to_pylist()
        return sorted(got)

    assert values("attributes.v", "attributes.v >= 2") == [2.0, 2.5, 3.0]
    assert values("attributes.w", "attributes.w = '2'") == ["2", "2"]
    assert values("attributes.w", "attributes.w >= 1") == ["1", "2", "2"]


def test_a_filter_a_window_columns_and_a_sample_go_together(caller: Any, tools: Any) -> None:
    table = tools.spans(4_000, **{"attributes.n": list(range(4_000))})
    caller.upload(table, "together")
    starts = table["start_time"].to_pylist()
    start = datetime.fromtimestamp(starts[1_000] // 10**9, UTC)
    end = datetime.fromtimestamp(starts[3_000] // 10**9, UTC)
    asked = {
        "start_time": start,
        "filter_expression": "attributes.n >= 100 AND attributes.n < 2500",
        "projected_columns": ("context.span_id", "context.trace_id"),
    }
    whole = caller.export("together", end_time=end, **asked)
    assert whole.column_names == ["time", "context.span_id", "context.trace_id"]
    assert abs(whole.num_rows - 1_500) <= 2
    half = caller.export("together", end_time=end, sample_rate=0.5, **asked)
    assert 0 < half.num_rows < whole.num_rows
    assert set(half["context.span_id"].to_pylist()) <= set(whole["context.span_id"].to_pylist())


def test_many_and_few_matches_are_counted_exactly(caller: Any, tools: Any) -> None:
    # More than a snapshot keeps by their ids, and fewer; `export` compares the counts.
    count = 110_000
    for first in (0, count // 2):
        table = tools.spans(count // 2, first=first, **{"attributes.n": range(count // 2)})
        caller.upload(table, "many")
    assert caller.export("many", filter_expression="attributes.n >= 0").num_rows == count
    assert caller.export("many", filter_expression="attributes.n < 7").num_rows == 14
    assert caller.export("many", filter_expression="attributes.n < 0").num_rows == 0


def test_a_filter_reads_the_moment_its_ticket_was_given_out(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(5, **{"attributes.a": ["old"] * 5}), "filtered moment")
    info = caller.info("filtered moment", filter_expression="attributes.a = 'old'")
    caller.upload(tools.spans(5, **{"attributes.a": ["new"] * 5}), "filtered moment")
    assert caller.read(info).num_rows == 5
    rows = caller.export("filtered moment", filter_expression="attributes.a = 'old'").num_rows
    assert rows == 0


def test_what_was_written_is_filtered_by_at_once(caller: Any, tools: Any) -> None:
    caller.upload(tools.spans(3), "at once")
    ids = [f"span-{number:012d}" for number in range(3)]
    for score in (0.25, 0.75):
        caller.put(
            pa.table({"context.span_id": ids[:2], "eval.Q.score": [score, score / 2]}), "at once"
        )
        asked = {"filter_expression": f"eval.Q.score = {score}"}
        assert list(caller.rows("at once", **asked)) == ids[:1]
    caller.upload(tools.spans(1, first=1, **{"attributes.late": ["x"]}), "at once")
    assert list(caller.rows("at once", filter_expression="attributes.late = 'x'")) == ids[1:2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n\t ", "filter must not be empty"),
        ('status_code = "ERROR"', "literal_expected"),
        ("statuscode = 'ERROR'", "did you mean status_code"),
        ("latency_ms > '1000'", "type_mismatch"),
        ("attributes.size IN (1, NULL)", "null_in_list"),
        ("status_code = 'ERROR' latency_ms", "syntax"),
        ("time > 3", "unknown_field"),
        ("attributes.größe 🦆 = 'x'", "syntax"),
    ],
)
def test_a_bad_filter_is_refused_with_its_report(filtered: Any, text: str, said: str) -> None:
    with pytest.raises(pa.ArrowInvalid, match=said) as raised:
        filtered(text)
    if text.strip():
        assert "^" in str(raised.value)


def test_an_empty_filter_is_none(filtered: Any) -> None:
    assert len(filtered("")) == 8


ATTACKS = (
    "'; DROP TABLE spans_1_0; --",
    "x' OR '1' = '1",
    "\\' OR 1 = 1 --",
    '" OR 1 = 1 --',
    "'||(SELECT max(name) FROM projects)||'",
    "$$; ATTACH 'x'; $$",
    "?",
    "$1",
    "\0",
    "getvariable('window_start')",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_part_of_the_statement(
    caller: Any, tools: Any, filtered: Any, attack: str
) -> None:
    literal = "'" + attack.replace("'", "''") + "'"
    name = '"attributes.' + attack.replace('"', '""') + '"'
    wanted: list[int] = []
    for text in (
        f"attributes.color = {literal}",
        f"attributes.color IN ({literal}, 'nothing')",
        f"attributes.color CONTAINS {literal}",
        f"attributes.metadata[{literal}] = 'x'",
        f"{name} = 'x'",
        f"{name} = {literal}",
    ):
        assert filtered(text) == wanted
    for text in (f"attributes.color = {attack}", attack):
        with contextlib.suppress(pa.ArrowInvalid):
            assert filtered(text) == wanted
    # And stored under such a name, holding such a text, it is found.
    project = f"attacked {ATTACKS.index(attack)}"
    caller.upload(tools.spans(2, **{f"attributes.{attack}": [attack, "other"]}), project)
    assert caller.export(project, filter_expression=f"{name} = {literal}").num_rows == 1
    assert len(filtered("")) == 8


def _nested(depth: int) -> str:
    return "(" * depth + "attributes.size = 1" + ")" * depth


LARGE = {
    "the longest text": "attributes.color != '" + "x" * 65_500 + "'",
    "a text too long": "attributes.color != '" + "x" * 66_000 + "'",
    "nested as deep as may be": _nested(99),
    "nested too deep": _nested(5_000),
    "NOT upon NOT": "NOT " * 5_000 + "attributes.size = 1",
    "an OR of 5,000": " OR ".join(f"name='{n}'" for n in range(5_000))[:65_000].rpartition(" OR ")[
        0
    ],
    "an OR of several columns": " OR ".join(
        f"attributes.metadata.k{n} = {n}" for n in range(1_500)
    ),
    "an AND of NOT of OR": " AND ".join(
        f"NOT (attributes.size = {n} OR name = '{n}')" for n in range(100, 1_300)
    ),
    "an IN of 10,000": f"attributes.size IN ({','.join(map(str, range(10_000)))})",
    "an IN of 10,000 texts": f"name IN ({','.join(repr(str(n)) for n in range(7_000))})",
    "a LIKE of wildcards": f"attributes.color LIKE '{'%_' * 5_000}'",
    "thousands of names": " AND ".join(f"attributes.x{n}=null" for n in range(2_500)),
    "a long name": f'"attributes.{"n" * 60_000}" IS NULL',
    "a long name of nothing": f'"{"n" * 60_000}" IS NULL',
    "parts": "attributes" + ".a" * 30_000 + " IS NULL",
    "parts of JSON": "attributes.metadata" + ".a" * 30_000 + " IS NULL",
}


@pytest.mark.parametrize("what", LARGE)
def test_a_monstrous_filter_is_answered_or_refused_soon(filtered: Any, what: str) -> None:
    began = time.monotonic()
    # A message of many kilobytes would be lost on its way, and come as another kind of error.
    with contextlib.suppress(pa.ArrowInvalid):
        filtered(LARGE[what], projected_columns=("context.span_id",))
    # A second or so on a machine that does nothing else.
    assert time.monotonic() - began < 20
    assert filtered("attributes.size = 1") == [0]
