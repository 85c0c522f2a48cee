"""What programs read is exact: every type of DuckDB, in each format."""

from __future__ import annotations

import io
import json
from typing import IO, TYPE_CHECKING, cast

import duckdb
import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from spanduck._export.replacing import replacing
from spanduck._output.formats import Format
from spanduck._output.writers import write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYTHING = """
SELECT 1 AS a, 2 AS A,
       TIMESTAMPTZ '2024-01-02 10:00:00.5+02:00' AS zoned,
       TIMESTAMP '2024-01-02 10:00:00' AS naive,
       CAST('nan' AS DOUBLE) AS n,
       CAST('{"k": [1, 2]}' AS JSON) AS doc,
       [CAST('{"k": 1}' AS JSON)] AS docs,
       ['x"', NULL] AS tags,
       {'b': TRUE} AS st,
       CAST(1.10 AS DECIMAL(10, 2)) AS d,
       INTERVAL 1 DAY AS iv,
       'a,"b"' AS t,
       '' AS empty,
       NULL AS nothing
"""


class Broken(io.RawIOBase):
    """A stream whose reader has gone."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raise BrokenPipeError


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'Europe/Berlin'")
        yield con


def written(con: duckdb.DuckDBPyConnection, query: str, fmt: Format) -> tuple[bytes, int]:
    stream = io.BytesIO()
    rows = write_rows(con.sql(query), fmt, stream)
    return stream.getvalue(), rows


def test_json_is_one_array_of_objects(con: duckdb.DuckDBPyConnection) -> None:
    data, rows = written(con, EVERYTHING, Format.json)
    assert rows == 1
    assert json.loads(data) == [
        {
            "a": 1,
            "A_1": 2,
            "zoned": "2024-01-02T08:00:00.500000Z",
            "naive": "2024-01-02T10:00:00.000000",
            "n": None,
            "doc": {"k": [1, 2]},
            "docs": [{"k": 1}],
            "tags": ['x"', None],
            "st": {"b": True},
            "d": 1.1,
            "iv": "1 day",
            "t": 'a,"b"',
            "empty": "",
            "nothing": None,
        }
    ]


def test_csv_tells_null_from_an_empty_text(con: duckdb.DuckDBPyConnection) -> None:
    data, rows = written(con, EVERYTHING, Format.csv)
    assert rows == 1
    header, row = data.decode().splitlines()
    assert header.startswith('"a","A","zoned","naive"')
    assert '"2024-01-02T08:00:00.500000Z","2024-01-02T10:00:00.000000"' in row
    assert '"{""k"": [1, 2]}"' in row
    assert row.endswith(',"a,""b""","",')


def test_many_batches_are_all_written(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT i, 'x' || i AS name FROM range(50_000) r(i)"
    assert len(json.loads(written(con, query, Format.json)[0])) == 50_000
    lines = written(con, query, Format.ndjson)[0].splitlines()
    assert [json.loads(line)["i"] for line in lines] == list(range(50_000))
    table = csv.read_csv(io.BytesIO(written(con, query, Format.csv)[0]))
    assert table["i"].to_pylist() == list(range(50_000))
    table = parquet.read_table(io.BytesIO(written(con, query, Format.parquet)[0]))
    assert table["i"].to_pylist() == list(range(50_000))
    table = ipc.open_stream(written(con, query, Format.arrow)[0]).read_all()
    assert table["name"].to_pylist() == [f"x{i}" for i in range(50_000)]


@pytest.mark.parametrize("fmt", [f for f in Format if f is not Format.table])
def test_no_rows_are_well_formed_too(con: duckdb.DuckDBPyConnection, fmt: Format) -> None:
    data, rows = written(con, "SELECT 1 AS a WHERE FALSE", fmt)
    assert rows == 0
    match fmt:
        case Format.json:
            assert json.loads(data) == []
        case Format.ndjson:
            assert data == b""
        case Format.csv:
            assert data == b'"a"\n'
        case Format.arrow:
            assert ipc.open_stream(data).read_all().schema.names == ["a"]
        case _:
            assert parquet.read_table(pa.BufferReader(data)).schema.names == ["a"]


@pytest.mark.parametrize("fmt", [f for f in Format if f is not Format.table])
def test_writing_ends_between_batches_when_asked_to(
    con: duckdb.DuckDBPyConnection, fmt: Format
) -> None:
    answers = iter([True, False])
    stream = io.BytesIO()
    rows = write_rows(
        con.sql("FROM range(1_000_000)"), fmt, stream, go_on=lambda: next(answers, False)
    )
    assert 0 < rows < 1_000_000


@pytest.mark.parametrize("fmt", [f for f in Format if f is not Format.table])
def test_a_reader_that_left_is_a_broken_pipe(con: duckdb.DuckDBPyConnection, fmt: Format) -> None:
    with pytest.raises(BrokenPipeError):
        write_rows(con.sql("FROM range(100_000)"), fmt, cast("IO[bytes]", Broken()))


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    with replacing(path) as stream:
        stream.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]
