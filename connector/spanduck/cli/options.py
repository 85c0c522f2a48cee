"""Arguments and options that several commands have: their types, and how their values are read."""

import csv
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from spanduck._output.files import reason
from spanduck._output.formats import Format, TextFormat


def utf_8(text: str) -> str:
    """Return the text, which came from the command line or stdin, when it is valid."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise typer.BadParameter("The text is not valid UTF-8.") from exc
    return text


def sql_text(given: str) -> str:
    """Return the SQL of an argument, of the file that it names, or of stdin."""
    if given == "-":
        return utf_8(sys.stdin.read())
    if not given.endswith(".sql"):
        return utf_8(given)
    try:
        return Path(given).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise typer.BadParameter(f"cannot read {given}: {reason(exc)}", param_hint="SQL") from exc


def format_of_rows(fmt: Format | None, output: Path | None) -> Format:
    """Return the format that is asked for, or that the name of the file tells."""
    if output is None:
        chosen = fmt or Format.table
        if chosen.is_binary and sys.stdout.isatty():
            raise typer.BadParameter(
                f"{chosen} is not for a terminal. Name a file with --output, or redirect stdout.",
                param_hint="--format",
            )
        return chosen
    of_file = fmt or Format.of_file(output)
    if of_file is None:
        raise typer.BadParameter(
            f"{output.name} does not tell the format. Add --format.", param_hint="--output"
        )
    if of_file is Format.table:
        raise typer.BadParameter("A table is for reading, not for a file.", param_hint="--format")
    return of_file


def _moment(given: str | datetime) -> datetime:
    if isinstance(given, datetime):
        return given
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as exc:
        raise typer.BadParameter(
            f"{given!r} is no time. Write it like 2026-11-01 or 2026-11-01T12:00:00Z."
        ) from exc
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)


def _names(given: list[str] | None) -> list[str] | None:
    # As a line of CSV, so that a name with a comma can be given in quotes.
    lines = csv.reader(given or [], skipinitialspace=True)
    names = [name.strip() for line in lines for name in line]
    if given and not all(names):
        raise typer.BadParameter("A name is empty.")
    return names or None


def _not_blank(given: str | None) -> str | None:
    if given is not None and not given.strip():
        raise typer.BadParameter("It is empty. Leave it out for none.")
    return given


time_option = partial(typer.Option, parser=_moment, metavar="TIME")
"""Of a `datetime`: ISO 8601, in UTC unless it says another zone."""

names_option = partial(typer.Option, callback=_names, metavar="NAMES")
"""Of a list: names with commas between them; the option may be repeated."""

ProjectArgument = Annotated[
    str, typer.Argument(help="Name or id of the project.", metavar="PROJECT")
]
SqlArgument = Annotated[
    str, typer.Argument(help="SQL text, a file that holds it, or - for stdin.", metavar="SQL")
]
Database = Annotated[
    str, typer.Option(help="DuckDB database file to run on, with its tables.", metavar="FILE")
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        help="Span filter, which the service evaluates.",
        metavar="FILTER",
        callback=_not_blank,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this file, which appears once it is complete."),
]
Space = Annotated[
    str | None, typer.Option(help="Another space than the configured one.", metavar="SPACE")
]
TextOrJson = Annotated[
    TextFormat, typer.Option("--format", "-f", help="For a person, or for a program.")
]
