"""What `spanduck explain` tells: each export that a statement would make."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from spanduck._output.consoles import stderr, stdout
from spanduck._output.filters import NOTHING, show_labelled, show_not_pushed, window_text
from spanduck._output.formats import TextFormat
from spanduck._scan.window import sent_window
from spanduck_sql.expressions import AlwaysTrue
from spanduck_sql.pushdown import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from spanduck._explain import Explained, ExplainedScan

_COLUMNS: Final = 12
_LONGEST: Final = 2_000


def tell_plans(explained: Explained, fmt: TextFormat) -> None:
    """Tell what a statement would ask for; calls that ask for nothing, and that on stderr.

    Args:
        explained: The statement's exports.
        fmt: Text, or one JSON array with an object for each export.
    """
    notes = stderr()
    if fmt is TextFormat.json:
        told = [scan.to_dict() for scan in explained.scans]
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        console = stdout()
        for number, scan in enumerate(explained.scans):
            if number:
                console.print()
            _show(console, scan)
    for call in explained.unread:
        notes.print(Text(f"{call} is not read: the statement needs no row of it"), soft_wrap=True)
    if explained.writes_back:
        notes.print(
            "write_back is run when its rows are read; dry_run := true tells what it would send",
            soft_wrap=True,
        )
    elif not explained.scans and not explained.unread:
        notes.print("the statement reads no spans")


def _show(console: Console, scan: ExplainedScan) -> None:
    console.print(Text(f"{scan.function}({scan.plan.project!r})", style="bold"), soft_wrap=True)
    show_labelled(console, _fields(scan), indent="  ")
    not_pushed = [(_cut(text), _cut(reason)) for text, reason in scan.plan.not_pushed]
    show_not_pushed(console, not_pushed, indent="  ")


def _fields(scan: ExplainedScan) -> Iterator[tuple[str, str]]:
    plan = scan.plan
    window = window_text(plan.start_time, plan.end_time, is_empty=plan.is_empty)
    is_open = (plan.start_time, plan.end_time) == sent_window(Window(), datetime.now(UTC))
    yield "window", f"everything, {window}" if is_open else window
    yield "filter", _cut(plan.filter_text) or NOTHING
    if plan.given_filter and plan.is_generated:
        yield "  yours", _cut(plan.given_filter)
    if plan.sample_rate is not None:
        yield "sample", f"{plan.sample_rate:g} of the traces"
    yield "columns", _columns(scan)
    residual = plan.residual
    yield "residual", NOTHING if isinstance(residual, AlwaysTrue) else _cut(str(residual))
    yield "rows", "unknown" if scan.estimated_rows is None else f"{scan.estimated_rows:,}"


def _columns(scan: ExplainedScan) -> str:
    names, known = scan.plan.read_columns, len(scan.plan.declared_schema)
    if len(names) == known:
        return f"all {known:,}"
    shown = ", ".join(names[:_COLUMNS])
    more = f" and {len(names) - _COLUMNS:,} more" if len(names) > _COLUMNS else ""
    return f"{shown}{more} ({len(names):,} of {known:,})"


# A list of thousands of values is for programs.
def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({len(text):,} characters)"
