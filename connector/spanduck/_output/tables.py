"""Results for people: tables that fit the screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from rich import box
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

TABLE_ROWS: Final = 100
"""Rows that are shown; more are for the other formats."""

_CELL_WIDTH: Final = 60
_WIDE_CELL_WIDTH: Final = 2_000
_NARROWEST: Final = 10
_GUTTER: Final = 3
_PLAN: Final = ["explain_key", "explain_value"]


@dataclass(frozen=True)
class Shown:
    """What a table showed.

    Attributes:
        rows: Rows shown.
        has_more: Whether the result has rows beyond them.
    """

    rows: int
    has_more: bool


def show_table(
    console: Console, reader: pa.RecordBatchReader, *, max_rows: int = TABLE_ROWS
) -> Shown:
    """Show the first rows of a result.

    Columns that do not fit on a terminal side by side are shown one below the other, a record at a
    time. Where the console is no terminal nothing is cut but texts of thousands of characters.

    Args:
        console: Where to.
        reader: Read as far as needed and closed, which ends the query.
        max_rows: Rows to show.
    """
    batches, count = [], 0
    with reader:
        schema = reader.schema
        for batch in reader:
            batches.append(batch)
            count += len(batch)
            if count > max_rows:
                break
    table = pa.Table.from_batches(batches, schema).slice(0, max_rows)
    if schema.names == _PLAN:
        # A plan is a drawing of many lines; a cell would spoil it.
        for plan in table.column(1).to_pylist():
            console.print(Text(plan), soft_wrap=True)
        return Shown(len(table), has_more=False)
    limit = _CELL_WIDTH if console.is_terminal else _WIDE_CELL_WIDTH
    columns = [[_cell(value, limit) for value in column.to_pylist()] for column in table.columns]
    natural = [
        max([cell_len(name), *(text.cell_len for text in texts)])
        for name, texts in zip(schema.names, columns, strict=True)
    ]
    if console.is_terminal:
        widths = _fitted(natural, schema, console.width)
        if widths is None and len(table):
            _show_records(console, schema.names, columns)
        else:
            console.print(_grid(schema, columns, widths or natural))
    else:
        screen = console.width
        console.width = max(screen, sum(natural) + _GUTTER * len(natural))
        console.print(_grid(schema, columns, natural))
        console.width = screen
    return Shown(len(table), count > max_rows)


def _fitted(natural: Sequence[int], schema: pa.Schema, width: int) -> list[int] | None:
    """Narrow the widest texts until the columns fit side by side, or say that they cannot."""
    widths = list(natural)
    texts = [place for place, field in enumerate(schema) if not _is_number(field.type)]
    excess = sum(widths) + _GUTTER * len(widths) - width
    while excess > 0:
        widest = max(texts, key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            return None
        widths[widest] -= 1
        excess -= 1
    return widths


def _is_number(dtype: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype)
    )


def _grid(schema: pa.Schema, columns: Sequence[Sequence[Text]], widths: Sequence[int]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for field, width in zip(schema, widths, strict=True):
        grid.add_column(
            escape(field.name),
            justify="right" if _is_number(field.type) else "left",
            # One line a row; a text that is cut ends in an ellipsis, a number is never cut.
            no_wrap=True,
            overflow="ellipsis",
            width=width,
        )
    for row in zip(*columns, strict=True):
        grid.add_row(*row)
    return grid


def _show_records(
    console: Console, names: Sequence[str], columns: Sequence[Sequence[Text]]
) -> None:
    for number, row in enumerate(zip(*columns, strict=True), 1):
        console.rule(Text(f"row {number}", style="dim"), align="left", style="dim")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="ellipsis", no_wrap=True)
        for name, text in zip(names, row, strict=True):
            grid.add_row(escape(name), text)
        console.print(grid)


def _cell(value: Any, limit: int) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    text = _render(value).replace("\r", "").replace("\n", "⏎").replace("\t", " ")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return Text(text)


def _render(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            # Ten digits are enough to tell values apart and few enough to read.
            return f"{value:.10g}"
        case datetime():
            return _moment(value)
        case str():
            return value
        case bytes():
            return value.hex()
        case int() | Decimal() | date() | timedelta():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False, default=_render)


def _moment(value: datetime) -> str:
    zoned = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    spec = "milliseconds" if zoned.microsecond % 1000 == 0 else "microseconds"
    text = zoned.isoformat(" ", spec if zoned.microsecond else "seconds")
    return f"{text}Z" if value.tzinfo else text
