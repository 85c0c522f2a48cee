"""What the write-backs of models came to, or would come to."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rich.text import Text

from spanduck._output.consoles import stderr, stdout
from spanduck._output.failures import show_failure
from spanduck._output.formats import SummaryFormat
from spanduck._output.reports import count, counted, examples, show_report
from spanduck._output.tables import show_table
from spanduck._write_back.plan import WritePlan
from spanduck._write_back.report import WriteBackReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from spanduck._write_back.models import ModelOutcome

_RUN_COUNTS: Final = (
    *("rows", "values", "accepted", "new", "changed", "unchanged"),
    *("invalid", "duplicate", "rejected", "unmatched", "left"),
)
_PLAN_COUNTS: Final = (
    *("rows", "values", "new", "changed", "unchanged"),
    *("invalid", "duplicate", "unmatched", "left", "calls", "bytes"),
)
_ALWAYS: Final = frozenset({"rows", "values", "accepted", "new", "changed", "unchanged"})


def show_outcome(outcome: ModelOutcome, fmt: SummaryFormat) -> None:
    """Tell what became of one model, as it ends; a plan is shown with the others."""
    name = outcome.path.name
    if outcome.failure is not None:
        console = stderr()
        console.print(Text.assemble((name, "bold"), ":"), end=" ", soft_wrap=True)
        show_failure(console, outcome.failure)
    elif isinstance(outcome.result, WriteBackReport) and fmt is SummaryFormat.table:
        show_report(stderr(), name, outcome.result)


def show_summary(outcomes: Sequence[ModelOutcome], fmt: SummaryFormat) -> None:
    """Show what became of all models: plans on stdout, with examples; of runs a table, if many.

    As JSON, on stdout, an array with an object for each model.
    """
    if fmt is SummaryFormat.json:
        told = [_told(outcome) for outcome in outcomes]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    plans = [outcome for outcome in outcomes if isinstance(outcome.result, WritePlan)]
    if plans:
        console = stdout()
        for outcome in plans:
            _show_plan(console, outcome)
        if len(outcomes) > 1:
            console.print()
            show_table(console, _summary(outcomes, _PLAN_COUNTS))
    elif len(outcomes) > 1:
        show_table(stderr(), _summary(outcomes, _RUN_COUNTS))


def _show_plan(console: Console, outcome: ModelOutcome) -> None:
    plan = outcome.result
    assert isinstance(plan, WritePlan)  # noqa: S101 - for the type checker
    cost = f"{count(plan.calls, 'call')}, {count(plan.bytes, 'byte')} to {plan.project}"
    name = outcome.path.name
    console.print(
        counted(name, plan.rows, plan.values, plan.counts(), f"in {cost}"), soft_wrap=True
    )
    if plan.left:
        console.print(f"  {count(plan.left, 'value')} left for another run", soft_wrap=True)
    sample = plan.sample()
    # Nothing will be done about those; there may be nothing else.
    sample = sample.filter(pc.not_equal(sample["plan"], "unchanged"))
    if sample.num_rows:
        show_table(console, _without_empty(sample).to_reader())


def _summary(outcomes: Sequence[ModelOutcome], names: Sequence[str]) -> pa.RecordBatchReader:
    """Return a row for each model, with the counts that any of them has."""
    columns: dict[str, list[Any]] = {"model": [outcome.path.name for outcome in outcomes]}
    columns["status"] = [_status(outcome) for outcome in outcomes]
    for name in names:
        numbers = [getattr(outcome.result, name, None) for outcome in outcomes]
        if name in _ALWAYS or any(numbers):
            columns[name] = numbers
    columns["seconds"] = [
        None if outcome.result is None else round(outcome.result.seconds, 2) for outcome in outcomes
    ]
    types = {"model": pa.string(), "status": pa.string(), "seconds": pa.float64()}
    return pa.table(
        {name: pa.array(items, types.get(name, pa.int64())) for name, items in columns.items()}
    ).to_reader()


def _status(outcome: ModelOutcome) -> str:
    if outcome.failure is not None:
        return "failed"
    if isinstance(outcome.result, WriteBackReport) and outcome.result.is_stopped:
        return "stopped"
    return "incomplete" if outcome.is_failed else "done"


# `Any`: plain values, for JSON.
def _told(outcome: ModelOutcome) -> dict[str, Any]:
    failure = outcome.failure
    told: dict[str, Any] = {
        "path": str(outcome.path),
        "status": _status(outcome),
        "error": None if failure is None else f"{type(failure).__name__}: {failure}",
    }
    if isinstance(outcome.result, WriteBackReport):
        return {
            **told,
            **outcome.result.to_dict(),
            "not_written": list(examples(outcome.result)),
        }
    if outcome.result is not None:
        return {
            **told,
            **outcome.result.to_dict(),
            "sample": outcome.result.sample().to_pylist(),
        }
    return told


def _without_empty(table: pa.Table) -> pa.Table:
    return table.select(
        [name for name in table.column_names if table[name].null_count < len(table)]
    )
