"""`spanduck list`."""

import time
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from spanduck._output.consoles import say_done, stdout
from spanduck._output.ending import ending_well
from spanduck._output.formats import ListFormat
from spanduck.cli.options import Filter, ProjectArgument, Space, names_option, time_option


def list_(
    project: ProjectArgument,
    *,
    where: Filter = None,
    start: Annotated[
        datetime | None,
        time_option(
            help="First start of a span that is wanted: ISO 8601, in UTC unless it says another"
            " zone.  [default: seven days ago]"
        ),
    ] = None,
    end: Annotated[
        datetime | None, time_option(help="Last start, inclusive.  [default: now]")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most spans that are listed.")] = 50,
    columns: Annotated[
        list[str] | None,
        names_option(
            help="Of attributes, evaluations and annotations only these: names with commas between"
            " them."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, names_option(help="All but these: names with commas between them.")
    ] = None,
    truncate: Annotated[
        int | None,
        typer.Option(min=1, help="Most characters of a text in attributes.", metavar="N"),
    ] = None,
    space: Space = None,
    fmt: Annotated[
        ListFormat, typer.Option("--format", "-f", help="How spans are written.")
    ] = ListFormat.table,
) -> None:
    """List the newest spans of a project.

    A table shows the fields that fit a line, and those of --columns; the other formats all that the
    service sends. For more than some thousand spans `spanduck export` is faster.
    """
    if columns and exclude:
        raise typer.BadParameter("It excludes --columns.", param_hint="--exclude")
    with ending_well():
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.lists import list_spans
        from spanduck.client import SpansClient

        with run_interruptibly(SpansClient, int) as client:
            began = time.monotonic()
            work = partial(
                list_spans,
                client,
                fmt,
                stdout(),
                limit=limit,
                project=project,
                space=space,
                filter=where,
                included_columns=columns,
                excluded_columns=exclude,
                truncate_string_length=truncate,
                start_time=start,
                end_time=end,
            )
            done = run_interruptibly(work, client.close)
        say_done(done, began)
