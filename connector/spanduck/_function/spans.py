"""`spans(…)`: the spans of a project."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from spanduck._scan.planner import ScanRequest, is_unbounded, plan_scan
from spanduck._scan.residual import is_exact
from spanduck._scan.scan import delivered_schema, open_scan
from spanduck.exceptions import ValidationError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanduck._function.attachment import Attachment
    from spanduck._transport.export_stream import ExportInfo
    from spanduck_sql.expressions import Predicate
    from spanduck_sql.plan import ScanPlan


class SpansRelation:
    """Spans of one project, one row a span.

    Args:
        attachment: Where they come from.
        request: Project, window and what else the call said.
        columns: SQL names, in order; None for all.
        row_estimate: Spans in the project, when known.
        conditions: What is true of every row, besides the predicates of a reading.

    Raises:
        ValidationError: A column that the project does not have.
    """

    def __init__(
        self,
        attachment: Attachment,
        request: ScanRequest,
        *,
        columns: Sequence[str] | None = None,
        row_estimate: int | None = None,
        conditions: Sequence[Predicate] = (),
    ) -> None:
        self._attachment = attachment
        self._request = request
        self._conditions = tuple(conditions)
        self.row_estimate = row_estimate
        self.schema = request.schema if columns is None else _chosen(request.schema, columns)
        self._type_by_name = {item.name: item.type for item in self.schema}

    @property
    def space(self) -> str:
        """Name or id of the space."""
        return self._request.space

    @property
    def project_schema(self) -> pa.Schema:
        """The SQL schema of the project: `schema` may be a part of it."""
        return self._request.schema

    def narrowed(self, conditions: Sequence[Predicate]) -> SpansRelation:
        """Return the same without the rows of which a condition is not true.

        Args:
            conditions: On columns of `project_schema`; those that `accepts` would take.
        """
        return SpansRelation(
            self._attachment,
            self._request,
            columns=self.schema.names,
            row_estimate=self.row_estimate,
            conditions=(*self._conditions, *conditions),
        )

    def accepts(self, predicate: Predicate) -> bool:
        """Whether the residual answers `predicate` exactly."""
        return is_exact(predicate, self._type_by_name)

    def read(self, columns: Sequence[str], predicates: Sequence[Predicate]) -> pa.RecordBatchReader:
        """Start one export and return its rows; no order."""
        return read_plan(self._attachment, self.plan(columns, predicates))

    def plan(self, columns: Sequence[str], predicates: Sequence[Predicate]) -> ScanPlan:
        """Return what `read` would ask for now; nothing is asked."""
        return plan_scan(
            self._request,
            columns,
            (*self._conditions, *predicates),
            settings=self._attachment.settings.local,
            now=datetime.now(UTC),
            is_refused=self._attachment.is_refused,
        )


def read_plan(
    attachment: Attachment,
    plan: ScanPlan,
    *,
    then: Callable[[pa.RecordBatch], pa.RecordBatch | None] | None = None,
    schema: pa.Schema | None = None,
) -> pa.RecordBatchReader:
    """Return the rows of a plan, through `then` if it is given, as batches of `schema`."""
    delivered = delivered_schema(plan) if schema is None else schema
    if plan.is_empty:
        return pa.RecordBatchReader.from_batches(delivered, [])
    stream = open_scan(
        attachment.flight,
        plan,
        attachment.settings.local,
        on_info=_notice(attachment, plan),
        on_refused=partial(attachment.note_refused, plan.filter_text),
        then=then,
    )
    return attachment.opened(stream).reader(delivered)


def _notice(attachment: Attachment, plan: ScanPlan) -> Callable[[ExportInfo], None] | None:
    if not is_unbounded(plan, datetime.now(UTC)):
        return None

    def say(info: ExportInfo) -> None:
        if info.total_records > attachment.settings.local.notice_rows:
            attachment.say(
                f"spanduck: reading all {info.total_records:,} spans of {plan.project!r}; "
                "bound them with start_time := … or a predicate on start_time"
            )

    return say


def _chosen(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    if not columns:
        raise ValidationError(
            "columns := [] names no column", next_step="Leave it out for all of them."
        )
    by_lower = {item.name.lower(): item for item in schema}
    fields: dict[str, pa.Field] = {}
    for name in columns:
        item = None if name is None else by_lower.get(name.lower())
        if item is None:
            raise ValidationError(
                f"columns := names {name!r}, which the project does not have",
                next_step=did_you_mean(name or "", schema.names)
                or "spanduck.refresh(con, project) asks the service for its columns again.",
                column=name,
            )
        if item.name in fields:
            raise ValidationError(
                f"columns := names {name!r} twice", next_step="Name each column once.", column=name
            )
        fields[item.name] = item
    return pa.schema(list(fields.values()))
