"""What an incremental model reads: the window and the filter of its exports."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import spanduck
from spanduck._write_back.incremental import Watermark, prepared
from spanduck._write_back.model import Model, parse_model
from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPANS = 100
FIRST = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
MIDDLE = FIRST + timedelta(seconds=60)
ARGUMENT = "FROM spans('p', start_time := getvariable('since'))"
CONDITION = "FROM spans('p') WHERE start_time >= getvariable('since')"
BEHIND_A_CTE = f"WITH late AS ({CONDITION}) SELECT name FROM late"


@pytest.fixture
def con(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on a service with one span a second from `FIRST` on, every other one judged."""
    labels = ["good" if number % 2 else None for number in range(SPANS)]
    columns = {"eval.Quality.label": pa.array(labels, pa.string())}
    fake_service.tables["p"] = make_wire_spans(SPANS, **columns)
    fake_service.tables["other"] = make_wire_spans(SPANS, **columns)
    con = spanduck.connect(settings=fake_service.settings())
    yield con
    con.close()


def model_of(*lines: str) -> Model:
    text = "\n".join(["/* spanduck", 'project = "p"', *lines, "*/", "SELECT 1"])
    return parse_model(text, name="m.sql")


def windows(service: Any) -> list[datetime]:
    """Where the exports begin that were asked for; the schema is asked for without columns."""
    return [command.start_time for command in service.commands if command.projected_columns]


def filters(service: Any) -> list[str]:
    return [command.filter_expression for command in service.commands if command.projected_columns]


def since(con: duckdb.DuckDBPyConnection) -> Any:
    return con.execute("SELECT CAST(getvariable('since') AS VARCHAR)").fetchall()[0][0]


@pytest.mark.parametrize("query", [ARGUMENT, CONDITION, BEHIND_A_CTE])
def test_the_watermark_bounds_the_export_however_the_model_asks_for_it(
    con: duckdb.DuckDBPyConnection, fake_service: Any, query: str
) -> None:
    with prepared(con, model_of("incremental = true"), MIDDLE):
        rows = con.execute(query).fetchall()
    assert windows(fake_service) == [MIDDLE]
    assert len(rows) == SPANS - 60


@pytest.mark.parametrize("query", [ARGUMENT, CONDITION])
def test_a_relation_that_is_read_as_a_stream_is_bounded_as_well(
    con: duckdb.DuckDBPyConnection, fake_service: Any, query: str
) -> None:
    with prepared(con, model_of("incremental = true"), MIDDLE):
        rows = con.sql(query).to_arrow_reader(1_000).read_all().num_rows
    assert (rows, set(windows(fake_service))) == (SPANS - 60, {MIDDLE})


