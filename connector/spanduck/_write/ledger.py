"""The private database of one write-back: every value, and what became of it.

On disk and in little memory, so that a million values need no more of it than ten thousand. It has
one owner, the report, and is removed with it.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from spanduck._write.partition import bucket_count, by_span
from spanduck._write.rules import (
    EXPLANATION_MAX_LENGTH,
    LABEL_MAX_LENGTH,
    NAMES_PER_CALL,
    ErrorCode,
    Status,
)
from spanduck_sql.schema import EvaluationColumn

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

MEMORY_LIMIT: Final = "32MB"
_WHITE_SPACE: Final = r"\p{Z}\t\n\x{0B}\f\r\x{1C}-\x{1F}\x{85}"
_BLANK: Final = f"[{_WHITE_SPACE}]*"
_SENDABLE_NAME: Final = f"[a-zA-Z0-9_{_WHITE_SPACE}]+"
"""The vendor's `[a-zA-Z0-9_\\s]+`, whose `\\s` is Python's: all Unicode white space."""
_KEEP_ROWS: Final = 60_000
_KEEP_BYTES: Final = 8 << 20
_READ_ROWS: Final = 2_000
_OUTCOME_ROWS: Final = 50_000
_UNMATCHED_CAUSE: Final = 4
# A database that believes that somebody is watching writes bars to stdout.
_NO_PROGRESS: Final = "SET enable_progress_bar = false"
OUTCOME_SCHEMA: Final = pa.schema(
    [
        ("row", pa.int64()),
        ("span_id", pa.string()),
        ("name", pa.string()),
        ("status", pa.string()),
        ("error_code", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class SentEvaluation:
    """An evaluation that has values to send.

    Attributes:
        level: `span`, `trace` or `session`.
        name: Its name.
        slot: Its place in its group.
        fields: The fields that any of its values has.
    """

    level: str
    name: str
    slot: int
    fields: tuple[str, ...]

    def column(self, field: str) -> str:
        """Return the wire's name for a field of it."""
        return EvaluationColumn(self.level, self.name, field).column


