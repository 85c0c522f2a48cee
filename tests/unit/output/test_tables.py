"""Tables for people fit the screen, never cut a number, and read no more than they show."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from rich.console import Console

from spanduck._output.tables import show_table

if TYPE_CHECKING:
    from collections.abc import Iterator


def shown(table: pa.Table, *, width: int = 80, is_terminal: bool = True, **kwargs: Any) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None
    )
    show_table(console, table.to_reader(), **kwargs)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_values_read_as_people_write_them() -> None:
    with duckdb.connect() as con:
        table = con.sql(
            "SELECT TIMESTAMPTZ '2024-01-02 10:00:00+00' AS at, 0.1 + 0.2::DOUBLE AS x, TRUE AS b,"
            " NULL AS n, ['a'] AS l, 'two\nlines' AS t"
        ).to_arrow_table()
    text = shown(table, width=120)
    for piece in ("2024-01-02 10:00:00Z", "0.3", "true", "NULL", '["a"]', "two⏎lines"):
        assert piece in text


def test_markup_in_values_and_names_is_shown_as_it_is() -> None:
    assert "[red]x[/red]" in shown(pa.table({"a": ["[red]x[/red]"]}))
    assert "[bold]" in shown(pa.table({"[bold]": ["x"]}))


def test_long_texts_are_cut_on_a_terminal_and_numbers_are_not() -> None:
    table = pa.table({"text": ["x" * 500], "number": [12345678901234567]})
    text = shown(table, width=50)
    assert "…" in text
    assert "12345678901234567" in text
    assert max(map(len, text.splitlines())) <= 50


def test_nothing_is_cut_where_no_terminal_is() -> None:
    assert "x" * 500 in shown(pa.table({"text": ["x" * 500]}), is_terminal=False)


def test_columns_that_do_not_fit_are_shown_record_by_record() -> None:
    table = pa.table({f"column_{i}": ["some value here"] for i in range(30)})
    text = shown(table)
    assert "row 1" in text
    assert text.count("some value here") == 30
    assert max(map(len, text.splitlines())) <= 80


def test_no_more_is_read_than_is_shown() -> None:
    read = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(1_000):
            read.append(number)
            yield pa.record_batch({"i": list(range(10))})

    reader = pa.RecordBatchReader.from_batches(pa.schema({"i": pa.int64()}), batches())
    console = Console(file=io.StringIO(), width=80)
    result = show_table(console, reader, max_rows=15)
    assert (result.rows, result.has_more) == (15, True)
    assert len(read) == 2


def test_an_empty_result_has_its_header() -> None:
    table = pa.table({"a": pa.array([], pa.int64())})
    assert "a" in shown(table)
