"""`spanduck explain`."""

from functools import partial
from typing import Annotated

import typer

from spanduck._output.ending import ending_well
from spanduck._output.formats import TextFormat
from spanduck.cli.options import SqlArgument, TextOrJson, sql_text


def explain(
    sql: SqlArgument,
    *,
    fmt: TextOrJson = TextFormat.text,
    database: Annotated[
        str, typer.Option(help="DuckDB database file to plan on, with its tables.", metavar="FILE")
    ] = ":memory:",
) -> None:
    """Show what a statement would ask the service for.

    It is planned, not run. For each spans(...), evaluations(...) and annotations(...): the window,
    the filter that is sent, the columns, what is applied again here, how many rows come, and which
    conditions are not sent and why.
    """
    with ending_well() as ending:
        text = sql_text(sql)
        from spanduck._explain import explain as explain_statement
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.plans import tell_plans
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        work = partial(explain_statement, con, text)
        tell_plans(run_interruptibly(work, partial(cancel, con)), fmt)
