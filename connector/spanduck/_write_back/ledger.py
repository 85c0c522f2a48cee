"""The private database of one write-back: every value, and what became of it.

On disk and in little memory, so that a million values need no more of it than ten thousand. It has
one owner, the report, and is removed with it.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from spanduck._temporary import private_folder, remove_folder
from spanduck._write.arrays import to_numpy
from spanduck._write.rules import NAMES_PER_CALL
from spanduck._write_back.intake import Intake, rules_of
from spanduck._write_back.kinds import EVAL, METADATA_KIND, Kind
from spanduck._write_back.outbox import Outbox
from spanduck._write_back.outcomes import ErrorCode, Status
from spanduck._write_back.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from spanduck._write_back.configs import Config
    from spanduck._write_back.known import Reader

MEMORY_LIMIT: Final = "64MB"
_READ_ROWS: Final = 2_000
_PORTION_ROWS: Final = 50_000
_BUCKET_ROWS: Final = 200_000
"""Values that are compared at a time: their half of a join, in memory."""
_UNMATCHED_CAUSE: Final = 4
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

    Attributes:
        kind: Of the values.
        outbox: After `compare`: what is to be sent.
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
        self._is_shown = False
        # Readable by this user alone: the values may be confidential.
        self._folder = private_folder("spanduck-write-")
        try:
            database = _database(self._folder)
        except BaseException:
            remove_folder(self._folder)
            raise
        self._sql = Statements(database)
        self._sql.run("stored_form")
        self._sql.run("schema")
        rules = rules_of(kind, is_named=is_named, key_name=key_name)
        self._intake = Intake(self._sql.cursor(), rules, configs, self._folder)
        self.outbox = Outbox(kind, self._sql, self._intake, self._folder)
        self._finalizer = weakref.finalize(self, _remove, self._intake, database, self._folder)

    def expect(self, known: Reader, count: int) -> None:
        """Tell what the service is known to hold, before the first `add`.

        A value that is found among it is unchanged, and costs a fifth of what another does.

        Args:
            known: Returns (quick_key, quick_value), as `entries` gave them, of the keys from a
                first to a last one; called before `settle` returns, in another thread.
            count: About how many there are in all.
        """
        self._intake.expect(known, count)

    def add(self, values: pa.Table) -> None:
        """Keep values of `VALUE_SCHEMA`, after those before them; each is validated on its own."""
        self._intake.add(values)

    def to_json(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """Write columns of any type as JSON texts; NULL stays NULL."""
        names = [f"c{number}" for number in range(len(columns))]
        cells = pa.Table.from_arrays(list(columns), names=names)
        with self._sql.registered("incoming_cells", cells):
            table = self._sql.table("to_json")
        return [column.combine_chunks() for column in table.columns]

    def keys(self) -> pa.Array:
        """Return what valid values name their spans by, each once; call it after the last `add`."""
        self._intake.flush()
        column = self._sql.table("wanted_keys").column("key")
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, pa.string())

    def find_spans(self, found: Iterable[pa.RecordBatch]) -> None:
        """Put ids of spans in the place of keys.

        Args:
            found: Batches of (key, span_id): every span that has one of `keys()`.
        """
        self._sql.connection.execute("CREATE TEMPORARY TABLE found (key VARCHAR, span_id VARCHAR)")
        for batch in found:
            with self._sql.registered("incoming_found", pa.Table.from_batches([batch])):
                self._sql.connection.execute(
                    "INSERT INTO found SELECT key, span_id FROM incoming_found"
                )
        self._sql.run("find_spans")
        self._sql.connection.execute("DROP TABLE found")

    def settle(self) -> None:
        """Find the repeated values; call it after the last `add`."""
        self._intake.finish()
        if self._intake.has_collisions:
            self._sql.run("find_repeated")
        if self.kind is METADATA_KIND:
            self._sql.run("split_values")
            self._sql.run("split_patches")
        else:
            self._sql.run("view_values")

    def unknown_keys(self) -> pa.Table:
        """Return the lower halves of the keys of all valid values that are not known."""
        return self._sql.table("unknown_keys")

    def names(self) -> list[tuple[str, str]]:
        """Return (level, name) of all valid values, each once; of patches their keys."""
        return [(str(level), str(name)) for level, name in self._sql.rows("said_names")]

    def hashed(self, held: Iterable[pa.RecordBatch]) -> pa.Table:
        """Return what the service holds in the form that is compared.

        Args:
            held: Batches of (span_id, level, name, label, score, body).
        """
        given = {"kind": self.kind.word}
        hashed = []
        for batch in held:
            with self._sql.registered("incoming_held", pa.Table.from_batches([batch])):
                hashed.append(self._sql.table("hash_held", given))
        return pa.concat_tables(hashed) if hashed else HASHED_SCHEMA.empty_table()

    def hold(self, hashed: pa.Table) -> None:
        """Add to what the service holds, as far as is known."""
        with self._sql.registered("incoming_held", hashed):
            self._sql.run("add_held")

    def fail_before(self, keys: pa.Table) -> None:
        """Name the values that an earlier run did not write, by their keys."""
        with self._sql.registered("incoming_failed", keys):
            self._sql.connection.execute(
                "INSERT INTO failed SELECT key_high, key_low FROM incoming_failed"
            )

    def compare(self, *, full: bool, only_failed: bool, limit: int | None) -> Queue:
        """Queue what differs from what is held.

        Args:
            full: Queue also what does not.
            only_failed: Leave out what `fail_before` did not name.
            limit: Leave out what comes after so many values, in the model's order.
        """
        self._sql.set("is_full", full)
        if self.kind is METADATA_KIND:
            self._sql.run("compare_patches")
            self._sql.run("queue_compared")
        elif not self._sql.number("count_held"):
            self._sql.run("queue_new")
        else:
            values = self._sql.number("count_unknown")
            buckets = max(1, -(-values // _BUCKET_ROWS))
            self._sql.set("buckets", buckets)
            for bucket in range(buckets):
                self._sql.set("bucket", bucket)
                self._sql.run("compare")
                self._sql.run("queue_compared")
        if only_failed:
            self._sql.run("keep_failed")
        if limit is not None:
            self._sql.set("most_values", limit)
            self._sql.run("keep_first")
        self._sql.connection.execute("INSERT INTO sending SELECT value_id FROM queue")
        self._sql.run("list_names", {"names_per_call": NAMES_PER_CALL})
        return self.queue()

    def queue(self, *, refused: bool = True) -> Queue:
        """Return how many values are queued, with those that were refused or without."""
        ((new, changed, new_taken, changed_taken),) = self._sql.rows("count_queue")
        return Queue(new, changed) if refused else Queue(new_taken, changed_taken)

    def entries(self, value_ids: pa.ChunkedArray) -> pa.Table:
        """Return what the state keeps of queued values, key by key."""
        return self._of_ids("entries", value_ids)

    def unchanged_entries(self) -> Iterator[pa.Table]:
        """Return what the state keeps of values that the service had already, in portions."""
        if self._sql.number("is_any_unchanged"):
            for query in self._portions("unchanged_entries"):
                yield query.to_arrow_table()

    def refusals(self) -> Iterator[pa.Table]:
        """Return the rows of the values that were not written, in portions."""
        ids = self._sql.table("refused_ids").column("value_id")
        for first in range(0, len(ids), _PORTION_ROWS):
            yield self.refusals_of(ids.slice(first, _PORTION_ROWS))

    def refusals_of(self, value_ids: pa.ChunkedArray) -> pa.Table:
        """Return the rows of some of them."""
        return self._of_ids("refusals_of", value_ids)

    def plan_sample(self, rows: int) -> pa.Table:
        """Return the first values that are new, changed, unchanged, and so on."""
        self._show(rows)
        return self._sql.table("plan_sample", {"rows": rows})

    def reject(self, code: ErrorCode, reason: str, value_ids: pa.ChunkedArray) -> None:
        """Note values of a call that failed."""
        self._judge(self._cause(code, reason), value_ids)

    def unmatch(self, value_ids: pa.ChunkedArray) -> None:
        """Note values of spans that the service does not hold."""
        self._judge(_UNMATCHED_CAUSE, value_ids)

    def doubt(self, value_ids: pa.ChunkedArray) -> None:
        """Note values that were sent without an answer."""
        with self._sql.registered("incoming_ids", pa.table({"value_id": value_ids})):
            self._sql.run("add_doubts")

    def resolve_doubts(self, seen: pa.Table) -> int:
        """Make what has not arrived what is to be sent now, and return how many values that is.

        Args:
            seen: Hashes of what the service holds of the doubtful values.
        """
        with self._sql.registered("seen", seen):
            self._sql.run("requeue")
        return self._sql.number("count_sending")

    def doubts(self) -> Iterator[pa.ChunkedArray]:
        """Return the ids of what is still doubtful, in portions, none empty."""
        for query in self._portions("doubts"):
            value_ids = query.to_arrow_table().column("value_id")
            if len(value_ids):
                yield value_ids

    def counts(self) -> dict[str, int]:
        """Return how many values have each status; a status without values may be absent."""
        counts = {status: int(number) for status, number in self._sql.rows("count_outcomes")}
        known = self._intake.known
        if known:
            counts[Status.UNCHANGED] = counts.get(Status.UNCHANGED, 0) + known
        return counts

    def outcomes(self, *, all_values: bool) -> Iterator[pa.RecordBatch]:
        """Stream the outcomes as `OUTCOME_SCHEMA`, by row."""
        if all_values:
            self._show()
        for query in self._portions("outcomes", all_outcomes=all_values):
            for batch in query.to_arrow_reader(_READ_ROWS):
                yield batch.cast(OUTCOME_SCHEMA)

    @property
    def is_closed(self) -> bool:
        """Whether the files are gone."""
        return not self._finalizer.alive

    def interrupt(self) -> None:
        """End the statement that runs now, if one does: it raises. From any thread."""
        self._intake.interrupt()
        self._sql.connection.interrupt()

    def close(self) -> None:
        """Close the database and remove its files."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _show(self, most: int | None = None) -> None:
        """Have what was put aside, or the first of it, among the values."""
        if self._intake.known and not self._is_shown:
            self._sql.run("hide_known")
            self._intake.show(most)
            self._is_shown = most is None

    def _portions(self, name: str, **variables: Any) -> Iterator[duckdb.DuckDBPyRelation]:
        return self._sql.portions(name, variables, ids=self._intake.taken)

    def _cause(self, code: ErrorCode, reason: str) -> int:
        cause = {"status": str(Status.REJECTED), "error_code": str(code), "reason": reason}
        return int(self._sql.rows("add_cause", cause)[0][0])

    def _judge(self, cause_id: int, value_ids: pa.ChunkedArray) -> None:
        with self._sql.registered("incoming_ids", pa.table({"value_id": value_ids})):
            self._sql.run("add_verdicts", {"cause_id": cause_id})

    def _of_ids(self, name: str, value_ids: pa.ChunkedArray) -> pa.Table:
        first, last = _bounds(value_ids)
        self._sql.set("first_id", first)
        self._sql.set("end_id", last + 1)
        with self._sql.registered("incoming_ids", pa.table({"value_id": value_ids})):
            return self._sql.query(name).to_arrow_reader(_READ_ROWS).read_all()


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / "spill"),
            # Rows keep their order, and little memory is needed.
            "threads": 1,
            # What fills no row group can leave the memory only when it is written out.
            "wal_autocheckpoint": "64MB",
        }
    )
    try:
        # Nothing is kept of the file, so a log of it, or a last checkpoint, would be for nothing.
        database.execute(
            "ATTACH ? AS ledger (TYPE DUCKDB, RECOVERY_MODE no_wal_writes)",
            [str(folder / "values.duckdb")],
        )
        database.execute("USE ledger")
        database.execute("PRAGMA disable_checkpoint_on_shutdown")
        database.execute(_JOINS_AS_WRITTEN)
    except BaseException:
        database.close()
        raise
    return database


def _bounds(value_ids: pa.ChunkedArray) -> tuple[int, int]:
    numbers = [to_numpy(chunk) for chunk in value_ids.chunks if len(chunk)]
    if not numbers:
        return 0, -1
    return (
        int(min(chunk.min() for chunk in numbers)),
        int(max(chunk.max() for chunk in numbers)),
    )


def _remove(intake: Intake, database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    intake.close()
    database.close()
    remove_folder(folder)
