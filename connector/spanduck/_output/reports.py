"""What a write-back came to, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from spanduck._write_back import WriteBackReport

_EXAMPLES: Final = 5
_FAILURES: Final = frozenset({"invalid", "rejected", "unmatched"})


def count(number: int, what: str) -> str:
    """Write a number of things: `1 row`, `20,000 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def show_report(console: Console, name: str, report: WriteBackReport) -> None:
    """Show the counts, and the first values that were not written with their reasons."""
    told = [
        (f"{number:,} {status}", "red" if status in _FAILURES else "green")
        for status, number in report.counts().items()
        if number
    ]
    line = Text.assemble((name, "bold"), f": {count(report.rows, 'row')}, ")
    line.append(f"{count(report.values, 'value')}: " if told else "no values")
    for place, (text, style) in enumerate(told):
        line.append(", " if place else "").append(text, style)
    line.append(f" in {report.seconds:.2f} s to {report.project}")
    console.print(line, soft_wrap=True)
    if report.accepted == report.values:
        return
    shown = 0
    with report.outcomes() as reader:
        for batch in reader:
            for outcome in batch.slice(0, _EXAMPLES - shown).to_pylist():
                console.print(
                    Text(
                        f"  row {outcome['row']}, span {outcome['span_id']}, {outcome['name']}:"
                        f" {outcome['status']}, {outcome['reason']}"
                    ),
                    soft_wrap=True,
                )
                shown += 1
            if shown == _EXAMPLES:
                break
    if report.values - report.accepted > shown:
        console.print(f"  and {report.values - report.accepted - shown:,} more")
