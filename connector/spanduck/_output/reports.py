"""What a write-back came to, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from spanduck._write_back import WriteBackReport

EXAMPLES: Final = 5
_FAILURES: Final = frozenset({"invalid", "rejected", "unmatched"})


def count(number: int, what: str) -> str:
    """Write a number of things: `1 row`, `20,000 rows`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def show_report(console: Console, name: str, report: WriteBackReport) -> None:
    """Show the counts, and the first values that were not written with their reasons."""
    console.print(
        counted(
            name,
            report.rows,
            report.values,
            report.counts(),
            f"in {report.seconds:.2f} s to {report.project}",
        ),
        soft_wrap=True,
    )
    if report.left:
        console.print(f"  {count(report.left, 'value')} left for another run", soft_wrap=True)
    if report.is_stopped:
        console.print(Text("  stopped: too many of them failed", style="red"), soft_wrap=True)
    told = report.values - report.accepted - report.unchanged
    shown = 0
    for outcome in examples(report) if told else ():
        console.print(
            Text(
                f"  row {outcome['row']}, span {outcome['span_id']}, {outcome['name']}:"
                f" {outcome['status']}, {outcome['reason']}"
            ),
            soft_wrap=True,
        )
        shown += 1
    if told > shown:
        console.print(f"  and {told - shown:,} more")


def counted(name: str, rows: int, values: int, counts: dict[str, int], end: str) -> Text:
    """Write one line: a name, rows and values, the counts that are not zero, and an end."""
    told = [
        (f"{number:,} {status}", "red" if status in _FAILURES else "green")
        for status, number in counts.items()
        if number
    ]
    line = Text.assemble((name, "bold"), f": {count(rows, 'row')}, ")
    line.append(f"{count(values, 'value')}: " if told else "no values")
    for place, (text, style) in enumerate(told):
        line.append(", " if place else "").append(text, style)
    return line.append(f" {end}")


def examples(report: WriteBackReport) -> Iterator[dict[str, Any]]:
    """Yield the first values that were not written, as `outcomes` tells them."""
    left = EXAMPLES
    with report.outcomes() as reader:
        for batch in reader:
            yield from batch.slice(0, left).to_pylist()
            left -= min(left, len(batch))
            if not left:
                return
