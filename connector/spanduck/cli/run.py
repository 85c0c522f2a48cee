"""`spanduck run`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from spanduck._output.consoles import stderr
from spanduck._output.ending import ending_well
from spanduck.cli.options import Database


def run(
    models: Annotated[
        list[Path], typer.Argument(help="SQL models to run.", metavar="MODEL.sql...")
    ],
    *,
    project: Annotated[
        str | None, typer.Option(help="Another project than the models name.", metavar="NAME")
    ] = None,
    database: Database = ":memory:",
) -> None:
    """Run SQL models and write their rows back as evaluations.

    A model is one SELECT with /* spanduck ... */ at its head, which names the kind and the project.
    All models are run, also after one that fails; exit status 1 when a value was not written.
    """
    with ending_well() as ending:
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.reports import show_report
        from spanduck._write_back import run_model
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        for path in models:
            with ending.going_on():
                report = run_interruptibly(
                    partial(run_model, con, path, project=project), partial(cancel, con)
                )
                with report:
                    show_report(stderr(), path.name, report)
                    ending.is_failed |= report.values != report.accepted + report.duplicate
