"""What lists of spans and of traces are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from spanduck._rest_calls.pages import ListArguments, check_limit
from spanduck._wire import (
    LIST_COLUMNS_LIMIT,
    LIST_LIMIT,
    TRACES_LIMIT,
    ListRequest,
    read_spans_page,
    read_traces_page,
)
from spanduck.exceptions import ValidationError
from spanduck.types import SpansPage, TracesPage

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class SpansArguments(ListArguments[SpansPage]):
    """Which spans are listed; names and meanings are those of `SpansClient.list`."""

    path: ClassVar = "/v2/spans"
    what: ClassVar = "the list of spans"

    included_columns: Sequence[str] | None = None
    excluded_columns: Sequence[str] | None = None
    truncate_string_length: int | None = None

    def check(self) -> None:
        """Refuse what no service takes."""
        check_limit(self.limit, LIST_LIMIT, "spans", walker="iter_pages")
        if self.truncate_string_length is not None and self.truncate_string_length < 1:
            raise ValidationError(
                f"truncate_string_length is {self.truncate_string_length}",
                next_step="Give 1 or more, or leave it out.",
            )
        if self.included_columns is not None and self.excluded_columns is not None:
            raise ValidationError(
                "included_columns and excluded_columns exclude each other",
                next_step="Pass one of them.",
            )
        for name in ("included_columns", "excluded_columns"):
            columns = getattr(self, name)
            if columns is not None and (isinstance(columns, str) or not all(columns)):
                raise ValidationError(f"{name} is {columns!r}, not a list of column names")
            if columns is not None and not 1 <= len(columns) <= LIST_COLUMNS_LIMIT:
                raise ValidationError(
                    f"{name} has {len(columns):,} names", next_step="Give 1 to 1,000, or none."
                )

    def read(self, answer: dict[str, Any]) -> SpansPage:
        """Return the page that an answer is."""
        return read_spans_page(answer)

    def request(self, project_id: str) -> ListRequest:
        """Return the body of the call."""
        included, excluded = self.included_columns, self.excluded_columns
        return replace(
            super().request(project_id),
            included_columns=None if included is None else tuple(included),
            excluded_columns=None if excluded is None else tuple(excluded),
            truncate_string_length=self.truncate_string_length,
        )


@dataclass(frozen=True)
class TracesArguments(ListArguments[TracesPage]):
    """Which traces are listed; names and meanings are those of `SpansClient.list_traces`."""

    path: ClassVar = "/v2/traces"
    what: ClassVar = "the list of traces"

    limit: int = TRACES_LIMIT

    def check(self) -> None:
        """Refuse what no service takes."""
        check_limit(self.limit, TRACES_LIMIT, "traces", walker="iter_traces")

    def read(self, answer: dict[str, Any]) -> TracesPage:
        """Return the page that an answer is."""
        return read_traces_page(answer)
