"""What `spanduck filter` tells: a filter as SQL, and what of a SQL condition is a filter."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from spanduck._output.consoles import stderr, stdout
from spanduck._output.formats import TextFormat
from spanduck._scan.window import sent_window
from spanduck.exceptions import FilterError
from spanduck_sql.language.columns import columns_of_schema
from spanduck_sql.translate import filter_to_sql, sql_to_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from rich.console import Console

    from spanduck_sql.pushdown import Pushing, Window
    from spanduck_sql.translate import FilterAsSql

NOTHING: Final = "(none)"


def tell_filter(
    text: str, schema: pa.Schema | None, *, dialect: str, strict: bool, fmt: TextFormat
) -> None:
    """Tell a filter's normal form, its SQL and the columns it reads; warnings on stderr.

    Args:
        text: The filter.
        schema: What the project has, as declared; None when any field may be there.
        dialect: What the SQL is written in.
        strict: A field that the project lacks is an error.
        fmt: Text, or one JSON object that has the error too.

    Raises:
        FilterError: The text is no filter.
    """
    columns = None if schema is None else columns_of_schema(schema)
    told: dict[str, Any] = dict.fromkeys(("normal", "sql", "columns"))
    with _json_of(told, fmt):
        meaning = filter_to_sql(text, columns, dialect=dialect, strict=strict)
        told |= {
            "normal": meaning.normal,
            "sql": meaning.sql,
            "columns": list(meaning.columns),
        }
    if fmt is TextFormat.text:
        show_labelled(
            stdout(),
            [
                ("filter", meaning.normal),
                ("sql", meaning.sql),
                ("columns", ", ".join(meaning.columns)),
            ],
        )
    _show_warnings(stderr(), meaning)


def tell_condition(text: str, schema: pa.Schema | None, *, mode: Pushing, fmt: TextFormat) -> None:
    """Tell what of a SQL condition travels, what is left, and why.

    Args:
        text: The condition.
        schema: What the project has, as declared; None when any field may be there.
        mode: Whether negative conditions on text travel.
        fmt: Text, or one JSON object that has the error too. Its window has the whole seconds that
            are sent, null where it is open.

    Raises:
        FilterError: The text is no condition.
    """
    told: dict[str, Any] = dict.fromkeys(("filter", "residual", "not_pushed", "window"))
    with _json_of(told, fmt):
        split = sql_to_filter(text, schema, mode=mode)
        start, end = _sent(split.window)
        told |= {
            "filter": split.filter_text or None,
            "residual": split.residual,
            "not_pushed": [
                {"predicate": predicate, "reason": reason} for predicate, reason in split.not_pushed
            ],
        }
        if split.window.is_bounded:
            told["window"] = {
                "start_time": None if start is None else start.isoformat(),
                "end_time": None if end is None else end.isoformat(),
            }
    if fmt is TextFormat.text:
        console = stdout()
        show_labelled(
            console,
            [
                ("filter", split.filter_text or NOTHING),
                ("window", window_text(start, end, is_empty=split.window.is_empty)),
                ("residual", split.residual),
            ],
        )
        show_not_pushed(console, split.not_pushed)


@contextmanager
def _json_of(told: dict[str, Any], fmt: TextFormat) -> Iterator[None]:
    """Print what was told once the work is done, also when it found a mistake."""
    error = None
    try:
        yield
    except FilterError as exc:
        error = exc.to_dict()
        raise
    finally:
        if fmt is TextFormat.json:
            sys.stdout.write(json.dumps({**told, "error": error}, indent=2) + "\n")


def _show_warnings(console: Console, meaning: FilterAsSql) -> None:
    for warning in meaning.warnings:
        console.print(Text.assemble(("warning: ", "yellow"), warning), soft_wrap=True)
    if meaning.undocumented:
        names = ", ".join(meaning.undocumented)
        verb = "is" if len(meaning.undocumented) == 1 else "are"
        console.print(
            Text.assemble(
                ("note: ", "dim"),
                f"{names} {verb} not documented by the service, which may refuse the filter",
            ),
            soft_wrap=True,
        )


def show_labelled(console: Console, fields: Iterable[tuple[str, str]], *, indent: str = "") -> None:
    """Show values one below the other, each after its label."""
    for label, value in fields:
        line = Text.assemble(indent, (f"{label:<10}", "bold"), value)
        console.print(line, soft_wrap=True)


def show_not_pushed(
    console: Console, not_pushed: Iterable[tuple[str, str]], *, indent: str = ""
) -> None:
    """Show the conditions that do not travel, each with its reason on a line of its own."""
    label = "not sent"
    for predicate, reason in not_pushed:
        show_labelled(console, [(label, predicate), ("", f"  {reason}")], indent=indent)
        label = ""


def window_text(start: datetime | None, end: datetime | None, *, is_empty: bool = False) -> str:
    """Write a window for people; an end that is None is open."""
    if is_empty:
        return "(empty: no span can be in it)"
    parts = []
    if start is not None:
        parts.append(f"from {_moment(start)}")
    if end is not None:
        parts.append(f"until {_moment(end)}")
    return " ".join(parts) or "(open)"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _sent(window: Window) -> tuple[datetime | None, datetime | None]:
    start, end = sent_window(window, datetime.now(UTC))
    return (
        None if window.start is None else start,
        None if window.end is None else end,
    )
