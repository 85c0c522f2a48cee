"""The private database of one write-back: every value, and what became of it.

On disk and in little memory, so that a million values need no more of it than ten thousand. It has
one owner, the report, and is removed with it.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from spanduck._upload.values.kinds import ANNOTATIONS, EVALUATIONS
from spanduck._upload.values.notes import NOTE_MAX_LENGTH
from spanduck._write.arrays import to_numpy
from spanduck._write.partition import bucket_count, by_span
from spanduck._write.patches import MAX_CHARACTERS, MAX_DEPTH
from spanduck._write.rules import NAMES_PER_CALL, ErrorCode, Status
from spanduck._write_back.kinds import EVAL, METADATA_KIND, Kind
from spanduck._write_back.queries import statement
from spanduck._write_back.state import read_table, run_statements
from spanduck_sql.schema import ANNOTATION_NOTES, AnnotationColumn, EvaluationColumn

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

MEMORY_LIMIT: Final = "64MB"
_WHITE_SPACE: Final = r"\p{Z}\t\n\x{0B}\f\r\x{1C}-\x{1F}\x{85}"
_BLANK: Final = f"[{_WHITE_SPACE}]*"
_SENDABLE_NAME: Final = f"[a-zA-Z0-9_{_WHITE_SPACE}]+"
"""The vendor's `[a-zA-Z0-9_\\s]+`, whose `\\s` is Python's: all Unicode white space."""
_KEEP_ROWS: Final = 60_000
_KEEP_BYTES: Final = 8 << 20
_READ_ROWS: Final = 2_000
_PORTION_ROWS: Final = 50_000
_BUCKET_ROWS: Final = 150_000
"""Values that are compared at a time: their half of a join, in memory."""
_UNMATCHED_CAUSE: Final = 4
# A database that believes that somebody is watching writes bars to stdout.
_NO_PROGRESS: Final = "SET enable_progress_bar = false"
# What is on the left of a join is streamed, in its order; the right, numbers alone, is in memory.
_JOINS_AS_WRITTEN: Final = "SET disabled_optimizers = 'join_order,build_side_probe_side'"
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
HASHED_SCHEMA: Final = pa.schema(
    [
        ("key_high", pa.uint64()),
        ("key_low", pa.uint64()),
        ("label_hash", pa.uint64()),
        ("score", pa.float64()),
        ("body_hash", pa.uint64()),
    ]
)


@dataclass(frozen=True)
class SentName:
    """A name that has values to send.

    Attributes:
        kind: `eval` or `annotation`.
        level: `span`, `trace` or `session`.
        name: It.
        slot: Its place in its group.
        fields: The fields that any of its values has: `label`, `score`, `body`.
    """

    kind: Kind
    level: str
    name: str
    slot: int
    fields: tuple[str, ...]

    def column(self, field: str) -> str:
        """Return the wire's name for a field of it."""
        field = self.kind.body if field == "body" else field
        if self.kind is EVAL:
            return EvaluationColumn(self.level, self.name, field).column
        if self.name == ANNOTATION_NOTES:
            return ANNOTATION_NOTES
        return AnnotationColumn(self.name, field).column


@dataclass(frozen=True)
class Config:
    """What an annotation config allows under its name.

    Attributes:
        name: The annotation.
        minimum: Least score; None for any.
        maximum: Greatest score.
        labels: The labels there are; None for any.
    """

    name: str
    minimum: float | None = None
    maximum: float | None = None
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Queue:
    """How many values are to be sent.

    Attributes:
        new: Values of names that the span has not.
        changed: Values that the service has otherwise.
    """

    new: int
    changed: int


