"""The shape of a model: which of its columns make values, by name and type.

One reading of the columns for all rows, before any row is read. Only evaluations for now; an
annotation or a metadata shape is another function that returns the same `Shape`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from spanduck._write.rules import ErrorCode
from spanduck.exceptions import ValidationError, near_matches
from spanduck_sql.schema import (
    EVALUATION_FIELDS,
    LEVEL_BY_PREFIX,
    SPAN_ID,
    EvaluationColumn,
    parse_evaluation_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHORT_SPAN_ID: Final = "span_id"
_LONG_WORDS: Final = ("level", "name", *EVALUATION_FIELDS)
_TEXT_TYPES: Final = frozenset({"VARCHAR"})
_NUMBER_TYPES: Final = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
        *("FLOAT", "DOUBLE", "BOOLEAN"),
    }
)
_NEEDED: Final = (
    "An evaluation model selects span_id, name and at least one of label, score, explanation "
    "(and level, when it is not span); or span_id and columns like eval.<Name>.label, "
    "eval.<Name>.score, eval.<Name>.explanation."
)


@dataclass(frozen=True)
class ModelColumn:
    """A column of the model's result.

    Attributes:
        name: Its name, as selected.
        type_name: Its SQL type, as DuckDB writes it.
        position: Its place in the result, from 0.
    """

    name: str
    type_name: str
    position: int

    @property
    def is_text(self) -> bool:
        """Whether its values are text: JSON is not, for its texts are quoted."""
        return self.type_name in _TEXT_TYPES or self.type_name.startswith("ENUM(")

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers; a boolean is 1 or 0, as for the vendor's clients."""
        return self.type_name in _NUMBER_TYPES or self.type_name.startswith("DECIMAL(")

    @property
    def may_read_as_number(self) -> bool:
        """Whether its values are text that may be a number's."""
        return self.is_text or self.type_name == "JSON"


@dataclass(frozen=True)
class ValueSource:
    """Where one value of a row comes from.

    Attributes:
        fields: Its columns by field: `label`, `score`, `explanation`.
        level: Its level, when it is the same for all rows.
        name: Its name, when it is the same for all rows.
        level_column: The column of its level otherwise; None for `span`.
        name_column: The column of its name otherwise.
    """

    fields: dict[str, ModelColumn] = field(default_factory=dict)
    level: str | None = None
    name: str | None = None
    level_column: ModelColumn | None = None
    name_column: ModelColumn | None = None


@dataclass(frozen=True)
class Shape:
    """How the rows of a model become values.

    Attributes:
        span_id: The column of the span id.
        sources: The values a row may hold: one for a long model, one for each name for a wide one.
    """

    span_id: ModelColumn
    sources: tuple[ValueSource, ...]


def type_problem(role: str, column: ModelColumn) -> tuple[ErrorCode, str] | None:
    """Return why no value of `column` can serve as `role`, or None when its type is right."""
    if role == "score":
        if column.is_number or column.may_read_as_number:
            return None
        return (
            ErrorCode.SCORE_NOT_A_NUMBER,
            f"score is {column.type_name}, not a number; CAST it to DOUBLE",
        )
    if column.is_text:
        return None
    code = {
        "span_id": ErrorCode.SPAN_ID_NOT_TEXT,
        "name": ErrorCode.NAME_NOT_TEXT,
        "level": ErrorCode.UNKNOWN_LEVEL,
        "label": ErrorCode.LABEL_NOT_TEXT,
        "explanation": ErrorCode.EXPLANATION_NOT_TEXT,
    }[role]
    remedy = "extract it with ->>" if column.type_name == "JSON" else "CAST it to VARCHAR"
    return code, f"{role} is {column.type_name}, not text; {remedy}"


