"""`spanduck filter`."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from spanduck._output.ending import Ending, ending_well
from spanduck._output.formats import TextFormat
from spanduck.cli.options import TextOrJson, utf_8

if TYPE_CHECKING:
    import pyarrow as pa


def filter_(
    text: Annotated[
        str | None, typer.Argument(help="The filter, or - for stdin.", metavar="TEXT")
    ] = None,
    *,
    from_sql: Annotated[
        str | None,
        typer.Option(
            help="Make a filter of this SQL condition, with or without WHERE; - for stdin.",
            metavar="CONDITION",
        ),
    ] = None,
    dialect: Annotated[
        str, typer.Option(help="Dialect that the SQL is written in.", metavar="NAME")
    ] = "duckdb",
    project: Annotated[
        str | None,
        typer.Option(
            help="Read names and types as this project has them. Without it any field may be there,"
            " and no server is asked.",
            metavar="NAME",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A field that the project lacks is an error.")
    ] = False,
    fmt: TextOrJson = TextFormat.text,
) -> None:
    """Check a span filter and show what it means, as SQL too.

    With --from-sql the other way round: what of a SQL condition is sent to the service, and what is
    left to DuckDB. Exit status 1 when the text is wrong; a caret shows where.
    """
    given = text if from_sql is None else from_sql
    if given is None or (text is not None and from_sql is not None):
        raise typer.BadParameter("Give either a filter or --from-sql with a condition.")
    with ending_well() as ending:
        given = utf_8(sys.stdin.read() if given == "-" else given)
        from spanduck._config import load_settings
        from spanduck._output.filters import tell_condition, tell_filter

        _check_dialect(dialect)
        schema = None if project is None else _schema_of(project, ending)
        if from_sql is None:
            tell_filter(given, schema, dialect=dialect, strict=strict, fmt=fmt)
        else:
            tell_condition(given, schema, mode=load_settings().local.pushdown, fmt=fmt)


def _check_dialect(name: str) -> None:
    from spanduck_sql.errors import did_you_mean
    from spanduck_sql.translate import dialects

    if name not in dialects():
        hint = did_you_mean(name, dialects()) or f"Known are {', '.join(dialects())}."
        raise typer.BadParameter(f"no dialect {name!r}. {hint}", param_hint="--dialect")


def _schema_of(project: str, ending: Ending) -> "pa.Schema":
    from spanduck._explain import columns_of_project
    from spanduck._output.interrupts import run_interruptibly
    from spanduck.table_function import cancel, connect

    con = ending.connection = run_interruptibly(connect, int)
    return run_interruptibly(partial(columns_of_project, con, project), partial(cancel, con))