class Ledger:
    """Values and outcomes of one write-back.

    A context manager; `close` is idempotent and removes the files, as does losing the last
    reference, at the latest when the interpreter ends. Not for several threads at once.
    """

    def __init__(self) -> None:
        # Readable by this user alone: the values may be confidential.
        self._folder = Path(tempfile.mkdtemp(prefix="spanduck-write-"))
        try:
            self._database = duckdb.connect(
                self._folder / "values.duckdb",
                config={
                    "memory_limit": MEMORY_LIMIT,
                    "temp_directory": str(self._folder / "spill"),
                    # Rows keep their order, and little memory is needed.
                    "threads": 1,
                },
            )
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._finalizer = weakref.finalize(self, _remove, self._database, self._folder)
        self._pending: list[pa.Table] = []
        # Nothing is kept of the file, so a last checkpoint would be work for nothing.
        self._database.execute("PRAGMA disable_checkpoint_on_shutdown")
        self._database.execute(_NO_PROGRESS)
        # `settle` writes the values out, once; on the way each checkpoint would do part of it anew.
        self._database.execute("SET wal_autocheckpoint = '1TB'")
        self._database.execute(_statement("schema"))

    def add(self, values: pa.Table) -> None:
        """Keep values of `VALUE_SCHEMA`, after those before them; each is validated on its own."""
        self._pending.append(values)
        rows = sum(table.num_rows for table in self._pending)
        if rows >= _KEEP_ROWS or sum(table.nbytes for table in self._pending) >= _KEEP_BYTES:
            self._flush()

    def settle(self) -> None:
        """Find the repeated values, and list what is to be sent; call it after the last `add`."""
        self._flush()
        self._database.execute("CHECKPOINT")
        self._database.execute(_statement("find_repeated"))
        self._database.execute(_statement("list_evaluations"), {"names_per_call": NAMES_PER_CALL})

    def groups(self) -> list[tuple[SentEvaluation, ...]]:
        """Return the evaluations that have values to send, those that share calls together."""
        groups: list[list[SentEvaluation]] = []
        for group, slot, level, name, *has in self._rows("list_groups"):
            if group == len(groups):
                groups.append([])
            fields = [
                field
                for field, is_there in zip(("label", "score", "explanation"), has, strict=True)
                if is_there
            ]
            groups[-1].append(SentEvaluation(level, name, slot, tuple(fields)))
        return [tuple(group) for group in groups]

    def is_by_span(self) -> bool:
        """Whether the values to send come with all values of a span together."""
        ((is_by_span,),) = self._rows("is_by_span")
        return bool(is_by_span)

    def to_send(self, group: int, *, sort: bool) -> Generator[pa.RecordBatch, None, None]:
        """Stream the valid values of a group.

        Args:
            group: Position of the group in `groups()`.
            sort: Bring all values of a span together; otherwise they come as they were added.

        Returns:
            Batches of (value_id, bucket, span_id, slot, label, score, explanation).
        """
        buckets = bucket_count(self.measure_to_send()[1]) if sort else 1
        cursor = self._cursor()
        try:
            cursor.execute("SET VARIABLE call_group = $group", {"group": group})
            cursor.execute("SET VARIABLE buckets = $buckets", {"buckets": buckets})
            values = cursor.sql(_statement("to_send")).to_arrow_reader(_READ_ROWS)
            yield from by_span(values, buckets, self._folder) if sort else values
        finally:
            cursor.close()

    def measure_to_send(self) -> tuple[int, int]:
        """Return how many values are valid and not repeated, and about how many bytes they are."""
        ((number, size_bytes),) = self._rows("measure_to_send")
        return int(number), int(size_bytes)

    def reject(self, code: ErrorCode, reason: str, value_ids: pa.ChunkedArray) -> None:
        """Note values of a call that failed."""
        cause = {"status": str(Status.REJECTED), "error_code": str(code), "reason": reason}
        row = self._database.execute(_statement("add_cause"), cause).fetchall()[0]
        self._judge(int(row[0]), value_ids)

    def unmatch(self, value_ids: pa.ChunkedArray) -> None:
        """Note values of spans that the service does not hold."""
        self._judge(_UNMATCHED_CAUSE, value_ids)

    def counts(self) -> dict[str, int]:
        """Return how many values have each status; a status without values may be absent."""
        return {status: int(number) for status, number in self._rows("count_outcomes")}

    def outcomes(self, *, all_values: bool) -> Iterator[pa.RecordBatch]:
        """Stream the outcomes as `OUTCOME_SCHEMA`, by row."""
        ((values,),) = self._rows("count_values")
        cursor = self._cursor()
        try:
            cursor.execute("SET VARIABLE all_outcomes = $all", {"all": all_values})
            for first in range(0, values, _OUTCOME_ROWS):
                cursor.execute("SET VARIABLE first_id = $first", {"first": first})
                cursor.execute("SET VARIABLE end_id = $end", {"end": first + _OUTCOME_ROWS})
                query = cursor.sql(_statement("outcomes"))
                for batch in query.to_arrow_reader(_READ_ROWS):
                    yield batch.cast(OUTCOME_SCHEMA)
        finally:
            cursor.close()

    @property
    def is_closed(self) -> bool:
        """Whether the files are gone."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Close the database and remove its files."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        values = pa.concat_tables(self._pending)
        self._pending.clear()
        # A transaction of its own: one that spans many would keep every batch in memory to its end.
        self._database.register("incoming", values)
        try:
            self._database.execute(
                _statement("add_values"),
                {
                    "blank": _BLANK,
                    "sendable_name": _SENDABLE_NAME,
                    "label_max_length": LABEL_MAX_LENGTH,
                    "explanation_max_length": EXPLANATION_MAX_LENGTH,
                },
            )
        finally:
            self._database.unregister("incoming")

    def _judge(self, cause_id: int, value_ids: pa.ChunkedArray) -> None:
        self._database.register("incoming_ids", pa.table({"value_id": value_ids}))
        try:
            self._database.execute(_statement("add_verdicts"), {"cause_id": cause_id})
        finally:
            self._database.unregister("incoming_ids")

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._database.cursor()
        cursor.execute(_NO_PROGRESS)
        return cursor

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._database.execute(_statement(statement)).fetchall()


@cache
def _statement(name: str) -> str:
    return (files("spanduck_sql") / "write_back" / f"{name}.sql").read_text(encoding="utf-8")


def _remove(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
