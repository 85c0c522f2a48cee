"""`spanduck export`."""

import sys
import time
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from spanduck._output.consoles import say_done
from spanduck._output.ending import ending_well
from spanduck._output.formats import Format
from spanduck.cli.options import (
    Filter,
    Output,
    ProjectArgument,
    Space,
    format_of_rows,
    names_option,
    time_option,
)


def export(
    project: ProjectArgument,
    *,
    where: Filter = None,
    start: Annotated[
        datetime | None,
        time_option(
            help="First start of a span that is wanted: ISO 8601, in the local zone unless it says"
            " another."
        ),
    ] = None,
    end: Annotated[datetime | None, time_option(help="The same, exclusive.")] = None,
    columns: Annotated[
        list[str] | None,
        names_option(help="Only these columns: names with commas between them."),
    ] = None,
    sample_rate: Annotated[
        float | None, typer.Option(help="Share of the traces, 0.000001 to 1.", metavar="SHARE")
    ] = None,
    space: Space = None,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How spans are written. By default a table, or what the name of --output ends in.",
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Export the spans of a project as they are, to a file or to stdout.

    Without --start and --end it is every span that the service holds. Parquet and Arrow have the
    service's own types, as SpansClient.export has them; the other formats have times and JSON.
    """
    fmt = format_of_rows(fmt, output)
    with ending_well():
        from spanduck._export.replacing import replacing
        from spanduck._output.exports import export_spans
        from spanduck._output.interrupts import run_interruptibly
        from spanduck.client import SpansClient

        # The file is of this thread, which takes it away at Ctrl-C, whatever the other is in.
        with (
            replacing(output) if output else nullcontext(sys.stdout.buffer) as stream,
            run_interruptibly(SpansClient, int) as client,
        ):
            began = time.monotonic()
            work = partial(
                export_spans,
                client,
                fmt,
                stream,
                project_name=project,
                space=space,
                where=where or "",
                columns=columns,
                sample_rate=sample_rate,
                start_time=start,
                end_time=end,
            )
            done = run_interruptibly(work, client.close)
        say_done(done, began, output)
