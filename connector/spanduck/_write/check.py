"""What a frame of evaluations must be before any of it is sent: the vendor SDK's rules.

Column by column with Arrow kernels, batch after batch, so that a stream is checked as it passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.rules import EXPLANATION_MAX_LENGTH, LABEL_MAX_LENGTH
from spanduck._write.shape import SHORT_SPAN_ID
from spanduck.exceptions import did_you_mean
from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    CORE_TYPES,
    EVALUATION_FIELDS,
    LEVEL_BY_PREFIX,
    SPAN_ID,
    UPLOAD_COLUMN_BY_NAME,
    WIRE_TIME,
    EvaluationColumn,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._upload.problems import Problems

_LEAVE_NULL: Final = "Leave it null where there is none."
_SHORTEN: Final = "Shorten it."


@dataclass(frozen=True)
class FrameColumns:
    """The columns of a frame that are sent.

    Attributes:
        span_id: Position of the span ids.
        evaluations: The fields of evaluations by position.
    """

    span_id: int
    evaluations: dict[int, EvaluationColumn]

    def schema(self) -> pa.Schema:
        """Return the names and types they are sent with."""
        fields = [pa.field(SPAN_ID, pa.string())]
        for parsed in self.evaluations.values():
            kind = pa.float64() if parsed.field == "score" else pa.string()
            fields.append(pa.field(parsed.column, kind))
        return pa.schema(fields)


def frame_columns(schema: pa.Schema, problems: Problems) -> FrameColumns | None:
    """Find the columns of a frame that are sent, and note what is wrong with the others.

    Other columns of spans, as an export has them, are left out. Anything else is a problem: the
    vendor's clients drop such a column silently, `score` or `eval.My-Name.label` among them.

    Returns:
        The columns; None when there is no span id or no evaluation.
    """
    names = list(schema.names)
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.add(name, "the column is there twice", next_step="Keep one of them.")
    span_ids = [at for at, name in enumerate(names) if name in (SPAN_ID, SHORT_SPAN_ID)]
    if not span_ids:
        problems.add(
            SPAN_ID,
            "the column is missing",
            next_step=did_you_mean(SPAN_ID, names) or "It holds the id of the span of each row.",
        )
    evaluations: dict[int, EvaluationColumn] = {}
    for at, name in enumerate(names):
        parsed = parse_evaluation_column(name, sendable=True)
        if parsed is not None:
            evaluations[at] = parsed
        elif at not in span_ids and not is_of_spans(name):
            _note_unknown(name, problems)
    if not evaluations:
        problems.add(
            "eval.<name>.label",
            "there is no column of an evaluation",
            next_step="Name them eval.<name>.label, eval.<name>.score, eval.<name>.explanation.",
        )
    if not span_ids or not evaluations:
        return None
    return FrameColumns(span_ids[0], evaluations)


def check_types(schema: pa.Schema, columns: FrameColumns, problems: Problems) -> None:
    """Note columns of a type that cannot be right; a column of nulls alone may have any."""
    check_text(schema.field(columns.span_id), problems)
    for at, parsed in columns.evaluations.items():
        field = schema.field(at)
        if parsed.field != "score":
            check_text(field, problems)
        elif not is_number(field.type):
            problems.add(
                field.name, f"its type is {field.type}", next_step="Send integers or doubles."
            )


def check_values(batch: pa.RecordBatch, first_row: int, problems: Problems) -> None:
    """Note wrong values of a batch in the form it is sent in.

    Args:
        batch: Columns and types as `FrameColumns.schema` says.
        first_row: Number of its first row within all the data.
        problems: Where they are noted.
    """
    evaluations: dict[tuple[str, str], dict[str, pa.Array]] = {}
    explanation_names: dict[tuple[str, str], str] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name == SPAN_ID:
            bad = pc.or_kleene(pc.is_null(column), pc.equal(pc.utf8_trim_whitespace(column), ""))
            step = "Every row needs the id of its span."
            problems.add_rows(
                name, "null or blank", bad, column, first_row=first_row, next_step=step
            )
            continue
        parsed = parse_evaluation_column(name, sendable=True)
        assert parsed is not None  # noqa: S101 - only such columns are sent
        evaluations.setdefault((parsed.level, parsed.name), {})[parsed.field] = column
        if parsed.field == "explanation":
            explanation_names[parsed.level, parsed.name] = name
        for rule, bad, step in _wrong(parsed.field, column):
            problems.add_rows(name, rule, bad, column, first_row=first_row, next_step=step)
    for key, fields in evaluations.items():
        if "explanation" not in fields:
            continue
        alone = fields["explanation"].is_valid()
        for other in ("label", "score"):
            if other in fields:
                alone = pc.and_(alone, fields[other].is_null())
        problems.add_rows(
            explanation_names[key],
            "an explanation without a label and a score",
            alone,
            fields["explanation"],
            first_row=first_row,
            next_step="Add one of them, or leave the explanation null.",
        )


def _wrong(field: str, column: pa.Array) -> Sequence[tuple[str, pa.Array, str]]:
    if field == "score":
        return [("not a finite number", pc.is_inf(column), _LEAVE_NULL)]
    length = pc.utf8_length(column)
    if field == "label":
        too_long = pc.greater(length, LABEL_MAX_LENGTH)
        return [
            ("empty", pc.equal(length, 0), _LEAVE_NULL),
            (f"longer than {LABEL_MAX_LENGTH} characters", too_long, _SHORTEN),
        ]
    too_long = pc.greater(length, EXPLANATION_MAX_LENGTH)
    return [(f"longer than {EXPLANATION_MAX_LENGTH:,} characters", too_long, _SHORTEN)]


def _note_unknown(name: str, problems: Problems) -> None:
    if parse_evaluation_column(name) is not None:
        problems.add(
            name,
            "the name of the evaluation cannot be sent",
            next_step="Use letters, digits, `_` and spaces.",
        )
        return
    prefix, dot, rest = name.partition(".")
    stem = rest.rpartition(".")[0] or rest or "<name>"
    prefix = prefix if dot and prefix in LEVEL_BY_PREFIX else "eval"
    known = [SPAN_ID, *(f"{prefix}.{stem}.{field}" for field in EVALUATION_FIELDS)]
    problems.add(
        name,
        "the column is no evaluation",
        next_step=did_you_mean(name, known) or "Rename it to eval.<name>.<field>, or leave it out.",
    )


def is_of_spans(name: str) -> bool:
    """Tell whether an export has such a column, other than those of evaluations."""
    return (
        name in CORE_TYPES
        or name in UPLOAD_COLUMN_BY_NAME
        or name == WIRE_TIME
        or name.startswith((ATTRIBUTE_PREFIX, "annotation."))
    )


def check_text(field: pa.Field, problems: Problems) -> None:
    """Note a column that holds no texts."""
    if not (pa.types.is_string(field.type) or pa.types.is_null(field.type)):
        problems.add(field.name, f"its type is {field.type}", next_step="Send texts.")


def is_number(kind: pa.DataType) -> bool:
    """Tell whether values of a type are numbers, or nulls alone."""
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    )
