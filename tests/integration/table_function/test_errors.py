"""What a user sees when something goes wrong: the class in brackets, what failed, what to do."""

from __future__ import annotations

import pickle
import socket
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - errors as a service raises them
import pytest

import spanduck
from spanduck import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable


def fails(con: duckdb.DuckDBPyConnection, query: str) -> str:
    with pytest.raises(duckdb.InvalidInputException) as caught:
        con.execute(query).fetchall()
    return str(caught.value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FROM spans(NULL)", "[spanduck.ValidationError] spans(…) needs a project, not None."),
        ("FROM spans('')", "[spanduck.ValidationError] spans(…) needs a project, not ''."),
        ("FROM spans('p', filter := '')", "[spanduck.FilterError] filter := '' is no filter."),
        ("FROM spans('p', filter := '  ')", "[spanduck.FilterError]"),
        ("FROM spans('p', sample_rate := 0)", "[spanduck.ValidationError] sample_rate := 0"),
        ("FROM spans('p', sample_rate := 1.5)", "[spanduck.ValidationError] sample_rate := 1.5"),
        ("FROM spans('p', columns := ['nam'])", "Did you mean 'name'?"),
        ("FROM spans('p', columns := ['name', 'NAME'])", "twice"),
        ("FROM spans('p', columns := [])", "names no column"),
        ("FROM spans('nobody')", "[spanduck.UnknownProjectError] no project is called 'nobody'"),
    ],
)
def test_an_impossible_argument_is_refused_when_the_statement_is_bound(
    con: duckdb.DuckDBPyConnection, query: str, expected: str
) -> None:
    assert expected in fails(con, query)


def test_what_duckdb_knows_stays_duckdbs(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match="latency"):
        con.execute("SELECT latency FROM spans('p')")
    with pytest.raises(duckdb.BinderException, match="start_time"):
        con.execute("FROM spans('p', begin := '2024-01-01')")


