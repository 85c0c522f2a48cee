"""Several models at once: one that fails stops no other."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from spanduck._function.database import database_of
from spanduck._progress import owned
from spanduck._write_back.model import read_model
from spanduck._write_back.outcomes import Status
from spanduck._write_back.run import run_model
from spanduck.exceptions import CancelledError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    from duckdb import DuckDBPyConnection

    from spanduck._write_back.model import Model
    from spanduck._write_back.plan import WritePlan
    from spanduck._write_back.report import WriteBackReport

JOBS: Final = 4
"""Models that run side by side. A run mostly waits for the service, first for spans and then for
its answers, so a few of them share what one leaves idle; each has calls of its own in flight, and
more runs than that would wait for each other at the service."""

_CANCEL_PAUSE_S: Final = 0.05
_FAILURES: Final = (Status.INVALID, Status.REJECTED, Status.UNMATCHED)


@dataclass(frozen=True, eq=False)
class ModelOutcome:
    """What became of one model.

    Attributes:
        path: Its file.
        result: Its report, or its plan in a dry run; None when it failed, or until it was run.
        failure: What it failed with; None when it did not.
    """

    path: Path
    result: WriteBackReport | WritePlan | None = None
    failure: Exception | None = None

    @property
    def is_failed(self) -> bool:
        """Whether it failed, or a value of it was not written, or would not be."""
        if self.result is None:
            return True
        counts = self.result.counts()
        return any(counts.get(status) for status in _FAILURES)

    def close(self) -> None:
        """Close its report or plan. Idempotent."""
        if self.result is not None:
            self.result.close()


def model_files(paths: Iterable[str | PathLike[str]]) -> list[Path]:
    """Return the model files of these paths, in their order; of a folder its *.sql files, by name.

    Raises:
        ValidationError: A folder holds none, or a file is named twice.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        found = sorted(given.glob("*.sql")) if given.is_dir() else [given]
        if not found:
            raise ValidationError(
                f"the folder {given} holds no *.sql file", next_step="Give one with models."
            )
        files += found
    seen: set[Path] = set()
    for file in files:
        if file.resolve() in seen:
            raise ValidationError(f"{file} is given twice", next_step="Give each model once.")
        seen.add(file.resolve())
    return files


def run_models(
    con: DuckDBPyConnection,
    paths: Iterable[str | PathLike[str]],
    *,
    jobs: int = JOBS,
    stop: threading.Event | None = None,
    on_end: Callable[[ModelOutcome], object] | None = None,
    **options: Any,
) -> list[ModelOutcome]:
    """Run models side by side, each on a cursor of its own, and tell what became of each.

    Models see what is committed in the database of `con`, not its temporary tables or variables.
    Ctrl-C ends every one: what is being sent is accounted for in the state, and a next run goes on
    from there.

    Args:
        con: A connection of the database they run on.
        paths: Model files, and folders of them.
        jobs: Most models that run at the same time.
        stop: Set it to end every run soon; models that had not begun are not run.
        on_end: Called with each outcome as it comes, from the thread of its run, one at a time.
        **options: As `run_model`, for all of them.

    Returns:
        An outcome for each file, in their order; the caller closes them.

    Raises:
        ValidationError: `jobs` is less than 1, a folder holds no model, a file is named twice, or
            two models have one name in the state. Nothing was run.
    """
    if jobs < 1:
        raise ValidationError(f"jobs is {jobs}", next_step="Give at least 1.")
    files = model_files(paths)
    stopped = threading.Event() if stop is None else stop
    outcomes: list[ModelOutcome] = list(_checked(files, options.get("project")))
    one_at_a_time = threading.Lock()
    cursors: dict[int, DuckDBPyConnection] = {}

    def run(place: int) -> None:
        try:
            if outcomes[place].failure is None:
                with one_at_a_time:
                    cursor = cursors[place] = con.cursor()
                with contextlib.closing(cursor):
                    outcomes[place] = _outcome(cursor, files[place], stopped, options)
                del cursors[place]
            if on_end is not None:
                with one_at_a_time:
                    on_end(outcomes[place])
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(jobs, thread_name_prefix="spanduck-model") as pool:
        runs = [pool.submit(run, place) for place in range(len(files))]
        try:
            for ended in runs:
                ended.result()
        except BaseException:
            stopped.set()
            _cancel(con, cursors, runs)
            for outcome in outcomes:
                outcome.close()
            raise
    return outcomes


def _outcome(
    cursor: DuckDBPyConnection, path: Path, stop: threading.Event, options: dict[str, Any]
) -> ModelOutcome:
    if stop.is_set():
        return ModelOutcome(path, failure=CancelledError(f"{path} was not run"))
    try:
        with owned(path.name):
            return ModelOutcome(path, run_model(cursor, path, stop=stop, **options))
    except Exception as exc:  # noqa: BLE001 - told as the outcome, whatever it is
        return ModelOutcome(path, failure=exc)


def _cancel(
    con: DuckDBPyConnection,
    cursors: Mapping[int, DuckDBPyConnection],
    runs: Sequence[Future[None]],
) -> None:
    """Wait for the runs, which were told to stop, and end what they may be waiting for."""
    database = database_of(con)
    while wait(runs, timeout=_CANCEL_PAUSE_S).not_done:
        if database is not None and database.attachment is not None:
            database.attachment.cancel()
        for cursor in list(cursors.values()):
            # It may be closed by now.
            with contextlib.suppress(duckdb.Error):
                cursor.interrupt()


def _checked(files: Sequence[Path], project: str | None) -> Iterator[ModelOutcome]:
    """Read every model; two that the state could not tell apart are refused."""
    path_by_name: dict[tuple[str, str, str | None], Path] = {}
    for path in files:
        try:
            model: Model = read_model(path)
        except ValidationError as exc:
            yield ModelOutcome(path, failure=exc)
            continue
        name = (model.name, project or model.project, model.space)
        other = path_by_name.setdefault(name, path)
        if other != path:
            raise ValidationError(
                f"{other} and {path} are both called {model.name!r}",
                next_step='Add name = "…" to the leading comment of one of them.',
            )
        yield ModelOutcome(path)
