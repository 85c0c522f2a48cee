"""`spans(…)` on the embedded server."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import spanduck
from spanduck import embedded
from spanduck._config import load_settings
from spanduck._folder import read_address
from spanduck.exceptions import IncompleteStreamError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def recent(count: int, **columns: Any) -> pa.Table:
    """Spans that an upload accepts."""
    start = (time.time_ns() - (3_600 + count) * 10**9) // 10**9 * 10**9 + 123_456_789
    return pa.table(
        {
            "context.span_id": [f"span-{number:012d}" for number in range(count)],
            "context.trace_id": [f"trace-{number // 4:012d}" for number in range(count)],
            "name": [f"operation {number % 7}" for number in range(count)],
            "start_time": pa.array([start + n * 10**9 for n in range(count)], pa.int64()),
            "end_time": pa.array([start + n * 10**9 + 2_500_000 for n in range(count)], pa.int64()),
        }
        | columns
    )


def test_every_kind_of_column_has_its_sql_type(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload(
        "kinds",
        recent(
            2,
            **{
                "attributes.metadata": ['{"a": 1}', "not json"],
                "attributes.llm.input_messages": pa.array(
                    [['{"message.role": "user"}', ""], None], pa.list_(pa.string())
                ),
                "attributes.llm.token_count.total": pa.array([3.0, None]),
                "attributes.flag": [True, None],
                "attributes.number": [1, 2],
                "attributes.share": [0.5, 1.0],
                "attributes.tags": pa.array([["x", ""], []], pa.list_(pa.string())),
                "attributes.nested": pa.array([{"k": [1]}, None]),
                "attributes.text": ["", None],
            },
        ),
    )
    columns = (
        '"attributes.metadata", "attributes.llm.input_messages", "attributes.llm.token_count.total",'
        '"attributes.flag", "attributes.number", "attributes.share", "attributes.tags",'
        '"attributes.nested", "attributes.text", start_time, latency_ms'
    )
    relation = real.sql(f"SELECT {columns} FROM spans('kinds') ORDER BY start_time")
    assert [str(kind) for kind in relation.types] == [
        "JSON", "JSON[]", "BIGINT", "BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR[]", "VARCHAR", "VARCHAR",
        "TIMESTAMP WITH TIME ZONE", "DOUBLE",
    ]  # fmt: skip
    first, second = relation.fetchall()
    assert first[:9] == (
        '{"a": 1}', ['{"message.role": "user"}', None], 3, True, 1, 0.5, ["x", ""], '{"k":[1]}', "",
    )  # fmt: skip
    assert second[:9] == ('"not json"', None, None, None, 2, 1.0, [], None, None)
    assert first[9].microsecond == 123_456
    assert first[10] == 2.5


def test_what_was_just_uploaded_is_read(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload("fresh", recent(3))
    count = "SELECT count(*) FROM spans('fresh')"
    assert real.execute(count).fetchall() == [(3,)]
    upload("fresh", recent(5, **{"attributes.late": ["a"] * 5}))
    assert real.execute(count).fetchall() == [(5,)]
    assert real.execute("SELECT max(\"attributes.late\") FROM spans('fresh')").fetchall() == [
        ("a",)
    ]


def test_projects_are_listed_and_near_matches_named(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None], server: Any
) -> None:
    upload("my-llm-app", recent(1))
    rows = real.execute(
        "SELECT name, space_id, created_at < now() FROM projects() WHERE name = 'my-llm-app'"
    ).fetchall()
    assert rows == [("my-llm-app", server.space_id, True)]
    with pytest.raises(
        duckdb.InvalidInputException, match=r"UnknownProjectError.*Did you mean 'my-llm-app'"
    ):
        real.execute("FROM spans('my-lm-app')")


def test_evaluations_are_rows(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload(
        "judged",
        recent(2, **{"eval.Good.label": ["yes", None], "eval.Good.score": pa.array([1.0, None])}),
    )
    rows = real.execute(
        "SELECT span_id, level, name, label, score FROM evaluations('judged')"
    ).fetchall()
    assert rows == [("span-000000000000", "span", "Good", "yes", 1.0)]


def test_a_filter_narrows_what_is_read(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload("filtered", recent(14))
    query = "SELECT count(*) FROM spans('filtered', filter := {})"
    assert real.execute(query.format("'name = ''operation 3'''")).fetchall() == [(2,)]
    assert real.execute(query.format("'not name = ''operation 3'''")).fetchall() == [(12,)]
    with pytest.raises(duckdb.InvalidInputException, match=r"\[spanduck\.FilterError\]"):
        real.execute(query.format("'name = 3'"))


def test_a_wrong_key_is_told(server: Any) -> None:
    given = {name[6:].lower(): value for name, value in server.environment().items()}
    with (
        spanduck.connect(settings=load_settings(given | {"api_key": "wrong"})) as con,
        pytest.raises(duckdb.InvalidInputException, match=r"\[spanduck\.AuthenticationError\]"),
    ):
        con.execute("FROM spans('x')")


def test_a_server_that_is_killed_mid_stream_fails_the_query(tmp_path: Path) -> None:
    with embedded.serve(tmp_path) as server:
        given = {name[6:].lower(): value for name, value in server.environment().items()}
        settings = load_settings(given | {"stream_chunk_rows": 50, "connect_timeout_s": 2})
        send_all(
            server, settings, recent(20_000, **{"attributes.x": ["x" * 3_000] * 20_000}), tmp_path
        )
        with spanduck.connect(settings=settings) as con:
            reader = con.sql("SELECT * FROM spans('p')").to_arrow_reader()
            reader.read_next_batch()
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(OSError, match=r"\[spanduck\.IncompleteStreamError\]"):
                reader.read_all()
            assert isinstance(spanduck.last_error(con), IncompleteStreamError)
            with pytest.raises(duckdb.InvalidInputException, match="UnavailableError"):
                con.execute("FROM spans('p')")
            assert isinstance(spanduck.last_error(con), UnavailableError)


def send_all(server: Any, settings: Any, spans: pa.Table, folder: Path) -> None:
    from spanduck._transport.rest import RestTransport
    from spanduck._wire import UPLOAD_SCHEMA_KEY, upload_schema_text

    schema = spans.schema.with_metadata({UPLOAD_SCHEMA_KEY: upload_schema_text("p")})
    path = folder / "body"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        writer.write_table(spans.replace_schema_metadata(schema.metadata))
    with RestTransport(settings) as rest:
        rest.upload(path, space=server.space_id, rows=spans.num_rows)


def test_nothing_configured_uses_the_shared_server_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in list(os.environ):
        if name.startswith(("ARIZE_", "SPANDUCK_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with spanduck.connect() as con:
        assert con.execute("SELECT count(*) FROM projects()").fetchall() == [(0,)]
        said = capfd.readouterr().err
        assert said.count("\n") == 1
        with spanduck.connect() as second:
            assert second.execute("SELECT count(*) FROM projects()").fetchall() == [(0,)]
        assert capfd.readouterr().err == ""
    address = read_address(tmp_path / ".spanduck")
    assert address is not None
    os.kill(address.pid, signal.SIGTERM)


ANNOTATIONS = {
    "annotation.Good.label": ["yes", None],
    "annotation.Good.score": pa.array([None, 0.5]),
    "annotation.Good.updated_by": ["me", "you"],
    "annotation.Good.updated_at": [1_700_000_000_123, 1_700_000_000_456],
    "annotation.good.text": [None, "why"],
    "annotation.notes": ["a note", None],
}


def test_annotations_are_rows(
    real: duckdb.DuckDBPyConnection,
    upload: Callable[[str, pa.Table], None],
    server: embedded.EmbeddedServer,
) -> None:
    upload("annotated", recent(3))
    ids = ["span-000000000000", "span-000000000001"]
    rows = pa.table({"context.span_id": ids, **ANNOTATIONS})
    given = {name.removeprefix("ARIZE_").lower(): v for name, v in server.environment().items()}
    with spanduck.SpansClient(settings=load_settings(given)) as client:
        client.update_annotations(project_name="annotated", dataframe=rows)
    spanduck.refresh(real, "annotated")
    columns = "span_id, level, name, label, score, text, updated_by, epoch_ms(updated_at)"
    found = real.execute(
        f"SELECT {columns} FROM annotations('annotated') WHERE updated_at < '2024-01-01' ORDER BY 1"
    ).fetchall()
    assert found == [
        (ids[0], "span", "Good", "yes", None, None, "me", 1_700_000_000_123),
        (ids[1], "span", "Good", None, 0.5, None, "you", 1_700_000_000_456),
    ]
    others = real.execute(
        """SELECT
            trace_id, name, text, updated_by, start_time IS NULL,
            updated_at > now() - INTERVAL 1 HOUR
        FROM annotations('annotated', filter := 'annotation.Good.score > 0.1')
        WHERE name = 'good'"""
    ).fetchall()
    assert others == [("trace-000000000000", "good", "why", "SDK", False, True)]
    wide = real.execute(
        """SELECT count(*) FROM spans('annotated')
        WHERE "annotation.Good.label" = 'yes' AND "annotation.Good.updated_at" < '2024-01-01'
            AND "annotation.notes"[1] ->> 'text' = 'a note'"""
    ).fetchall()
    assert wide == [(1,)]
    assert real.execute("SELECT count(*) FROM annotations('annotated')").fetchall() == [(3,)]


def test_annotations_have_columns_of_their_own(
    real: duckdb.DuckDBPyConnection, upload: Callable[[str, pa.Table], None]
) -> None:
    upload("unannotated", recent(1))
    described = real.execute("DESCRIBE FROM annotations('unannotated')").fetchall()
    assert [(row[0], row[1]) for row in described[5:]] == [
        ("label", "VARCHAR"),
        ("score", "DOUBLE"),
        ("text", "VARCHAR"),
        ("updated_by", "VARCHAR"),
        ("updated_at", "TIMESTAMP WITH TIME ZONE"),
    ]
