"""`spanduck query`."""

import sys
import time
from contextlib import nullcontext
from functools import partial
from typing import Annotated

import typer

from spanduck._output.consoles import Done, say_done, stdout
from spanduck._output.ending import ending_well
from spanduck._output.formats import Format
from spanduck.cli.options import Database, Output, SqlArgument, format_of_rows, sql_text


def query(
    sql: SqlArgument,
    *,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How rows are written. By default a table, or what the name of --output ends in."
            " json is one array, ndjson an object a line.",
        ),
    ] = None,
    output: Output = None,
    database: Database = ":memory:",
    max_rows: Annotated[int, typer.Option(min=1, help="Rows that a table shows.")] = 100,
) -> None:
    """Run SQL over spans, evaluations and your own tables.

    The table functions are spans('project'), evaluations('project'), annotations('project') and
    projects(). Conditions on spans are sent to the service as far as it understands them; see
    `spanduck explain`.
    """
    fmt = format_of_rows(fmt, output)
    with ending_well() as ending:
        text = sql_text(sql)
        from spanduck._export.replacing import replacing
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.reports import count
        from spanduck._output.results import run_query
        from spanduck._output.tables import show_table
        from spanduck._output.writers import write_rows
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        began = time.monotonic()
        with replacing(output) if output else nullcontext(sys.stdout.buffer) as stream:

            def work() -> Done:
                relation = run_query(con, text)
                if relation is None:
                    return Done("done")
                if fmt is not Format.table:
                    return Done(count(write_rows(relation, fmt, stream), "row"))
                reader = relation.to_arrow_reader(max_rows + 1)
                shown = show_table(stdout(), reader, max_rows=max_rows)
                rows = count(shown.rows, "row")
                if shown.has_more:
                    return Done(f"{rows} shown of more", "--max-rows shows them")
                return Done(rows)

            done = run_interruptibly(work, partial(cancel, con))
        say_done(done, began, output)
