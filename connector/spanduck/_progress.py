"""Progress bars on stderr, where somebody looks at them."""

from __future__ import annotations

import contextlib
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress, Task, TaskID

_owner: ContextVar[str] = ContextVar("_owner", default="")


@contextlib.contextmanager
def progress(
    *, unit: str, total: int | None = None, is_wanted: bool | None = None
) -> Iterator[Callable[[str, int], None]]:
    """Show how far a job is, one bar for each of its stages; yields what takes each further amount.

    Jobs of several threads share one display, in which `owned` tells them apart.

    Args:
        unit: What is counted.
        total: How much there is at each stage; None when unknown.
        is_wanted: True or False as asked for; None shows bars when stderr is a terminal.

    What it yields may be called from any thread.
    """
    is_shown = sys.stderr.isatty() if is_wanted is None else is_wanted
    if not is_shown:
        yield lambda _stage, _amount: None
        return
    bars = _display.enter()
    owner = _owner.get()
    task_by_stage: dict[str, TaskID] = {}
    lock = threading.Lock()

    def advance(stage: str, amount: int) -> None:
        with lock:
            if stage not in task_by_stage:
                told = f"{owner}: {stage}" if owner else stage
                task_by_stage[stage] = bars.add_task(told, total=total, unit=unit)
        bars.advance(task_by_stage[stage], amount)

    try:
        yield advance
    finally:
        _display.leave(task_by_stage.values())


@contextlib.contextmanager
def owned(name: str) -> Iterator[None]:
    """Put a name before the stages that this thread shows inside."""
    token = _owner.set(name)
    try:
        yield
    finally:
        _owner.reset(token)


def end_progress() -> None:
    """Take all bars off the terminal: whoever shows them may be left behind, in a native call."""
    _display.end()


class _Display:
    """The bars of all jobs: a terminal shows one display at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = 0
        self._bars: Progress | None = None

    def enter(self) -> Progress:
        """Return the bars, shown from the first job on."""
        with self._lock:
            if self._bars is None:
                self._bars = _bars()
                self._bars.start()
            self._jobs += 1
            return self._bars

    def end(self) -> None:
        """End the display. Idempotent."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None

    def leave(self, tasks: Iterable[TaskID]) -> None:
        """End a job, and the display with the last one."""
        with self._lock:
            self._jobs -= 1
            if self._bars is None:
                return
            if self._jobs == 0:
                self._bars.stop()
                self._bars = None
            elif self._bars.console.is_terminal:
                for task in tasks:
                    self._bars.remove_task(task)


_display = _Display()


def _bars() -> Progress:
    # At first use: rich takes longer to import than a small upload takes to run.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            """Write how many are done in a second."""
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f} {task.fields['unit']}/s")

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        Speed(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        # A file that stderr goes to gets the bars once, at the end.
        transient=console.is_terminal,
    )
