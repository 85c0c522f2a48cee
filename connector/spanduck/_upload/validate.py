"""What the vendor's SDK refuses to send, found by kernels over whole columns.

The limits on texts are those of `spanduck_sql.schema`; the ones inside JSON documents stand in
the statements of `spanduck_sql/upload`. The service's own limits are not published: these mirror
the vendor's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck_sql.errors import did_you_mean
from spanduck_sql.schema import (
    END_TIME,
    LIST_DICT_COLUMNS,
    MAX_FUTURE_DAYS,
    MAX_PAST_DAYS,
    NAME,
    SPAN_ID,
    SPAN_KIND,
    START_TIME,
    STATUS_CODE,
    TRACE_ID,
    UPLOAD_COLUMN_BY_NAME,
    UPLOAD_SPAN_KIND,
    ColumnKind,
    UploadColumn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._upload.kernels import Kernels
    from spanduck._upload.problems import Problems

REQUIRED: Final = (TRACE_ID, SPAN_ID, NAME, START_TIME, END_TIME)
_STATUS_CODES: Final = ("OK", "ERROR", "UNSET")
_NS_PER_DAY: Final = 86_400 * 1_000_000_000

# For each column of lists: what tells quickly whether any element is broken, and what then tells
# which.
_ELEMENTS: Final = (("any_broken_element",), ("check_elements",))
_MESSAGES: Final = (
    ("any_broken_message", "any_broken_tool_call"),
    ("check_elements", "check_messages"),
)
_DOCUMENTS: Final = (("any_broken_document",), ("check_elements", "check_documents"))
_CHECKS_BY_COLUMN: Final = {
    "events": (("any_broken_event",), ("check_elements", "check_events")),
    "attributes.embedding.embeddings": (
        ("any_broken_embedding",),
        ("check_elements", "check_embeddings"),
    ),
    "attributes.llm.input_messages": _MESSAGES,
    "attributes.llm.output_messages": _MESSAGES,
    "attributes.retrieval.documents": _DOCUMENTS,
    "attributes.reranker.input_documents": _DOCUMENTS,
    "attributes.reranker.output_documents": _DOCUMENTS,
}
_JSON_KINDS: Final = (ColumnKind.JSON, ColumnKind.DICT)
_TEXTS: Final = pa.list_(pa.string())
# The longest text that any document may hold; a shorter element need not be asked for its length.
_LONGEST_TEXT: Final = 4_000_000


def check_columns(names: Sequence[str], required: Sequence[str], problems: Problems) -> None:
    """Note the required columns that are absent."""
    for name in required:
        if name not in names:
            problems.add(
                name,
                "the column is missing",
                next_step=did_you_mean(name, names) or f"Columns: {', '.join(names) or 'none'}.",
            )


def check_spans(
    batch: pa.RecordBatch,
    given: pa.RecordBatch,
    first_row: int,
    kernels: Kernels,
    problems: Problems,
) -> None:
    """Note what is wrong with prepared spans.

    Args:
        batch: As `Preparation` made it.
        given: What it was made of. A value of this that became null was told by `Preparation`.
        first_row: Number of its first row within all the data.
        kernels: What reads JSON.
        problems: Where problems are noted.
    """
    suspects = _suspects(batch, kernels)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        known = _known(name)
        if known is None or (pa.types.is_null(column.type) and not known.is_required):
            continue
        if known.is_required and not problems.is_refused(name):
            _check_present(name, given.column(name), first_row, problems)
        if pa.types.is_string(column.type):
            check_length(name, known, column, first_row, problems)
        if name in suspects and pa.types.is_list(column.type):
            _check_lists(name, column, first_row, kernels, problems)
        elif name in suspects:
            problems.add_rows(
                name,
                "no valid JSON",
                _invalid_json(known.kind, column, kernels),
                column,
                first_row=first_row,
                next_step="Leave it null where there is none, or send its JSON text.",
            )
    _check_status(batch, first_row, problems)
    _check_times(batch, first_row, problems)


def check_length(
    name: str, known: UploadColumn, column: pa.Array, first_row: int, problems: Problems
) -> None:
    """Note texts of a wrong length."""
    if known.max_length is not None and _longest(column) > known.max_length:
        problems.add_rows(
            name,
            f"longer than {known.max_length:,} characters",
            pc.greater(pc.utf8_length(column), known.max_length),
            column,
            first_row=first_row,
            next_step="Shorten it.",
        )
    if known.min_length:
        problems.add_rows(
            name,
            f"shorter than {known.min_length} character{'s' * (known.min_length > 1)}",
            pc.less(pc.utf8_length(column), known.min_length),
            column,
            first_row=first_row,
            next_step="Leave it null where there is none."
            if not known.is_required
            else "Use the ids of the tracer: 16 and 32 hexadecimal digits, as a rule.",
        )


def _longest(texts: pa.Array) -> int:
    # Bytes are at least as many as characters, and known without looking at the text.
    return pc.max(pc.binary_length(texts)).as_py() or 0


def _check_present(name: str, column: pa.Array, first_row: int, problems: Problems) -> None:
    if column.null_count:
        problems.add_rows(
            name,
            "null",
            pc.is_null(column),
            column,
            first_row=first_row,
            next_step="Every span needs a value here.",
        )


def _suspects(batch: pa.RecordBatch, kernels: Kernels) -> set[str]:
    """Return the columns of JSON in which anything is wrong, or may be."""
    suspects = set()
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        known = _known(name)
        if known is None:
            continue
        if known.kind in _JSON_KINDS and pa.types.is_string(column.type):
            is_suspect = kernels.truth("any_invalid_json", column)
        elif name in LIST_DICT_COLUMNS and column.type.equals(_TEXTS):
            is_suspect = _any_broken(name, column.flatten(), kernels)
        else:
            continue
        if is_suspect:
            suspects.add(name)
    return suspects


def _known(name: str) -> UploadColumn | None:
    return UPLOAD_COLUMN_BY_NAME.get(SPAN_KIND if name == UPLOAD_SPAN_KIND else name)


def _invalid_json(kind: ColumnKind, column: pa.Array, kernels: Kernels) -> pa.Array:
    bad = kernels.column("invalid_json", column)
    if kind is ColumnKind.DICT and bad.true_count:
        # An export holds '' where there is no document.
        bad = pc.and_(bad, pc.not_equal(column, ""))
    return bad


def _any_broken(name: str, elements: pa.Array, kernels: Kernels) -> bool:
    if not len(elements):
        return False
    if _longest(elements) > _LONGEST_TEXT:
        return True
    statements, _ = _CHECKS_BY_COLUMN.get(name, _ELEMENTS)
    try:
        return any(kernels.truth(statement, elements) for statement in statements)
    except duckdb.InvalidInputException:
        return True  # not JSON at all


def _check_lists(
    name: str, column: pa.Array, first_row: int, kernels: Kernels, problems: Problems
) -> None:
    rows = pc.add(pc.list_parent_indices(column), first_row)
    elements = pa.table({"row_index": rows, "element": column.flatten()})
    # An empty text stands for no element.
    elements = elements.filter(pc.not_equal(elements.column("element"), ""))
    _, statements = _CHECKS_BY_COLUMN.get(name, _ELEMENTS)
    for statement in statements:
        found = kernels.broken(statement, elements)
        for problem in found:
            problems.add(
                name,
                problem["rule"],
                row_index=problem["row_index"],
                value=problem["element"],
                next_step="Mend or leave out that element.",
                rows=problem["lists"],
            )
        if found:
            # What follows reads JSON.
            return


def _check_status(batch: pa.RecordBatch, first_row: int, problems: Problems) -> None:
    if STATUS_CODE not in batch.schema.names:
        return
    column = batch.column(STATUS_CODE)
    if pa.types.is_string(column.type):
        known = pc.is_in(pc.utf8_upper(column), value_set=pa.array(_STATUS_CODES))
        problems.add_rows(
            STATUS_CODE,
            "not one of OK, ERROR, UNSET",
            pc.and_(pc.is_valid(column), pc.invert(known)),
            column,
            first_row=first_row,
            next_step="Leave it null where it is unknown.",
        )


def _check_times(batch: pa.RecordBatch, first_row: int, problems: Problems) -> None:
    names = [name for name in (START_TIME, END_TIME) if name in batch.schema.names]
    names = [name for name in names if not problems.is_refused(name)]
    now = time.time_ns()
    for name in names:
        column = batch.column(name)
        limits = pc.min_max(column).as_py()
        earliest, latest = now - MAX_PAST_DAYS * _NS_PER_DAY, now + MAX_FUTURE_DAYS * _NS_PER_DAY
        if limits["min"] is None or (limits["min"] >= earliest and limits["max"] <= latest):
            continue
        problems.add_rows(
            name,
            f"more than {MAX_PAST_DAYS:,} days ago or more than {MAX_FUTURE_DAYS} days ahead",
            pc.or_(pc.less(column, earliest), pc.greater(column, latest)),
            column,
            first_row=first_row,
            next_step="Integers are read as nanoseconds since 1970, UTC.",
        )
    if len(names) == 2:
        problems.add_rows(
            END_TIME,
            "before start_time",
            pc.less(batch.column(END_TIME), batch.column(START_TIME)),
            batch.column(END_TIME),
            first_row=first_row,
            next_step="A span must not end before it starts.",
        )
