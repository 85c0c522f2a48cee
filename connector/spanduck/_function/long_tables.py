"""`evaluations(…)` and `annotations(…)`: what was said of a project's spans, one row a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._function.implied import implied, renamed
from spanduck._function.spans import read_plan
from spanduck._scan.planner import ScanRequest, plan_scan
from spanduck._scan.residual import is_exact, keep
from spanduck._scan.scalars import array, scalar
from spanduck_sql.expressions import Predicate, all_of
from spanduck_sql.plan import wire_name
from spanduck_sql.schema import (
    ANNOTATION_FIELDS,
    ANNOTATION_VALUES,
    EVALUATION_FIELDS,
    SPAN_ID,
    START_TIME,
    TRACE_ID,
    parse_annotation_column,
    parse_evaluation_column,
)
from spanduck_sql.visitors import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanduck._function.attachment import Attachment
    from spanduck_sql.plan import ScanPlan

_TIME: Final = pa.timestamp("us", tz="UTC")
_HEAD: Final = [
    ("span_id", pa.string()),
    ("trace_id", pa.string()),
    ("start_time", _TIME),
    ("level", pa.string()),
    ("name", pa.string()),
    ("label", pa.string()),
    ("score", pa.float64()),
]
_SPAN_COLUMN: Final = {"span_id": SPAN_ID, "trace_id": TRACE_ID, "start_time": START_TIME}
_KEY_COLUMNS: Final = frozenset({"level", "name"})
# A longer list of tests costs the service more than the spans it keeps back.
_MOST_TESTS: Final = 20
_Fields = dict[str, str]
_Key = tuple[str, str]


@dataclass(frozen=True)
class LongTable:
    """A long table that is made from wide columns of spans.

    Attributes:
        schema: Of its rows: the span, level and name, then the fields.
        fields: The fields, in the order of the schema.
        values: Those of them that make a row: one must be there.
        parse: Reads a column's name as ((level, name), field); None when it is none.
    """

    schema: pa.Schema
    fields: tuple[str, ...]
    values: tuple[str, ...]
    parse: Callable[[str], tuple[_Key, str] | None]


def _evaluation(column: str) -> tuple[_Key, str] | None:
    parsed = parse_evaluation_column(column)
    return None if parsed is None else ((parsed.level, parsed.name), parsed.field)


def _annotation(column: str) -> tuple[_Key, str] | None:
    # An export does not tell what an annotation is about: it has those of traces at their roots.
    parsed = parse_annotation_column(column)
    return None if parsed is None else (("span", parsed.name), parsed.field)


EVALUATIONS: Final = LongTable(
    pa.schema([*_HEAD, ("explanation", pa.string())]),
    EVALUATION_FIELDS,
    EVALUATION_FIELDS,
    _evaluation,
)
ANNOTATIONS: Final = LongTable(
    pa.schema([*_HEAD, ("text", pa.string()), ("updated_by", pa.string()), ("updated_at", _TIME)]),
    ANNOTATION_FIELDS,
    ANNOTATION_VALUES,
    _annotation,
)


class LongRelation:
    """Evaluations or annotations of one project, made from the wide columns of its spans.

    A row for each span and name of which anything is said.
    """

    row_estimate = None

    def __init__(self, attachment: Attachment, request: ScanRequest, table: LongTable) -> None:
        self._attachment = attachment
        self._request = request
        self._table = table
        self.schema = table.schema
        self._columns_by_key = self._named_columns(request.schema)
        self._type_by_name = {item.name: item.type for item in table.schema}

    def accepts(self, predicate: Predicate) -> bool:
        """Whether it is answered exactly."""
        return is_exact(predicate, self._type_by_name)

    def read(self, columns: Sequence[str], predicates: Sequence[Predicate]) -> pa.RecordBatchReader:
        """Start one export of the columns needed and return its rows in the long shape."""
        delivered = pa.schema([self.schema.field(name) for name in columns])
        wanted = self._wanted(predicates)
        plan = self._planned(wanted, predicates)
        if plan is None:
            return pa.RecordBatchReader.from_batches(delivered, [])
        residual = all_of(predicates)

        def long(batch: pa.RecordBatch) -> pa.RecordBatch | None:
            parts = [self._part(batch, key, fields) for key, fields in wanted.items()]
            rows = pa.Table.from_batches([part for part in parts if part.num_rows], self.schema)
            if not rows.num_rows:
                return None
            made = rows.combine_chunks().to_batches()[0]
            mask = keep(residual, made.column, made.num_rows)
            return made.filter(mask).select(list(columns)) if columns else made.filter(mask)

        return read_plan(self._attachment, plan, then=long, schema=delivered)

    def plan(
        self,
        columns: Sequence[str],  # noqa: ARG002 - all columns of a row are needed to make it
        predicates: Sequence[Predicate],
    ) -> ScanPlan | None:
        """Return what `read` would ask for now, None when nothing; nothing is asked."""
        return self._planned(self._wanted(predicates), predicates)

    def _planned(
        self, wanted: dict[_Key, _Fields], predicates: Sequence[Predicate]
    ) -> ScanPlan | None:
        if not wanted:
            return None
        evaluated = [column for fields in wanted.values() for column in fields.values()]
        return plan_scan(
            self._request,
            [*_SPAN_COLUMN.values(), *evaluated],
            # What is the same on a span and on its rows.
            list(renamed(predicates, _SPAN_COLUMN)),
            settings=self._attachment.settings.local,
            now=datetime.now(UTC),
            implied=self._implied(wanted, predicates),
            is_refused=self._attachment.is_refused,
        )

    # A scan that asks for every row is left as it is: unfiltered, and mentioned when it is
    # large.
    def _implied(
        self, wanted: dict[_Key, _Fields], predicates: Sequence[Predicate]
    ) -> list[Predicate]:
        columns = sum(map(len, wanted.values()))
        has_less = len(wanted) < len(self._columns_by_key) or any(
            set(columns_of(item)) <= set(self._table.fields) for item in predicates
        )
        return [implied(wanted.values(), predicates)] if has_less and columns <= _MOST_TESTS else []

    # Names that the predicates rule out need not be exported.
    def _wanted(self, predicates: Sequence[Predicate]) -> dict[_Key, _Fields]:
        on_key = all_of(item for item in predicates if set(columns_of(item)) <= _KEY_COLUMNS)
        keys = list(self._columns_by_key)
        columns = {
            "level": array([level for level, _ in keys], pa.string()),
            "name": array([name for _, name in keys], pa.string()),
        }
        mask = keep(on_key, columns.__getitem__, len(keys))
        return {
            key: self._columns_by_key[key]
            for key, is_kept in zip(keys, mask.to_pylist(), strict=True)
            if is_kept
        }

    def _named_columns(self, schema: pa.Schema) -> dict[_Key, _Fields]:
        columns: dict[_Key, _Fields] = {}
        for item in schema:
            parsed = self._table.parse(wire_name(item))
            if parsed is not None:
                key, field = parsed
                columns.setdefault(key, {})[field] = item.name
        return columns

    def _part(self, batch: pa.RecordBatch, key: _Key, fields: _Fields) -> pa.RecordBatch:
        rows = batch.num_rows
        level, name = key
        values = {
            field: batch.column(fields[field])
            if field in fields
            else pa.nulls(rows, self.schema.field(field).type)
            for field in self._table.fields
        }
        made = pa.RecordBatch.from_arrays(
            [
                *(batch.column(column) for column in _SPAN_COLUMN.values()),
                pa.repeat(scalar(level, pa.string()), rows),
                pa.repeat(scalar(name, pa.string()), rows),
                *values.values(),
            ],
            schema=self.schema,
        )
        first, *others = (pc.is_valid(values[field]) for field in self._table.values)
        is_present = first
        for other in others:
            is_present = pc.or_(is_present, other)
        return made.filter(is_present)