class Ledger:
    """Values and outcomes of one write-back.

    A context manager; `close` is idempotent and removes the files, as does losing the last
    reference, at the latest when the interpreter ends. Not for several threads at once.

    Args:
        kind: Of the values.
        is_named: Each has a name: all but patches of several keys.
        key_name: What the spans are given by, for messages.
        configs: What annotations may be.
    """

    def __init__(
        self,
        kind: Kind = EVAL,
        *,
        is_named: bool = True,
        key_name: str = "span_id",
        configs: Sequence[Config] = (),
    ) -> None:
        self.kind = kind
        self._is_named = is_named
        self._key_name = key_name
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
        self._database.execute(_JOINS_AS_WRITTEN)
        # `settle` writes the values out, once; on the way each checkpoint would do part of it anew.
        self._database.execute("SET wal_autocheckpoint = '1TB'")
        self._database.execute(statement("stored_form"))
        self._database.execute(statement("schema"))
        self._add_configs(configs)

    def add(self, values: pa.Table) -> None:
        """Keep values of `VALUE_SCHEMA`, after those before them; each is validated on its own."""
        self._pending.append(values)
        rows = sum(table.num_rows for table in self._pending)
        if rows >= _KEEP_ROWS or sum(table.nbytes for table in self._pending) >= _KEEP_BYTES:
            self._flush()

    def to_json(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """Write columns of any type as JSON texts; NULL stays NULL."""
        names = [f"c{number}" for number in range(len(columns))]
        cells = pa.Table.from_arrays(list(columns), names=names)
        with self._registered("incoming_cells", cells):
            table = self._database.sql(statement("to_json")).to_arrow_table()
        return [column.combine_chunks() for column in table.columns]

    def keys(self) -> pa.Array:
        """Return what valid values name their spans by, each once; call it after the last `add`."""
        self._flush()
        column = self._database.sql(statement("wanted_keys")).to_arrow_table().column("key")
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, pa.string())

    def find_spans(self, found: Iterable[pa.RecordBatch]) -> None:
        """Put ids of spans in the place of keys.

        Args:
            found: Batches of (key, span_id): every span that has one of `keys()`.
        """
        self._database.execute("CREATE TEMPORARY TABLE found (key VARCHAR, span_id VARCHAR)")
        for batch in found:
            with self._registered("incoming_found", pa.Table.from_batches([batch])):
                self._database.execute("INSERT INTO found SELECT key, span_id FROM incoming_found")
        self._run("find_spans")
        self._database.execute("DROP TABLE found")

    def settle(self) -> None:
        """Find the repeated values; call it after the last `add`."""
        self._flush()
        # From here on blocks can leave the memory: those that were never written cannot always.
        self._database.execute("CHECKPOINT")
        self._run("find_repeated")
        if self.kind is METADATA_KIND:
            self._run("split_values")
            self._run("split_patches")
        else:
            self._run("view_values")

    def names(self) -> list[tuple[str, str]]:
        """Return (level, name) of all valid values, each once; of patches their keys."""
        return [(str(level), str(name)) for level, name in self._rows("said_names")]

    def hashed(self, held: Iterable[pa.RecordBatch]) -> pa.Table:
        """Return what the service holds in the form that is compared.

        Args:
            held: Batches of (span_id, level, name, label, score, body).
        """
        given = {"kind": self.kind.word}
        hashed = []
        for batch in held:
            with self._registered("incoming_held", pa.Table.from_batches([batch])):
                hashed.append(self._table("hash_held", given))
        return pa.concat_tables(hashed) if hashed else HASHED_SCHEMA.empty_table()

    def hold(self, hashed: pa.Table) -> None:
        """Add to what the service holds, as far as is known."""
        with self._registered("incoming_held", hashed):
            self._run("add_held")

    def fail_before(self, keys: pa.Table) -> None:
        """Name the values that an earlier run did not write, by their keys."""
        with self._registered("incoming_failed", keys):
            self._database.execute(
                "INSERT INTO failed SELECT key_high, key_low FROM incoming_failed"
            )

    def compare(self, *, full: bool, only_failed: bool, limit: int | None) -> Queue:
        """Queue what differs from what is held.

        Args:
            full: Queue also what does not.
            only_failed: Leave out what `fail_before` did not name.
            limit: Leave out what comes after so many values, in the model's order.
        """
        ((values,),) = self._rows("count_values")
        self._set("is_full", full)
        if self.kind is METADATA_KIND:
            self._run("compare_patches")
            self._run("queue_compared")
        else:
            buckets = max(1, -(-values // _BUCKET_ROWS))
            self._set("buckets", buckets)
            for bucket in range(buckets):
                self._set("bucket", bucket)
                self._run("compare")
                self._run("queue_compared")
        if only_failed:
            self._run("keep_failed")
        if limit is not None:
            self._set("most_values", limit)
            self._run("keep_first")
        self._database.execute("INSERT INTO sending SELECT value_id FROM queue")
        self._run("list_names", {"names_per_call": NAMES_PER_CALL})
        return self.queue()

    def queue(self, *, refused: bool = True) -> Queue:
        """Return how many values are queued, with those that were refused or without."""
        ((new, changed, new_taken, changed_taken),) = self._rows("count_queue")
        return Queue(new, changed) if refused else Queue(new_taken, changed_taken)

    def groups(self) -> list[tuple[SentName, ...]]:
        """Return the names that have values to send, those that share calls together."""
        groups: list[list[SentName]] = []
        for group, slot, level, name, *has in self._rows("list_groups"):
            if group == len(groups):
                groups.append([])
            fields = [
                field
                for field, is_there in zip(("label", "score", "body"), has, strict=True)
                if is_there
            ]
            groups[-1].append(SentName(self.kind, level, name, slot, tuple(fields)))
        return [tuple(group) for group in groups]

    def is_by_span(self) -> bool:
        """Whether the values to send come with all values of a span together."""
        ((is_by_span,),) = self._rows("is_by_span")
        return bool(is_by_span)

    def to_send(self, group: int, *, sort: bool) -> Generator[pa.RecordBatch, None, None]:
        """Stream the values of a group that are to be sent now.

        Args:
            group: Position of the group in `groups()`.
            sort: Bring all values of a span together; otherwise they come as they were added.

        Returns:
            Batches of (value_id, bucket, span_id, slot, label, score, body).
        """
        yield from self._ordered("to_send", {"call_group": group}, sort=sort)

    def patches_to_send(self) -> Generator[pa.RecordBatch, None, None]:
        """Stream the metadata to send, as (value_id, bucket, span_id, members), span by span."""
        yield from self._ordered("patches_to_send", {}, sort=True)

    def measure_to_send(self) -> tuple[int, int]:
        """Return how many values are queued, and about how many bytes they are."""
        ((number, size_bytes),) = self._rows("measure_to_send")
        return int(number), int(size_bytes)

    def entries(self, value_ids: pa.ChunkedArray) -> pa.Table:
        """Return what the state keeps of queued values, key by key."""
        return self._of_ids("entries", value_ids)

    def unchanged_entries(self) -> Iterator[pa.Table]:
        """Return what the state keeps of values that the service had already, in portions."""
        for query in self._portions("unchanged_entries", {}):
            yield query.to_arrow_table()

    def refusals(self) -> Iterator[pa.Table]:
        """Return the rows of the values that were not written, in portions."""
        for reader in self._portions("refusals", {}):
            yield reader.to_arrow_table()

    def refusals_of(self, value_ids: pa.ChunkedArray) -> pa.Table:
        """Return the rows of some of them."""
        return self._of_ids("refusals_of", value_ids)

    def plan_sample(self, rows: int) -> pa.Table:
        """Return the first values that are new, changed, unchanged, and so on."""
        return self._table("plan_sample", {"rows": rows})

    def reject(self, code: ErrorCode, reason: str, value_ids: pa.ChunkedArray) -> None:
        """Note values of a call that failed."""
        self._judge(self._cause(code, reason), value_ids)

    def unmatch(self, value_ids: pa.ChunkedArray) -> None:
        """Note values of spans that the service does not hold."""
        self._judge(_UNMATCHED_CAUSE, value_ids)

    def doubt(self, value_ids: pa.ChunkedArray) -> None:
        """Note values that were sent without an answer."""
        with self._registered("incoming_ids", pa.table({"value_id": value_ids})):
            self._run("add_doubts")

    def resolve_doubts(self, seen: pa.Table) -> int:
        """Make what has not arrived what is to be sent now, and return how many values that is.

        Args:
            seen: Hashes of what the service holds of the doubtful values.
        """
        with self._registered("seen", seen):
            self._run("requeue")
        ((number,),) = self._rows("count_sending")
        return int(number)

    def doubts(self) -> Iterator[pa.ChunkedArray]:
        """Return the ids of what is still doubtful, in portions, none empty."""
        for query in self._portions("doubts", {}):
            value_ids = query.to_arrow_table().column("value_id")
            if len(value_ids):
                yield value_ids

    def counts(self) -> dict[str, int]:
        """Return how many values have each status; a status without values may be absent."""
        return {status: int(number) for status, number in self._rows("count_outcomes")}

    def outcomes(self, *, all_values: bool) -> Iterator[pa.RecordBatch]:
        """Stream the outcomes as `OUTCOME_SCHEMA`, by row."""
        for query in self._portions("outcomes", {"all_outcomes": all_values}):
            for batch in query.to_arrow_reader(_READ_ROWS):
                yield batch.cast(OUTCOME_SCHEMA)

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
        with self._registered("incoming", values):
            self._run("add_values", self._rules())

    def _rules(self) -> dict[str, Any]:
        limits = EVALUATIONS.fields if self.kind is EVAL else ANNOTATIONS.fields
        # Of metadata no field has these names, nor a limit of this kind.
        body = limits.get(self.kind.body, limits["label"])
        return {
            "kind": self.kind.word,
            "is_named": self._is_named,
            "name_word": self.kind.name_word,
            "key_name": self._key_name,
            "body_name": self.kind.body,
            "blank": _BLANK,
            "sendable_name": _SENDABLE_NAME,
            "label_max_length": limits["label"].max_length,
            "body_max_length": body.max_length,
            "note_max_length": NOTE_MAX_LENGTH,
            "patch_max_length": MAX_CHARACTERS,
            # The patch that a single value is put into is a level of its own.
            "patch_max_levels": MAX_DEPTH - 2 if self._is_named else MAX_DEPTH - 1,
        }

    def _add_configs(self, configs: Sequence[Config]) -> None:
        for config in {config.name: config for config in configs}.values():
            self._database.execute(
                "INSERT INTO config VALUES ($name, $minimum, $maximum, $labels)",
                {**vars(config), "labels": None if config.labels is None else list(config.labels)},
            )
        self._run("set_configs")

    def _ordered(
        self, file: str, variables: dict[str, Any], *, sort: bool
    ) -> Generator[pa.RecordBatch, None, None]:
        buckets = bucket_count(self.measure_to_send()[1]) if sort else 1
        batches = (
            batch
            for query in self._portions(file, {**variables, "buckets": buckets})
            for batch in query.to_arrow_reader(_READ_ROWS)
        )
        yield from by_span(batches, buckets, self._folder) if sort else batches

    def _portions(
        self, file: str, variables: dict[str, Any]
    ) -> Generator[duckdb.DuckDBPyRelation, None, None]:
        ((values,),) = self._rows("count_values")
        cursor = self._database.cursor()
        try:
            cursor.execute(_NO_PROGRESS)
            for name, value in variables.items():
                _set(cursor, name, value)
            for first in range(0, values, _PORTION_ROWS):
                _set(cursor, "first_id", first)
                _set(cursor, "end_id", first + _PORTION_ROWS)
                yield cursor.sql(statement(file))
        finally:
            cursor.close()

    def _cause(self, code: ErrorCode, reason: str) -> int:
        cause = {"status": str(Status.REJECTED), "error_code": str(code), "reason": reason}
        return int(self._run("add_cause", cause).fetchall()[0][0])

    def _judge(self, cause_id: int, value_ids: pa.ChunkedArray) -> None:
        with self._registered("incoming_ids", pa.table({"value_id": value_ids})):
            self._run("add_verdicts", {"cause_id": cause_id})

    def _of_ids(self, name: str, value_ids: pa.ChunkedArray) -> pa.Table:
        first, last = _bounds(value_ids)
        self._set("first_id", first)
        self._set("end_id", last + 1)
        with self._registered("incoming_ids", pa.table({"value_id": value_ids})):
            return self._database.sql(statement(name)).to_arrow_reader(_READ_ROWS).read_all()

    @contextmanager
    def _registered(self, name: str, table: pa.Table) -> Iterator[None]:
        self._database.register(name, table)
        try:
            yield
        finally:
            self._database.unregister(name)

    def _set(self, name: str, value: Any) -> None:
        _set(self._database, name, value)

    def _run(self, name: str, given: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        return run_statements(self._database, statement(name), given or {})

    def _table(self, name: str, given: dict[str, Any]) -> pa.Table:
        return read_table(self._database, statement(name), given)

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return self._database.execute(statement(name)).fetchall()


def _set(con: duckdb.DuckDBPyConnection, name: str, value: Any) -> None:
    # The names are our own; a variable cannot be named by a parameter.
    con.execute(f"SET VARIABLE {name} = $value", {"value": value})


def _bounds(value_ids: pa.ChunkedArray) -> tuple[int, int]:
    numbers = [to_numpy(chunk) for chunk in value_ids.chunks if len(chunk)]
    if not numbers:
        return 0, -1
    return (
        int(min(chunk.min() for chunk in numbers)),
        int(max(chunk.max() for chunk in numbers)),
    )


def _remove(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
