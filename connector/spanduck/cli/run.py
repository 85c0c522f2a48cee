"""`spanduck plan` and `spanduck run`."""

import threading
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanduck._output.ending import ending_well
from spanduck._output.formats import SummaryFormat
from spanduck.cli.options import Database, Space

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from spanduck._write_back.models import ModelOutcome


class _Against(StrEnum):
    state = "state"
    service = "service"


def _limit(given: str | None) -> float | None:
    if given is None:
        return None
    # Imported here: `--help` waits for nothing that takes long to import.
    from spanduck._write_back.limits import parse_limit
    from spanduck.exceptions import ValidationError

    try:
        return parse_limit(given)
    except ValidationError as exc:
        raise typer.BadParameter(str(exc)) from exc


_NOTING_S = 5.0
"""A run that was told to end does so much sooner; on a busy machine it must still note that."""

Models = Annotated[
    list[str], typer.Argument(help="SQL models, and folders of them.", metavar="MODEL...")
]
Project = Annotated[
    str | None, typer.Option(help="Another project than the models name.", metavar="NAME")
]
State = Annotated[
    str | None,
    typer.Option(
        help="DuckDB file that remembers what was accepted; :memory: for none. By default the"
        " file of --database, else state.duckdb in the local folder.",
        metavar="FILE",
    ),
]
Against = Annotated[
    _Against,
    typer.Option(
        help="What the values are compared with: the state, or what the service holds now.",
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Read and send everything again.")]
OnlyFailed = Annotated[
    bool, typer.Option("--only-failed", help="Only values that earlier runs did not write.")
]
MostValues = Annotated[
    int | None, typer.Option(min=0, help="Most values to send of each model.", metavar="N")
]
MaxInvalid = Annotated[
    str | None,
    typer.Option(
        callback=_limit,
        help="Stop a model before it sends when more values are invalid: a number, or a share"
        " like 5%.",
        metavar="N|SHARE",
    ),
]
MaxRejected = Annotated[
    str | None,
    typer.Option(
        callback=_limit,
        help="Stop a model while it sends when the service refused more: likewise.",
        metavar="N|SHARE",
    ),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Models that run side by side.  [default: 4]", metavar="N")
]
SummaryOption = Annotated[
    SummaryFormat, typer.Option("--format", "-f", help="For a person, or for a program.")
]


def plan(
    models: Models,
    *,
    project: Project = None,
    space: Space = None,
    database: Database = ":memory:",
    state: State = None,
    against: Against = _Against.state,
    full: Full = False,
    only_failed: OnlyFailed = False,
    limit: MostValues = None,
    jobs: Jobs = None,
    fmt: SummaryOption = SummaryFormat.table,
) -> None:
    """Show what `spanduck run` would send, with examples; nothing is sent.

    The models are run and their values compared, so it costs what reading costs. Exit status 1
    when a model fails or a value is invalid.
    """
    chosen = _chosen(project, space, state, against, limit, full=full, only_failed=only_failed)
    _run(models, database, jobs, fmt, {**chosen, "dry_run": True})


def run(
    models: Models,
    *,
    project: Project = None,
    space: Space = None,
    database: Database = ":memory:",
    state: State = None,
    against: Against = _Against.state,
    full: Full = False,
    only_failed: OnlyFailed = False,
    limit: MostValues = None,
    max_invalid: MaxInvalid = None,
    max_rejected: MaxRejected = None,
    jobs: Jobs = None,
    fmt: SummaryOption = SummaryFormat.table,
) -> None:
    """Run SQL models and write back what has changed of their rows.

    A model is one SELECT with /* spanduck ... */ at its head, which names the project. What the
    service has accepted is remembered, and not sent again. A run that was interrupted is finished
    by the next one. All models are run, also after one that fails; exit status 1 when a model
    fails or a value was not written.
    """
    chosen = _chosen(project, space, state, against, limit, full=full, only_failed=only_failed)
    limits = {"max_invalid": max_invalid, "max_rejected": max_rejected}
    _run(models, database, jobs, fmt, {**chosen, **limits})


# `Any` here and below: arguments of `run_model`.
def _chosen(
    project: str | None,
    space: str | None,
    state: str | None,
    against: _Against,
    limit: int | None,
    *,
    full: bool,
    only_failed: bool,
) -> dict[str, Any]:
    return {
        "project": project,
        "space": space,
        "state": state,
        "against": str(against),
        "full": full,
        "only_failed": only_failed,
        "limit": limit,
    }


def _run(
    models: list[str],
    database: str,
    jobs: int | None,
    fmt: SummaryFormat,
    options: dict[str, Any],
) -> None:
    with ending_well() as ending:
        from spanduck._output.failures import EXPECTED
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.models import show_summary
        from spanduck.table_function import connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        given = {name: value for name, value in options.items() if value is not None}
        outcomes = _outcomes(con, models, jobs, fmt, given)
        show_summary(outcomes, fmt)
        ending.is_failed = any(outcome.is_failed for outcome in outcomes)
        for outcome in outcomes:
            outcome.close()
            if outcome.failure is not None and not isinstance(outcome.failure, EXPECTED):
                raise outcome.failure


def _outcomes(
    con: "DuckDBPyConnection",
    models: list[str],
    jobs: int | None,
    fmt: SummaryFormat,
    options: dict[str, Any],
) -> "list[ModelOutcome]":
    from spanduck._output.interrupts import run_interruptibly
    from spanduck._output.models import show_outcome
    from spanduck._write_back.models import JOBS, run_models
    from spanduck._write_back.state import wait_for_runs
    from spanduck.table_function import cancel

    stop = threading.Event()

    def end() -> None:
        stop.set()
        cancel(con)

    def tell(outcome: "ModelOutcome") -> None:
        # That they were ended is told once, for all of them.
        if outcome.failure is None or not stop.is_set():
            show_outcome(outcome, fmt)

    work = partial(run_models, con, models, jobs=jobs or JOBS, stop=stop, on_end=tell, **options)
    try:
        return run_interruptibly(work, end)
    except KeyboardInterrupt:
        wait_for_runs(_NOTING_S)
        raise
