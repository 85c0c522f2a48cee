"""Everything that is wrong with data, gathered before anything is said or sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spanduck.exceptions import ValidationError

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_PROBLEMS: Final = 20
_SHOWN_CHARACTERS: Final = 60


@dataclass
class _Problem:
    column: str
    rule: str
    row_index: int | None
    shown: str
    next_step: str
    rows: int

    def __str__(self) -> str:
        place = "" if self.row_index is None else f", row {self.row_index}"
        value = f": {self.shown}" if self.shown else ""
        further = self.rows - 1
        more = f" (and {further:,} more row{'s' * (further > 1)})" if further else ""
        return f"{self.column}{place}: {self.rule}{value}{more}. {self.next_step}".rstrip()


@dataclass
class Problems:
    """The problems of one call, one for each column and rule, with the first row that breaks it.

    Attributes:
        what: What is checked, for the message: `dataframe`, `evals_dataframe`.
        given_names: What the caller calls columns that have another name on the wire.
    """

    what: str
    given_names: dict[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, str], _Problem] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._found)

    def is_refused(self, column: str) -> bool:
        """Tell whether a column was noted as a whole, so that there are no values to look at."""
        column = self.given_names.get(column, column)
        found = self._found.values()
        return any(known.column == column and known.row_index is None for known in found)

    # `Any`: a value is only shown.
    def add(
        self,
        column: str,
        rule: str,
        *,
        row_index: int | None = None,
        value: Any = None,
        next_step: str = "",
        rows: int = 1,
    ) -> None:
        """Note a problem; a further one of the same column and rule only counts its rows."""
        column = self.given_names.get(column, column)
        known = self._found.get((column, rule))
        if known is not None:
            known.rows += rows
            return
        shown = "" if value is None else _short(value)
        self._found[column, rule] = _Problem(column, rule, row_index, shown, next_step, rows)

    def add_rows(
        self,
        column: str,
        rule: str,
        bad: pa.Array,
        values: pa.Array,
        *,
        first_row: int,
        next_step: str,
    ) -> None:
        """Note a problem of the rows where `bad` is true, if there are any.

        Args:
            column: The column.
            rule: What is wrong.
            bad: Booleans; null counts as false.
            values: The values to show, row by row.
            first_row: Number of the first row of `bad` within all the data.
            next_step: How to mend it.
        """
        rows = bad.true_count
        if rows:
            index = bad.index(True).as_py()
            self.add(
                column,
                rule,
                row_index=first_row + index,
                value=values[index].as_py(),
                next_step=next_step,
                rows=rows,
            )

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            ValidationError: With every problem.
        """
        if not self._found:
            return
        problems = [str(problem) for problem in self._found.values()]
        first = next(iter(self._found.values()))
        shown = problems[:_SHOWN_PROBLEMS]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} further problems")
        head = f"{self.what} cannot be sent: "
        raise ValidationError(
            head + (shown[0] if len(shown) == 1 else "\n  - ".join(["", *shown])),
            problems=problems,
            column=first.column,
            row_index=first.row_index,
        )


def _short(value: Any) -> str:
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{value[:_SHOWN_CHARACTERS]!r}… of {len(value):,} characters"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