@pytest.mark.parametrize("query", [ARGUMENT, CONDITION])
def test_the_first_run_reads_every_span(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with prepared(con, model_of("incremental = true", 'lookback = "3 days"'), None):
        assert len(con.execute(query).fetchall()) == SPANS


def test_the_first_run_begins_where_the_model_says(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    start = f"start = {MIDDLE.isoformat()}"
    with prepared(con, model_of("incremental = true", 'lookback = "1 hour"', start), None):
        con.execute(ARGUMENT).fetchall()
    with prepared(con, model_of("incremental = true", start), MIDDLE + timedelta(seconds=1)):
        con.execute(ARGUMENT).fetchall()
    assert windows(fake_service) == [MIDDLE, MIDDLE + timedelta(seconds=1)]


@pytest.mark.parametrize(
    ("lookback", "length"),
    [("40 seconds", timedelta(seconds=40)), ("3 days", timedelta(days=3)), ("0 days", timedelta())],
)
def test_a_run_reads_again_what_lies_within_the_look_back(
    con: duckdb.DuckDBPyConnection, fake_service: Any, lookback: str, length: timedelta
) -> None:
    with prepared(con, model_of("incremental = true", f'lookback = "{lookback}"'), MIDDLE):
        con.execute(ARGUMENT).fetchall()
    assert windows(fake_service) == [MIDDLE - length]


def test_a_day_of_look_back_is_24_hours_in_every_zone_of_the_session(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    con.execute("SET TimeZone = 'America/New_York'")
    after_summer = datetime(2023, 11, 5, 12, tzinfo=UTC)
    with prepared(con, model_of("incremental = true", 'lookback = "1 day"'), after_summer):
        con.execute(ARGUMENT).fetchall()
    assert windows(fake_service) == [after_summer - timedelta(days=1)]


def test_the_variable_is_what_it_was_afterwards(con: duckdb.DuckDBPyConnection) -> None:
    model = model_of("incremental = true")
    with prepared(con, model, MIDDLE):
        assert since(con) is not None
    assert con.execute("SELECT name FROM duckdb_variables()").fetchall() == []
    con.execute("SET VARIABLE since = DATE '2020-02-02'")
    with prepared(con, model, MIDDLE):
        assert since(con) != "2020-02-02"
    assert since(con) == "2020-02-02"
    assert con.execute("SELECT typeof(getvariable('since'))").fetchall() == [("DATE",)]
    assert con.execute("SELECT name FROM duckdb_variables()").fetchall() == [("since",)]


def test_the_variable_is_what_it_was_after_an_error(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET VARIABLE since = 7")
    with (
        pytest.raises(duckdb.InvalidInputException),
        prepared(con, model_of("incremental = true"), MIDDLE),
    ):
        con.execute("SELECT error('no') FROM spans('p')").fetchall()
    assert since(con) == "7"


def test_the_models_own_error_is_told_when_it_aborts_a_transaction(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("BEGIN")
    with (
        pytest.raises(duckdb.CatalogException, match="nothing_there"),
        prepared(con, model_of("incremental = true"), MIDDLE),
    ):
        con.execute("FROM nothing_there")
    con.execute("ROLLBACK")


def test_a_model_that_is_not_incremental_leaves_the_variable_alone(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with prepared(con, model_of(), MIDDLE):
        assert since(con) is None


def test_spans_that_have_the_evaluation_are_not_asked_for(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    model = model_of('missing = "eval.Quality"')
    with prepared(con, model, None):
        rows = con.sql("SELECT \"context.span_id\" FROM spans('p')").fetchall()
    assert len(rows) == SPANS / 2
    assert set(filters(fake_service)) == {"eval.Quality.label IS NULL"}
    assert len(con.execute("FROM spans('p')").fetchall()) == SPANS


def test_what_is_missing_is_added_to_the_calls_own_filter_and_columns(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    query = "FROM spans('p', filter := 'name = ''operation 1''', columns := ['name'])"
    with prepared(con, model_of('missing = "eval.Quality"'), None):
        assert con.sql(query).columns == ["name"]
        con.execute(query).fetchall()
    (sent,) = set(filters(fake_service))
    assert "name = 'operation 1'" in sent
    assert "eval.Quality.label IS NULL" in sent


def test_every_call_of_the_models_project_is_narrowed_and_no_other(
    con: duckdb.DuckDBPyConnection,
) -> None:
    count = "SELECT count(*) FROM spans('{}')".format
    model = model_of('missing = "eval.Quality"')
    with prepared(con, model, None):
        both = con.execute(f"SELECT ({count('p')}), ({count('other')})").fetchall()
    assert both == [(SPANS / 2, SPANS)]
    with prepared(con, model, None, projects=("other", "an id"), spaces=("fake", "an id")):
        both = con.execute(f"SELECT ({count('p')}), ({count('other')})").fetchall()
    assert both == [(SPANS, SPANS / 2)]
    with prepared(con, model, None, spaces=("another",)):
        assert con.execute(count("p")).fetchall() == [(SPANS,)]


@pytest.mark.parametrize("missing", ["eval.Other", "trace_eval.Quality", "annotation.notes"])
def test_every_span_lacks_what_the_project_does_not_have(
    con: duckdb.DuckDBPyConnection, fake_service: Any, missing: str
) -> None:
    with prepared(con, model_of(f'missing = "{missing}"'), None):
        assert len(con.execute("FROM spans('p')").fetchall()) == SPANS
    assert filters(fake_service) == [""]


def test_a_filter_that_the_service_refuses_is_applied_here(
    con: duckdb.DuckDBPyConnection, fake_service: Any
) -> None:
    fake_service.misbehaviour.refuses = lambda text: pa.ArrowInvalid("no") if text else None
    with prepared(con, model_of('missing = "eval.Quality"'), None):
        assert len(con.execute("FROM spans('p')").fetchall()) == SPANS / 2


def batches(*moments: datetime | None) -> Iterator[pa.RecordBatch]:
    for moment in moments:
        yield pa.record_batch(
            {"label": ["a"], "start_time": pa.array([moment], pa.timestamp("us", "Asia/Tokyo"))}
        )


def next_watermark(previous: datetime | None, *moments: datetime | None) -> datetime | None:
    watermark = Watermark(previous, began=FIRST + timedelta(days=1))
    watermark.expect(["label", "Start_Time"], ["VARCHAR", "TIMESTAMP WITH TIME ZONE"])
    for batch in batches(*moments):
        watermark.see(batch)
    return watermark.next()


def test_the_next_run_begins_at_the_latest_span_that_this_one_has_read() -> None:
    assert next_watermark(None, FIRST, MIDDLE, None, FIRST) == MIDDLE
    assert next_watermark(FIRST, MIDDLE) == MIDDLE


def test_a_watermark_never_goes_back() -> None:
    assert next_watermark(MIDDLE, FIRST) == MIDDLE
    assert next_watermark(MIDDLE) == MIDDLE
    assert next_watermark(None) is None


def test_a_span_dated_ahead_does_not_hide_those_that_come_until_then() -> None:
    assert next_watermark(None, FIRST + timedelta(days=300)) == FIRST + timedelta(days=1)


def test_without_start_times_the_next_run_begins_where_this_one_did() -> None:
    watermark = Watermark(FIRST, began=MIDDLE)
    watermark.expect(["label"], ["VARCHAR"])
    assert watermark.next() == MIDDLE


@pytest.mark.parametrize("type_name", ["TIMESTAMP", "VARCHAR", "DATE"])
def test_a_start_time_without_a_zone_is_refused(type_name: str) -> None:
    with (
        contextlib.nullcontext(Watermark(None, FIRST)) as watermark,
        pytest.raises(ValidationError, match=f"start_time of .* is {type_name}, not TIMESTAMPTZ"),
    ):
        watermark.expect(["start_time"], [type_name])
