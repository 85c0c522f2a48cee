"""The one value that scan, explain, export and sync share: what is asked for, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from spanduck_sql.expressions import AlwaysTrue, Predicate
from spanduck_sql.schema import START_TIME
from spanduck_sql.visitors import columns_of

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

WIRE_NAME_KEY: Final = b"spanduck.wire"
"""Field metadata of a declared schema: the name on the wire, where it differs from the SQL name."""


@dataclass(frozen=True)
class ScanPlan:
    """One export, before anything is read. Picklable.

    Attributes:
        project: Name of the project, as sent.
        space: Name or id of the space, as sent.
        start_time: Inclusive, aware UTC, whole seconds: what is sent.
        end_time: Exclusive, likewise.
        filter_text: Text of the filter language that is sent; empty for none.
        columns: SQL names of the columns delivered, in this order.
        sample_rate: Share of the traces, as sent; None for all.
        residual: Everything accepted and the exact bounds, applied whole to the arriving batches.
        declared_schema: SQL names and types of all columns of the scan.
        not_pushed: Text and reason of each conjunct that is absent from filter and window.
        given_filter: What of `filter_text` the caller wrote; what a refused filter is replaced by.
    """

    project: str
    space: str
    start_time: datetime
    end_time: datetime
    filter_text: str
    columns: tuple[str, ...]
    sample_rate: float | None
    residual: Predicate
    declared_schema: pa.Schema
    not_pushed: tuple[tuple[str, str], ...] = field(default=())
    given_filter: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the window holds no instant, so that nothing need be asked."""
        return self.start_time >= self.end_time

    @property
    def is_generated(self) -> bool:
        """Whether a part of the filter is ours, without which the rows are the same in the end."""
        return self.filter_text != self.given_filter

    def without_generated(self) -> ScanPlan:
        """Return the plan that sends the caller's filter only."""
        return replace(self, filter_text=self.given_filter)

    @property
    def read_columns(self) -> tuple[str, ...]:
        """SQL names of the columns that must arrive: those delivered, then the residual's own."""
        return tuple(dict.fromkeys((*self.columns, *columns_of(self.residual))))

    @property
    def wire_columns(self) -> tuple[str, ...]:
        """Exact names of the columns that are asked for. Never empty, which would mean all."""
        names = [wire_name(self.declared_schema.field(name)) for name in self.read_columns]
        return tuple(names) or (START_TIME,)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, for printing and JSON."""
        residual = None if isinstance(self.residual, AlwaysTrue) else str(self.residual)
        return {
            "project": self.project,
            "space": self.space,
            "start_time": self.start_time.isoformat(),
            "end_time": self.end_time.isoformat(),
            "filter": self.filter_text or None,
            "given_filter": self.given_filter or None,
            "columns": list(self.columns),
            "sample_rate": self.sample_rate,
            "residual": residual,
            "declared_schema": {item.name: str(item.type) for item in self.declared_schema},
            "not_pushed": [
                {"predicate": predicate, "reason": reason} for predicate, reason in self.not_pushed
            ],
        }


def wire_name(field: pa.Field) -> str:
    """Return the name on the wire of a field of a declared schema."""
    metadata = field.metadata or {}
    name: bytes | None = metadata.get(WIRE_NAME_KEY)
    return field.name if name is None else name.decode()
