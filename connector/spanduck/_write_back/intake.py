"""Values on their way into the private database of a write-back.

It goes on in two threads behind the reader of the model: one looks values up, one writes them. What
the service is known to hold as it is gets no further than a file beside the database.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.values.kinds import ANNOTATIONS, EVALUATIONS
from spanduck._upload.values.notes import NOTE_MAX_LENGTH
from spanduck._write.arrays import Bools, Int64s, mask_of, to_arrow, to_numpy
from spanduck._write.patches import MAX_CHARACTERS, MAX_DEPTH
from spanduck._write_back.aside import Aside
from spanduck._write_back.kinds import EVAL
from spanduck._write_back.known import Known, numbers, repeated
from spanduck._write_back.stage import Stage
from spanduck._write_back.values import QUICK_SCHEMA, VALUE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from spanduck._write_back.configs import Config
    from spanduck._write_back.kinds import Kind
    from spanduck._write_back.known import Reader, UInt64s
    from spanduck._write_back.statements import Statements

ROW_GROUP_ROWS: Final = 122_880
"""Rows that DuckDB keeps together. So many at a time go to the file at once."""
_MOST_BYTES: Final = 16 << 20
"""Of values that are gathered; others are looked up and written meanwhile, so that there are three
times as many in memory."""
_PART_ROWS: Final = ROW_GROUP_ROWS // 2
"""Values that are looked up at a time."""
_UNKNOWN_ROWS: Final = ROW_GROUP_ROWS // 6
"""Of those that were not found, values that are written at a time: few are left at the end."""
_BUCKET_VALUES: Final = 1_000_000
"""Values among which repeated ones are looked for at a time, by some 30 bytes each."""
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
        folder: For values that are known.

    Attributes:
        taken: How many values were taken.
        known: After `flush`: how many of them are known, and in no table.
        has_collisions: After `finish`: whether any may be repeated.
    """

    def __init__(
        self,
        sql: Statements,
        rules: dict[str, Any],
        configs: Sequence[Config],
        folder: Path,
    ) -> None:
        self.taken = self.known = 0
        self.has_collisions = False
        self._sql = sql
        self._rules = rules
        self._folder = folder
        self._aside = Aside(folder / "aside.arrows")
        self._pending = _Gathered()
        self._part_rows = ROW_GROUP_ROWS
        self._known: Known | None = None
        self._unknown = _Gathered()
        self._unknown_ids: list[Int64s] = []
        # What is known is found beside what is written; for that, a connection of its own.
        self._looking_sql = sql.cursor()
        self._looking, self._writing = Stage("spanduck-look-up"), Stage("spanduck-intake")
        # Texts are read once or twice; to press them would take longer than all else here.
        sql.connection.execute("PRAGMA force_compression = 'uncompressed'")
        self._add_configs(configs)

    def expect(self, known: Reader, count: int) -> None:
        """Tell what is known already, before the first `add`.

        Args:
            known: Returns (quick_key, quick_value) of the keys from a first to a last one; called
                before `flush` returns, in another thread.
            count: About how many there are in all.
        """
        self._part_rows = _PART_ROWS
        self._looking.start(partial(self._read_known, known, count))

    def add(self, values: pa.Table) -> None:
        """Take values of `VALUE_SCHEMA`, maybe with `QUICK_SCHEMA`, after those before them."""
        # Of a model that says little, most batches have no values, and an Arrow file keeps them.
        if not len(values):
            return
        self._pending.append(values)
        if self._pending.rows >= self._part_rows or self._pending.is_enough:
            self._looking.start(partial(self._take, self._pending.pop()))

    def flush(self) -> None:
        """Wait until everything that was taken is written."""
        self._looking.wait()
        if self._pending:
            self._take(self._pending.pop())
        self._writing.wait()
        self._add_unknown()

    def finish(self) -> None:
        """Wait likewise, and find what may be repeated.

        Nothing is added after that.
        """
        self.flush()
        self._looking.close()
        self._writing.close()
        self._aside.finish()
        # Numbers are compared out of the database: that takes a third of the time there.
        buckets = max(1, -(-(self.taken - self.known) // _BUCKET_VALUES))
        self._sql.set("buckets", buckets)
        for bucket in range(buckets):
            self._sql.set("bucket", bucket)
            self._collide(repeated(numbers(self._sql.table("hashes_of_values").column(0))))
        if self._known is not None:
            self._collide(self._known.repeated)
            if self.has_collisions:
                self._bring_back()

    def show(self, most: int | None = None) -> None:
        """Add the known values to the others, or the first of them; after `finish`."""
        for values in self._known_values():
            self._add(values.slice(0, most), is_known=True)
            if most is not None and (most := most - len(values)) <= 0:
                break

    def interrupt(self) -> None:
        """End the statements that run now, if any does: they raise. From any thread."""
        self._looking_sql.connection.interrupt()
        self._sql.connection.interrupt()

    def close(self) -> None:
        """End the threads and the connections. Idempotent."""
        self._looking.close()
        self._writing.close()
        # A disk that was too full for the values is too full for their end; the file goes anyway.
        with contextlib.suppress(OSError):
            self._aside.finish()
        self._looking_sql.close()
        self._sql.close()

    def _read_known(self, read: Reader, count: int) -> None:
        self._known = Known(read, count, self._folder / "known")

    def _take(self, values: pa.Table) -> None:
        ids = np.arange(self.taken, self.taken + len(values), dtype=np.int64)
        values = values.append_column("value_id", to_arrow(ids))
        self.taken += len(values)
        if self._known is None:
            self._writing.start(partial(self._add, values, is_known=False))
            return
        if len(values.columns) > len(VALUE_SCHEMA) + 1:
            hashes = values.select(QUICK_SCHEMA.names)
            values = values.drop_columns(QUICK_SCHEMA.names)
        else:
            with self._looking_sql.registered("incoming", values):
                hashes = self._looking_sql.table("hashes_of_incoming")
        is_known = self._known.look_up(*(numbers(column) for column in hashes.columns))
        self._writing.start(partial(self._keep, values, is_known))

    def _keep(self, values: pa.Table, is_known: Bools) -> None:
        if is_known.any():
            self.known += int(is_known.sum())
            self._aside.put(values)
            ids = to_numpy(values.column("value_id").combine_chunks())
            self._unknown_ids.append(ids[~is_known])
            values = values.filter(mask_of(~is_known))
        # Few are left of each part where most are known: one transaction for many takes less.
        self._unknown.append(values)
        if self._unknown.rows >= _UNKNOWN_ROWS or self._unknown.is_enough:
            self._add_unknown()

    def _add_unknown(self) -> None:
        if self._unknown:
            self._add(self._unknown.pop().combine_chunks(), is_known=False)

    def _collide(self, keys: UInt64s) -> None:
        if len(keys):
            incoming = pa.table({"quick_key": to_arrow(keys.view(np.int64)).view(pa.uint64())})
            with self._sql.registered("incoming_keys", incoming):
                self._sql.run("add_collisions")
            self.has_collisions = True

    def _bring_back(self) -> None:
        """Judge known values that may be repeated as if they were not known."""
        for values in self._known_values():
            with self._sql.registered("incoming", values):
                repeated_ids = self._sql.table("list_collisions").column("value_id")
            if len(repeated_ids):
                ids = repeated_ids.combine_chunks()
                self._unknown.append(
                    values.filter(pc.is_in(values.column("value_id"), value_set=ids))
                )
                self._unknown_ids.append(to_numpy(ids))
                self.known -= len(ids)
            if self._unknown.is_enough:
                self._add_unknown()
        self._add_unknown()

    def _known_values(self) -> Iterator[pa.Table]:
        unknown_ids = np.sort(np.concatenate([np.zeros(0, np.int64), *self._unknown_ids]))
        for values in self._aside.tables():
            ids = to_numpy(values.column("value_id").combine_chunks())
            begin, end = np.searchsorted(unknown_ids, [ids[0], ids[-1] + 1])
            is_known = np.isin(ids, unknown_ids[begin:end], invert=True)
            if is_known.any():
                yield values.filter(mask_of(is_known))

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


class _Gathered:
    """Tables until they are enough for a transaction."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self.rows = self._bytes = 0

    def __bool__(self) -> bool:
        return self.rows > 0

    @property
    def is_enough(self) -> bool:
        return self.rows >= ROW_GROUP_ROWS or self._bytes >= _MOST_BYTES

    def append(self, table: pa.Table) -> None:
        self._tables.append(table)
        self.rows += len(table)
        self._bytes += table.nbytes

    def pop(self) -> pa.Table:
        tables, self._tables = self._tables, []
        self.rows = self._bytes = 0
        return pa.concat_tables(tables)
