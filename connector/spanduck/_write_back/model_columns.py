"""The columns of a model's result, and the values that a row of them holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from spanduck._write_back.outcomes import ErrorCode

_TEXT_TYPES: Final = frozenset({"VARCHAR"})
_NUMBER_TYPES: Final = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
        *("FLOAT", "DOUBLE", "BOOLEAN"),
    }
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
        fields: Its columns by field, such as `label`; of wide metadata by key.
        level: Its level, when it is the same for all rows.
        name: Its name, when it is the same for all rows; None with no column of it: none.
        level_column: The column of its level otherwise; None for `span`.
        name_column: The column of its name otherwise.
    """

    fields: dict[str, ModelColumn] = field(default_factory=dict)
    level: str | None = None
    name: str | None = None
    level_column: ModelColumn | None = None
    name_column: ModelColumn | None = None


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
        "key": ErrorCode.NAME_NOT_TEXT,
        "level": ErrorCode.UNKNOWN_LEVEL,
        "label": ErrorCode.LABEL_NOT_TEXT,
        "explanation": ErrorCode.EXPLANATION_NOT_TEXT,
        "text": ErrorCode.TEXT_NOT_TEXT,
    }[role]
    remedy = "extract it with ->>" if column.type_name == "JSON" else "CAST it to VARCHAR"
    return code, f"{role} is {column.type_name}, not text; {remedy}"
