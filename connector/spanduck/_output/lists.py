"""Lists of spans: for people the fields that fit a line, for programs all that came."""

from __future__ import annotations

import csv
import json
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanduck._output.consoles import Done
from spanduck._output.formats import ListFormat
from spanduck._output.reports import count
from spanduck._output.tables import show_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from spanduck.client import SpansClient
    from spanduck.types import Span

_PAGE_SPANS: Final = 500
_SHOWN: Final = pa.schema(
    [
        ("start_time", pa.timestamp("us", tz="UTC")),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("status_code", pa.string()),
        ("latency_ms", pa.float64()),
        ("span_id", pa.string()),
        ("trace_id", pa.string()),
    ]
)
_FIELDS: Final = (
    "name",
    "kind",
    "parent_id",
    "start_time",
    "end_time",
    "status_code",
    "status_message",
)


# `Any`: the arguments of `SpansClient.list`.
def list_spans(
    client: SpansClient, fmt: ListFormat, console: Console, *, limit: int, **arguments: Any
) -> Done:
    """List the newest spans on stdout.

    `json` and `ndjson` are written as pages come; a table and CSV, whose columns are those of all
    spans, are held in memory until then.
    """
    page_spans = min(limit, _PAGE_SPANS)
    spans = islice(client.iter_spans(limit=page_spans, **arguments), limit)
    match fmt:
        case ListFormat.table:
            listed = _show(list(spans), console, arguments.get("included_columns") or ())
        case ListFormat.csv:
            listed = _csv(list(spans))
        case ListFormat.json:
            listed = _json(spans)
        case ListFormat.ndjson:
            listed = _ndjson(spans)
    hint = "there may be more, which a higher --limit shows" if listed == limit else ""
    return Done(count(listed, "span"), hint)


def _show(spans: Sequence[Span], console: Console, columns: Sequence[str]) -> int:
    rows = [{name: getattr(span, name) for name in _SHOWN.names} for span in spans]
    table = pa.Table.from_pylist(rows, _SHOWN)
    flat = [_flat(span) for span in spans]
    for name in dict.fromkeys(columns):
        if name in _FIELDS or name in _SHOWN.names:
            continue
        values = [_text(row.get(name)) for row in flat]
        table = table.append_column(pa.field(name, pa.string()), pa.array(values, pa.string()))
    return show_table(console, table.to_reader(), max_rows=max(len(spans), 1)).rows


def _csv(spans: Sequence[Span]) -> int:
    rows = [_flat(span) for span in spans]
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names or _flat_names())
    writer.writerows([_text(row.get(name)) for name in names] for row in rows)
    return len(rows)


def _json(spans: Iterable[Span]) -> int:
    listed = 0
    sys.stdout.write("[")
    for listed, span in enumerate(spans, 1):
        sys.stdout.write(f"{',' if listed > 1 else ''}\n{span.to_json()}")
    sys.stdout.write("\n]\n" if listed else "]\n")
    return listed


def _ndjson(spans: Iterable[Span]) -> int:
    listed = 0
    for span in spans:
        sys.stdout.write(f"{span.to_json()}\n")
        listed += 1
    return listed


def _flat_names() -> list[str]:
    return ["context.span_id", "context.trace_id", *_FIELDS, "events"]


# `Any`: attributes hold whatever JSON does.
def _flat(span: Span) -> dict[str, Any]:
    """Return a span under the names that columns have in an export."""
    row: dict[str, Any] = {"context.span_id": span.span_id, "context.trace_id": span.trace_id}
    row |= {name: getattr(span, name) for name in _FIELDS}
    row["events"] = span.to_dict()["events"] or None
    row |= {f"attributes.{name}": value for name, value in span.attributes.items()}
    row |= _remarks("eval", span.evaluations, ("label", "score", "explanation"))
    row |= _remarks("annotation", span.annotations, ("label", "score", "text"))
    return row


def _remarks(prefix: str, remarks: Iterable[Any], fields: Sequence[str]) -> dict[str, Any]:
    return {
        f"{prefix}.{remark.name}.{name}": getattr(remark, name)
        for remark in remarks
        for name in fields
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    return json.dumps(value, ensure_ascii=False, default=_text)