@pytest.mark.parametrize(
    ("raised", "name", "words"),
    [
        (fl.FlightUnauthenticatedError("wrong key"), "AuthenticationError", "wrong key"),
        (fl.FlightUnauthorizedError("not you"), "AuthenticationError", "not you"),
        (pa.ArrowInvalid("window too long."), "RejectedError", "window too long"),
        (NotImplementedError("no such thing"), "RejectedError", "no such thing"),
        (fl.FlightServerError("disk full"), "ServiceError", "disk full"),
        (fl.FlightUnavailableError("later"), "UnavailableError", "later"),
    ],
)
def test_the_services_refusal_is_told_in_its_own_words(
    fake_service: Any, con: duckdb.DuckDBPyConnection, raised: Exception, name: str, words: str
) -> None:
    fake_service.misbehaviour.info_error = raised
    text = fails(con, "FROM spans('p')")
    assert f"[spanduck.{name}]" in text
    assert words in text
    assert "Traceback" not in text
    error = spanduck.last_error(con)
    assert isinstance(error, getattr(exceptions, name))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def test_a_filter_that_the_service_refuses_is_a_filter_error(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute("PREPARE q AS FROM spans('p', filter := 'name = null')")
    fake_service.misbehaviour.info_error = pa.ArrowInvalid("unknown attribute at 10")
    text = fails(con, "EXECUTE q")
    assert "[spanduck.FilterError]" in text
    assert "unknown attribute at 10" in text
    fake_service.misbehaviour.info_error = None


def test_filter_and_sample_rate_travel_as_they_are(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute(
        "SELECT name FROM spans('p', filter := 'name = ''x''', sample_rate := 0.25)"
    ).fetchall()
    command = fake_service.commands[-1]
    assert (command.filter_expression, command.sample_rate) == ("name = 'x'", 0.25)


def test_no_server_is_told_within_the_connection_timeout(fake_service: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with spanduck.connect(
        settings=fake_service.settings(flight_port=port, connect_timeout_s=3)
    ) as con:
        begun = time.monotonic()
        text = fails(con, "FROM spans('p')")
        assert time.monotonic() - begun < 4
    assert "[spanduck.UnavailableError]" in text
    assert f"127.0.0.1:{port}" in text


def test_a_server_that_accepts_and_says_nothing_is_told_within_the_connection_timeout(
    fake_service: Any,
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        settings = fake_service.settings(flight_port=deaf.getsockname()[1], connect_timeout_s=1)
        with spanduck.connect(settings=settings) as con:
            begun = time.monotonic()
            assert "[spanduck.UnavailableError]" in fails(con, "FROM spans('p')")
            assert time.monotonic() - begun < 4


INCOMPLETE = "[spanduck.IncompleteStreamError] the export of 'p' ended after 30 of 100 rows"
STATEMENTS = [
    "SELECT count(*) FROM spans('p')",
    "FROM spans('p')",
    "CREATE TABLE made AS FROM spans('p')",
    "INSERT INTO existing FROM spans('p')",
    "COPY (FROM spans('p')) TO '{folder}/out.parquet'",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("trailer_rows", [100, None])
def test_a_stream_that_ends_early_with_status_ok_fails_the_query(
    fake_service: Any,
    con: duckdb.DuckDBPyConnection,
    tmp_path: Any,
    statement: str,
    trailer_rows: int | None,
) -> None:
    con.execute("CREATE TABLE existing AS FROM spans('p') LIMIT 0")
    fake_service.misbehaviour.stop_after = 3
    fake_service.misbehaviour.trailer_rows = trailer_rows
    assert INCOMPLETE in fails(con, statement.format(folder=tmp_path))
    assert con.execute("SELECT count(*) FROM existing").fetchall() == [(0,)]
    tables = {row[0] for row in con.execute("SHOW TABLES").fetchall()}
    assert tables == {"existing"}


def test_a_reader_gets_an_os_error(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    fake_service.misbehaviour.stop_after = 3
    reader = con.sql("FROM spans('p')").to_arrow_reader()
    with pytest.raises(OSError, match=r"\[spanduck\.IncompleteStreamError\]"):
        reader.read_all()


def test_a_trailer_that_differs_fails_the_query(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.trailer_rows = 99
    assert "ended after 100 of 99 rows" in fails(con, "SELECT count(*) FROM spans('p')")
    error = spanduck.last_error(con)
    assert isinstance(error, exceptions.IncompleteStreamError)
    assert (error.rows_received, error.rows_expected) == (100, 99)


def test_an_unknown_number_of_rows_is_no_error(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.total_records = -1
    fake_service.misbehaviour.trailer_rows = None
    assert con.execute("SELECT count(*) FROM spans('p')").fetchall() == [(100,)]


def test_completeness_may_warn_instead(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    fake_service.misbehaviour.stop_after = 0
    with spanduck.connect(settings=fake_service.settings(completeness="warn")) as lax:
        with pytest.warns(RuntimeWarning, match="ended after 0 of 100 rows"):
            found = lax.execute("SELECT count(*) FROM spans('p')").fetchall()
        assert found == [(0,)]


def test_an_error_inside_the_stream_fails_the_query(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.fail_after = 5
    text = fails(con, "SELECT count(*) FROM spans('p')")
    assert "the disk is on fire" in text
    assert "[spanduck.ServiceError]" in text


def test_a_stream_that_stalls_fails_at_the_read_timeout(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    fake_service.misbehaviour.hang_after = 2
    begun = time.monotonic()
    text = fails(con, "SELECT count(*) FROM spans('p')")
    assert 1.5 < time.monotonic() - begun < 5
    assert "[spanduck.UnavailableError] nothing arrived of the export of 'p' for 2 s" in text


def test_a_value_that_does_not_cast_names_its_column(
    fake_service: Any, con: duckdb.DuckDBPyConnection, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["odd"] = make_wire_spans(
        2, **{"attributes.llm.token_count.total": [1.0, 1.5]}
    )
    text = fails(con, "FROM spans('odd')")
    assert "[spanduck.ValidationError] column 'attributes.llm.token_count.total'" in text
    assert "BIGINT" in text


def test_too_many_exports_fail_at_once(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    with spanduck.connect(
        settings=fake_service.settings(max_exports=1, stream_chunk_rows=10)
    ) as small:
        begun = time.monotonic()
        text = fails(small, "FROM spans('p') a POSITIONAL JOIN spans('p') b")
        assert time.monotonic() - begun < 2
        assert "[spanduck.ConfigError] 1 exports are open already" in text
        assert "SPANDUCK_MAX_EXPORTS" in text
        # The places are given back.
        assert small.execute("SELECT count(*) FROM spans('p')").fetchall() == [(100,)]


def test_a_scan_without_a_window_may_be_refused(
    fake_service: Any, con: duckdb.DuckDBPyConnection
) -> None:
    with spanduck.connect(settings=fake_service.settings(require_window=True)) as careful:
        assert "[spanduck.ConfigError]" in fails(careful, "SELECT count(*) FROM spans('p')")
        careful.execute("FROM spans('p') WHERE start_time > now() - INTERVAL 1 DAY").fetchall()
        careful.execute("FROM spans('p', start_time := '2024-01-01')").fetchall()


def test_no_secret_is_in_an_error(fake_service: Any, con: duckdb.DuckDBPyConnection) -> None:
    fake_service.misbehaviour.info_error = fl.FlightUnauthenticatedError("wrong key")
    text = fails(con, "FROM spans('p')")
    assert "ak-fake" not in text
    assert "ak-fake" not in repr(spanduck.last_error(con))
