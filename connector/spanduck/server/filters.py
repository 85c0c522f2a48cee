"""Filters of spans: a text of the filter language becomes a condition on a project's rows.

Knows nothing of how the text came: exports give it, and so may any other call.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from spanduck.server.kinds import Kind
from spanduck.server.values import HOLDS_JSON, exported
from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.binding import bind
from spanduck_sql.language.columns import Column, StoredKind
from spanduck_sql.language.generate import condition
from spanduck_sql.language.parser import parse
from spanduck_sql.schema import END_TIME, LATENCY_MS, START_TIME, parse_annotation_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

    from spanduck.server.catalogue import ProjectCatalogue
    from spanduck.server.values import SpanRows
    from spanduck_sql.language.binding import BoundFilter

DOCUMENTS_LIMIT: Final = 200
"""Most conditions on JSON documents: each holds what it has parsed, megabytes for each thread."""

_MOMENTS: Final = frozenset({START_TIME, END_TIME})
_STORED_KIND: Final = {
    Kind.BOOL: StoredKind.BOOLEAN,
    Kind.INT64: StoredKind.INTEGER,
    Kind.FLOAT64: StoredKind.DOUBLE,
    Kind.STRING: StoredKind.TEXT,
    Kind.JSON: StoredKind.JSON,
    Kind.STRING_LIST: StoredKind.LIST,
}


def bound(catalogue: ProjectCatalogue, text: str) -> BoundFilter:
    """Read a filter against a project's columns.

    Args:
        catalogue: The project's catalogue.
        text: The filter; one that is empty or white space is an error. Whether a call may do
            without one is the call's affair.

    Raises:
        FilterError: The text is none, or names or types in it cannot be.
    """
    return bind(parse(text), stored_columns(catalogue), text=text)


def where(bound: BoundFilter, rows: SpanRows) -> exp.Expr:
    """Return the condition on `rows` under which a filter is true.

    Raises:
        FilterError: It reads more documents than this server can hold.
    """
    documents = 0

    def value(column: Column) -> exp.Expr:
        nonlocal documents
        documents += column.kind is StoredKind.JSON
        if column.kind is StoredKind.TIMESTAMP:
            return rows.moment(column.name)
        return rows.value(column.name)

    made = condition(bound, value)
    if documents > DOCUMENTS_LIMIT:
        raise FilterError(
            f"the filter has {documents} conditions on JSON documents;"
            f" the limit of this server is {DOCUMENTS_LIMIT}",
            next_step="compare one key with several values by IN, or split the filter",
            code=FilterErrorCode.SYNTAX,
        )
    return made


@lru_cache(maxsize=64)
def stored_columns(catalogue: ProjectCatalogue) -> Mapping[str, Column]:
    """Return what a filter may name of a project, by exact names: whatever an export sends."""
    return {
        name: Column(name, _stored_kind(catalogue, name))
        for name in (LATENCY_MS, *catalogue.by_logical)
    }


def _stored_kind(catalogue: ProjectCatalogue, name: str) -> StoredKind:
    annotation = parse_annotation_column(name)
    if name in _MOMENTS or (annotation is not None and annotation.field == "updated_at"):
        # Exported as integers since the epoch, but a filter says ISO 8601.
        return StoredKind.TIMESTAMP
    kind = exported(catalogue, name).kind or Kind.STRING
    if kind is Kind.STRING and name in HOLDS_JSON:
        return StoredKind.JSON
    return _STORED_KIND[kind]
