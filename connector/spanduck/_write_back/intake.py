"""Values on their way into the private database of a write-back.

It goes on in a thread of its own while the model is read. Where anything is known of what the
service holds, all values are put aside first, and only those that are not known come out again.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.values.kinds import ANNOTATIONS, EVALUATIONS
from spanduck._upload.values.notes import NOTE_MAX_LENGTH
from spanduck._write.arrays import Int64s, to_arrow, to_numpy
from spanduck._write.patches import MAX_CHARACTERS, MAX_DEPTH
from spanduck._write_back.kinds import EVAL
from spanduck._write_back.state import KNOWN_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from spanduck._write_back.aside import Aside
    from spanduck._write_back.configs import Config
    from spanduck._write_back.kinds import Kind
    from spanduck._write_back.statements import Statements

ROW_GROUP_ROWS: Final = 122_880
"""Rows that DuckDB keeps together. So many at a time go to the file at once, past its log."""
_MOST_BYTES: Final = 16 << 20
"""Of values that are gathered; twice as much is in memory, for some are written meanwhile."""
_BUCKET_VALUES: Final = 1_000_000
"""Values that are told from known ones at a time, by some 50 bytes each."""
_WHITE_SPACE: Final = r"\p{Z}\t\n\x{0B}\f\r\x{1C}-\x{1F}\x{85}"
_BLANK: Final = f"[{_WHITE_SPACE}]*"
_SENDABLE_NAME: Final = f"[a-zA-Z0-9_{_WHITE_SPACE}]+"
"""The vendor's `[a-zA-Z0-9_\\s]+`, whose `\\s` is Python's: all Unicode white space."""


# `Any`: parameters of a statement.
def rules_of(kind: Kind, *, is_named: bool, key_name: str) -> dict[str, Any]:
    """Return what values are judged by.

    Args:
        kind: Of the values.
        is_named: Each has a name: all but patches of several keys.
        key_name: What the spans are given by, for messages.
    """
    limits = EVALUATIONS.fields if kind is EVAL else ANNOTATIONS.fields
    # Of metadata no field has these names, nor a limit of this kind.
    body = limits.get(kind.body, limits["label"])
    return {
        "kind": kind.word,
        "is_named": is_named,
        "name_word": kind.name_word,
        "key_name": key_name,
        "body_name": kind.body,
        "blank": _BLANK,
        "sendable_name": _SENDABLE_NAME,
        "label_max_length": limits["label"].max_length,
        "body_max_length": body.max_length,
        "note_max_length": NOTE_MAX_LENGTH,
        "patch_max_length": MAX_CHARACTERS,
        # The patch that a single value is put into is a level of its own.
        "patch_max_levels": MAX_DEPTH - 2 if is_named else MAX_DEPTH - 1,
    }


class Intake:
    """Writes values into the table `value`, in the order in which they come.

    Args:
        sql: A connection of its own to the database, whose tables are there.
        rules: What values are judged by, from `rules_of`.
        configs: What annotations may be.
        aside: Where values are put that may be known.

    Attributes:
        taken: How many values were taken.
        known: After `finish`: how many of them are known, and in no table.
    """

    def __init__(
        self,
        sql: Statements,
        rules: dict[str, Any],
        configs: Sequence[Config],
        aside: Aside,
    ) -> None:
        self.taken = self.known = 0
        self._sql = sql
        self._rules = rules
        self._aside = aside
        self._pending = _Gathered()
        self._known: Callable[[int, int], pa.Table] = _nothing_known
        self._known_count = 0
        # Of what was put aside, those that came out again, in order.
        self._unknown_ids: Int64s = np.zeros(0, dtype=np.int64)
        self._thread = ThreadPoolExecutor(1, "spanduck-intake")
        self._writing: Future[None] | None = None
        # Texts are read once or twice; to press them would take longer than all else here.
        sql.connection.execute("PRAGMA force_compression = 'uncompressed'")
        self._add_configs(configs)

    def expect(self, known: Callable[[int, int], pa.Table], count: int) -> None:
        """Tell what is known already, before the first `add`.

        Args:
            known: Returns (quick_key, quick_value) of the keys that leave a remainder, given how
                many there are and which; called by `finish`.
            count: How many there are in all.
        """
        self._known, self._known_count = known, count

    def add(self, values: pa.Table) -> None:
        """Take values of `VALUE_SCHEMA`, after those before them."""
        self._pending.append(values)
        if self._pending.is_enough:
            self._start(partial(self._take, self._pending.pop()))

    def flush(self) -> None:
        """Wait until everything that was taken is written."""
        if self._pending:
            self._start(partial(self._take, self._pending.pop()))
        self._wait()

    def finish(self) -> None:
        """Wait likewise, tell known values from others, and find what may be repeated.

        Nothing is added after that.
        """
        self.flush()
        self._thread.shutdown()
        self._aside.finish()
        # Numbers are compared out of the database: that takes a third of the time there.
        buckets = max(1, -(-max(self.taken, self._known_count) // _BUCKET_VALUES))
        self._sql.set("buckets", buckets)
        unknown_ids: list[Int64s] = []
        for bucket in range(buckets):
            self._sql.set("bucket", bucket)
            if self._known_count:
                hashes = self._sql.table("hashes_aside")
                is_unknown = _is_unknown(hashes, self._known(buckets, bucket))
                unknown = hashes.column("value_id").filter(is_unknown)
                unknown_ids.append(to_numpy(unknown.combine_chunks()))
            else:
                hashes = self._sql.table("hashes_of_values")
            with self._sql.registered("incoming_keys", _repeated(hashes.column("quick_key"))):
                self._sql.run("add_collisions")
        if self._known_count:
            self._unknown_ids = np.sort(np.concatenate(unknown_ids))
            self.known = self.taken - len(self._unknown_ids)
            self._add_some(self._from_aside(is_known=False), is_known=False)

    def bring_back(self, value_ids: pa.ChunkedArray) -> None:
        """Judge known values as if they were not; after `finish`."""
        wanted = np.setdiff1d(to_numpy(value_ids.combine_chunks()), self._unknown_ids)
        if not len(wanted):
            return
        known = to_arrow(wanted)
        self._add_some(
            (
                values.filter(pc.is_in(values.column("value_id"), value_set=known))
                for values in self._from_aside(is_known=True)
            ),
            is_known=False,
        )
        self._unknown_ids = np.union1d(self._unknown_ids, wanted)
        self.known -= len(wanted)

    def show(self, most: int | None = None) -> None:
        """Add the known values to the others, or the first of them; after `finish`."""
        for values in self._from_aside(is_known=True):
            self._add_some([values.slice(0, most)], is_known=True)
            if most is not None and (most := most - len(values)) <= 0:
                break

    def interrupt(self) -> None:
        """End the statement that runs now, if one does: it raises. From any thread."""
        self._sql.connection.interrupt()

    def close(self) -> None:
        """End the thread and the connection. Idempotent."""
        self._thread.shutdown(cancel_futures=True)
        self._aside.finish()
        self._sql.close()

    def _start(self, job: Callable[[], None]) -> None:
        self._wait()
        self._writing = self._thread.submit(job)

    def _wait(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _take(self, values: pa.Table) -> None:
        ids = np.arange(self.taken, self.taken + len(values), dtype=np.int64)
        values = values.append_column("value_id", to_arrow(ids))
        self.taken += len(values)
        if self._known_count:
            self._aside.put(values)
            with self._sql.registered("incoming", values):
                self._sql.run("add_hashes")
        else:
            self._add(values, is_known=False)

    def _from_aside(self, *, is_known: bool) -> Iterator[pa.Table]:
        for values in self._aside.tables():
            first = values.column("value_id")[0].as_py()
            begin, end = np.searchsorted(self._unknown_ids, [first, first + len(values)])
            is_wanted = np.full(len(values), is_known)
            is_wanted[self._unknown_ids[begin:end] - first] = not is_known
            yield values.filter(pa.array(is_wanted))

    def _add_some(self, tables: Iterable[pa.Table], *, is_known: bool) -> None:
        # Few are left of each part where most are known: one transaction for many takes less.
        gathered = _Gathered()
        for values in tables:
            gathered.append(values)
            if gathered.is_enough:
                self._add(gathered.pop().combine_chunks(), is_known=is_known)
        if gathered:
            self._add(gathered.pop().combine_chunks(), is_known=is_known)

    def _add(self, values: pa.Table, *, is_known: bool) -> None:
        # A transaction of its own: one that spans many would keep every batch in memory to its end.
        with self._sql.registered("incoming", values):
            self._sql.run("add_values", {**self._rules, "is_known": is_known})

    def _add_configs(self, configs: Sequence[Config]) -> None:
        for config in {config.name: config for config in configs}.values():
            self._sql.connection.execute(
                "INSERT INTO config VALUES ($name, $minimum, $maximum, $labels)",
                {**vars(config), "labels": None if config.labels is None else list(config.labels)},
            )
        self._sql.run("set_configs")


def _nothing_known(_buckets: int, _bucket: int) -> pa.Table:
    return KNOWN_SCHEMA.empty_table()


def _is_unknown(hashes: pa.Table, known: pa.Table) -> pa.ChunkedArray:
    keys, values = (column.combine_chunks() for column in known.columns)
    places = pc.index_in(hashes.column("quick_key"), value_set=keys).combine_chunks()
    is_known = pc.equal(hashes.column("quick_value"), values.take(places))
    return pc.invert(pc.fill_null(is_known, False))  # noqa: FBT003 - a value


def _repeated(keys: pa.ChunkedArray) -> pa.Table:
    ordered = np.sort(keys.combine_chunks().to_numpy(zero_copy_only=False))
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return pa.table({"quick_key": pa.array(repeated, pa.uint64())})


class _Gathered:
    """Tables until they are enough for a transaction."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._rows = self._bytes = 0

    def __bool__(self) -> bool:
        return self._rows > 0

    @property
    def is_enough(self) -> bool:
        return self._rows >= ROW_GROUP_ROWS or self._bytes >= _MOST_BYTES

    def append(self, table: pa.Table) -> None:
        self._tables.append(table)
        self._rows += len(table)
        self._bytes += table.nbytes

    def pop(self) -> pa.Table:
        tables, self._tables = self._tables, []
        self._rows = self._bytes = 0
        return pa.concat_tables(tables)
