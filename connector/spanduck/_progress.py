"""Progress bars on stderr, where somebody looks at them."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(
    *, unit: str, total: int | None = None, is_wanted: bool | None = None
) -> Iterator[Callable[[str, int], None]]:
    """Show how far a job is, one bar for each of its stages; yields what takes each further amount.

    Args:
        unit: What is counted.
        total: How much there is at each stage; None when unknown.
        is_wanted: True or False as asked for; None shows bars when stderr is a terminal.
    """
    is_shown = sys.stderr.isatty() if is_wanted is None else is_wanted
    if not is_shown:
        yield lambda _stage, _amount: None
        return
    # At first use: rich takes longer to import than a small upload takes to run.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    # A file that stderr goes to gets the bars once, at the end.
    with Progress(*columns, console=console, transient=console.is_terminal) as bars:
        task_by_stage: dict[str, TaskID] = {}

        def advance(stage: str, amount: int) -> None:
            if stage not in task_by_stage:
                task_by_stage[stage] = bars.add_task(stage, total=total)
            bars.advance(task_by_stage[stage], amount)

        yield advance
