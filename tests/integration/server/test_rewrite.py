from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from spanduck import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def caller(tmp_path: Path, tools: Any) -> Iterator[Any]:
    """A caller of a server that rewrites tables from a thousand dead rows on."""
    with tools.rewriting_server(tmp_path) as made:
        yield made
    # All tables were replaced by copies without the dead rows.
    for name, dead in _spans_tables(tmp_path):
        assert "_v" in name
        assert dead < 1_000


def _spans_tables(folder: Path) -> list[tuple[str, int]]:
    """The tables in the store of a stopped server."""
    with duckdb.connect(folder / "store.duckdb") as connection:
        rows: list[tuple[str, int]] = connection.execute(
            "SELECT name, dead_rows FROM tables ORDER BY role DESC, number"
        ).fetchall()
        return rows


def test_a_table_of_mostly_dead_rows_is_rewritten(caller: Any, tools: Any, tmp_path: Path) -> None:
    caller.upload(tools.spans(2_000, **{"attributes.a": range(2_000)}))
    scores = {"context.span_id": [f"span-{n:012d}" for n in range(2_000)]}
    for score in (1.0, 2.0):
        caller.put(pa.table({**scores, "eval.Q.score": [score] * 2_000}))
        said = {
            "annotation.Q.score": [score] * 2_000,
            "annotation.notes": pa.array([["a note"]] * 2_000, pa.list_(pa.string())),
        }
        caller.put(pa.table({**scores, **said}), kind="annotations")
    reading = caller.info(stream_chunk_size=100)
    reader = caller.flight.do_get(reading.endpoints[0].ticket, caller.options)
    rows = reader.read_chunk().data.num_rows
    for number in range(3):
        # New columns and replaced rows, while an old snapshot is being read.
        caller.upload(tools.spans(2_000, **{f"attributes.b{number}": range(2_000)}))
        time.sleep(0.5)
    rows += sum(chunk.data.num_rows for chunk in reader)
    assert rows == 2_000
    back = caller.export().sort_by("context.span_id")
    assert back["attributes.b2"].to_pylist() == list(range(2_000))
    assert back["attributes.b1"].null_count == 2_000
    assert back["eval.Q.score"].to_pylist() == [2.0] * 2_000
    assert back["annotation.Q.score"].to_pylist() == [2.0] * 2_000
    assert back["annotation.notes"].to_pylist() == [["a note"] * 2] * 2_000
    assert caller.status()["open_streams"] == 0


def test_few_dead_rows_are_left_alone(tools: Any, tmp_path: Path) -> None:
    with embedded.serve(tmp_path) as server:
        one = tools.Caller(server)
        for _ in range(3):
            one.upload(tools.spans(100))
        one.close()
    assert _spans_tables(tmp_path) == [
        ("spans_1_0", 200),
        ("notes_1_0", 0),
        ("evaluations_1_0", 0),
        ("annotations_1_0", 0),
    ]