def evaluation_shape(names: Sequence[str], type_names: Sequence[str]) -> Shape:
    """Read the shape of an evaluation model from its columns.

    Args:
        names: The columns' names, in order.
        type_names: Their SQL types, as DuckDB writes them.

    Raises:
        ValidationError: A needed column is missing, one is unknown or there twice; every such
            problem is listed.
    """
    columns = [
        ModelColumn(name, type_name, position)
        for position, (name, type_name) in enumerate(zip(names, type_names, strict=True))
    ]
    _refuse_repeated(columns)
    evaluations = {
        column.position: parsed
        for column in columns
        if (parsed := parse_evaluation_column(column.name)) is not None
    }
    roles = {column.position: _role(column.name) for column in columns}
    is_wide = bool(evaluations) or any(_has_prefix(column.name) for column in columns)
    problems = _unknown_columns(columns, roles, evaluations, is_wide=is_wide)
    by_role = {role: column for column in columns if (role := roles[column.position]) is not None}
    problems += _missing_columns(by_role, is_wide=is_wide, is_empty=not evaluations)
    if problems:
        raise ValidationError(
            f"these columns make no evaluation: {'; '.join(problems)}",
            next_step=_NEEDED,
            problems=problems,
        )
    if is_wide:
        return Shape(by_role[SHORT_SPAN_ID], _wide_sources(columns, evaluations))
    fields: dict[str, ModelColumn] = {
        name: by_role[name] for name in EVALUATION_FIELDS if name in by_role
    }
    long = ValueSource(fields, level_column=by_role.get("level"), name_column=by_role["name"])
    return Shape(by_role[SHORT_SPAN_ID], (long,))


def _wide_sources(
    columns: Sequence[ModelColumn], evaluations: dict[int, EvaluationColumn]
) -> tuple[ValueSource, ...]:
    sources: dict[tuple[str, str], ValueSource] = {}
    for position, parsed in evaluations.items():
        source = sources.setdefault(
            (parsed.level, parsed.name), ValueSource(level=parsed.level, name=parsed.name)
        )
        source.fields[parsed.field] = columns[position]
    return tuple(sources.values())


def _role(name: str) -> str | None:
    # SQL names are compared without case; evaluation columns are not, for their names tell
    # evaluations apart.
    lower = name.lower()
    if lower in (SPAN_ID, SHORT_SPAN_ID):
        return SHORT_SPAN_ID
    return lower if lower in _LONG_WORDS else None


def _has_prefix(name: str) -> bool:
    return name.partition(".")[0] in LEVEL_BY_PREFIX and "." in name


def _refuse_repeated(columns: Sequence[ModelColumn]) -> None:
    seen: dict[str, str] = {}
    problems = []
    for column in columns:
        key = _role(column.name) or column.name
        if key in seen:
            problems.append(
                f"column {column.name!r} is there twice"
                if seen[key] == column.name
                else f"columns {seen[key]!r} and {column.name!r} mean the same"
            )
        seen[key] = column.name
    if problems:
        raise ValidationError("; ".join(problems), next_step="Select it once.", problems=problems)


def _unknown_columns(
    columns: Sequence[ModelColumn],
    roles: dict[int, str | None],
    evaluations: dict[int, EvaluationColumn],
    *,
    is_wide: bool,
) -> list[str]:
    problems = []
    for column in columns:
        role = roles[column.position]
        if column.position in evaluations or role == SHORT_SPAN_ID:
            continue
        if role is not None and not is_wide:
            continue
        if role is not None:
            problems.append(
                f"column {column.name!r} belongs to the long shape, others to the wide one"
            )
            continue
        if _is_renamed(column.name, evaluations.values()):
            problems.append(
                f"column {column.name!r} was renamed by DuckDB, as names of a subquery that differ "
                "only by case are; name it in the outermost SELECT, or use the long shape"
            )
            continue
        known = _known_columns(column.name)
        close = near_matches(column.name, known, limit=2)
        hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
        problems.append(f"unknown column {column.name!r}{hint}")
    return problems


def _is_renamed(name: str, evaluations: Iterable[EvaluationColumn]) -> bool:
    stem, _, number = name.rpartition("_")
    taken = {evaluation.column.lower() for evaluation in evaluations}
    return number.isdecimal() and stem.lower() in taken


def _known_columns(name: str) -> list[str]:
    known = [SHORT_SPAN_ID, SPAN_ID, *_LONG_WORDS]
    prefix, _, rest = name.partition(".")
    close_prefixes = near_matches(prefix, LEVEL_BY_PREFIX, limit=1)
    if rest and close_prefixes:
        stem = rest.rpartition(".")[0] or rest
        known += [f"{close_prefixes[0]}.{stem}.{word}" for word in EVALUATION_FIELDS]
    return known


def _missing_columns(
    by_role: dict[str, ModelColumn], *, is_wide: bool, is_empty: bool
) -> list[str]:
    problems = []
    if SHORT_SPAN_ID not in by_role:
        problems.append("column span_id (or context.span_id) is missing")
    if is_wide:
        if is_empty:
            problems.append("no column like eval.<Name>.label")
        return problems
    if "name" not in by_role:
        problems.append("column name is missing")
    if not any(field_name in by_role for field_name in EVALUATION_FIELDS):
        problems.append("one of label, score, explanation is missing")
    return problems
