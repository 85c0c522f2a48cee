"""`spanduck log`."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from spanduck._output.ending import ending_well
from spanduck._output.formats import FileFormat
from spanduck.cli.options import Space


def log(
    context: typer.Context,
    project: Annotated[
        str, typer.Argument(help="Name of the project; made if there is none.", metavar="PROJECT")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of spans: Parquet, Arrow, CSV, JSON.",
            metavar="FILE...",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    evaluations: Annotated[
        Path | None,
        typer.Option(
            "--evals",
            help="File of evaluations of the spans, instead of those in the files themselves.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    space: Space = None,
    fmt: Annotated[
        FileFormat | None,
        typer.Option("--format", "-f", help="What the files are. By default what their names say."),
    ] = None,
    datetime_format: Annotated[
        str | None,
        typer.Option(help="strptime format of times that are not ISO 8601.", metavar="FORMAT"),
    ] = None,
    skip_rows: Annotated[
        int,
        typer.Option(
            help="Rows of the first file that are stored already, to go on after a failure.",
            metavar="N",
            min=0,
        ),
    ] = 0,
) -> None:
    """Upload spans from files.

    Columns are called as the service calls them: context.span_id, context.trace_id, name,
    start_time and end_time must be there; columns of evaluations are sent along. Of a file with a
    wrong row nothing is sent, and the rows are named with what is wrong; the other files are sent
    all the same, and the exit status is 1. A large file is sent in several calls; when one of them
    fails, or at Ctrl-C, the command that goes on from there is printed.
    """
    formats = [_file_format(path, fmt) for path in files]
    evaluations_format = None if evaluations is None else _file_format(evaluations, fmt)
    with ending_well() as ending:
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.uploads import log_files
        from spanduck.client import SpansClient

        options = {
            "--evals": evaluations,
            "--space": space,
            "--format": fmt,
            "--datetime-format": datetime_format,
        }
        with run_interruptibly(SpansClient, int) as client:
            log_files(
                client,
                list(zip(files, formats, strict=True)),
                ending=ending,
                command=partial(_command, context, project, options),
                skip_rows=skip_rows,
                evaluations=evaluations,
                evaluations_format=evaluations_format,
                project_name=project,
                space=space,
                **({"datetime_format": datetime_format} if datetime_format else {}),
            )


def _command(
    context: typer.Context,
    project: str,
    options: dict[str, Path | str | None],
    files: Sequence[Path],
    skip_rows: int,
) -> str:
    """Return the command line that goes on with these files."""
    profile = context.find_root().params.get("profile")
    given = [("--profile", profile)] if profile is not None else []
    words = ["spanduck", *(word for pair in given for word in pair), "log", project]
    words += [str(path) for path in files]
    for name, value in options.items():
        words += [] if value is None else [name, str(value)]
    return shlex.join([*words, "--skip-rows", str(skip_rows)])


def _file_format(path: Path, given: FileFormat | None) -> FileFormat:
    fmt = given or FileFormat.of_file(path)
    if fmt is None:
        raise typer.BadParameter(
            f"{path.name} does not tell the format. Add --format.", param_hint="--format"
        )
    return fmt
