"""What is known of earlier write-backs: tables in the schema `spanduck_state` of a DuckDB database.

Everything that a run must not forget is written before it goes on, in one transaction each: what a
call carries before it is made, and what became of it once it was answered.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._write.arrays import texts
from spanduck._write_back.migrations import text_of
from spanduck._write_back.outcomes import Status
from spanduck._write_back.values import QUICK_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Self


_READ_ROWS: Final = 122_880
_UNMATCHED: Final = texts([Status.UNMATCHED])[0]
_TURN: Final = threading.Lock()
"""Models of one process write to a state in turn: its transactions would conflict."""
_live: set[str] = set()
"""Runs of this process that have not ended: what they have sent is theirs to settle."""
_has_ended: Final = threading.Condition()
_moments: Final = itertools.count()
_last_begun: Final[deque[tuple[int, str]]] = deque(maxlen=2)
"""The last two runs that began, and when: one of them is another than whoever asks."""


@dataclass(frozen=True)
class Target:
    """What a run writes to.

    Attributes:
        model: Name of the model, by which its failures and its watermark are kept.
        kind: `eval`, `annotation` or `metadata`.
        space_id: Id of the space.
        project_id: Id of the project: one that is made anew under an old name is another.
        project: Its name.
    """

    model: str
    kind: str
    space_id: str
    project_id: str
    project: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return dict(vars(self))


class State:
    """The state, for one run. A context manager; not for several threads at once.

    Args:
        connection: A connection of the state's own, closed with it.
        target: What the run writes to.
        run_id: The run.
        place: Where the state is, for people.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, target: Target, run_id: str, place: str
    ) -> None:
        self._connection = connection
        # A run that only plans has no number.
        self._names: dict[str, Any] = {**target.to_dict(), "run_id": run_id, "run": -1}
        self._not_looked_for: set[str] = set()
        self._is_first = not _live
        self._opened = next(_moments)
        self.place = place

    def of_kind(self, kind: str) -> Self:
        """Name the kind of the run's values, which only the query tells; returns the state."""
        self._names["kind"] = kind
        with self._transaction():
            rows = self._run("find_target").fetchall() or self._run("add_target").fetchall()
        self._names["target"] = rows[0][0]
        return self

    def is_made_anew(self) -> bool:
        """Whether something was accepted under the project's name, but of another project."""
        others = self._run("find_former").fetchall()
        return bool(others) and not self._run("has_accepted").fetchall()

    def begin_run(self) -> None:
        """Note that the run has begun, and that earlier ones of its model are over."""
        _live.add(self._names["run_id"])
        _last_begun.append((next(_moments), self._names["run_id"]))
        with self._transaction():
            self._run("interrupted_runs", {"others": list(self._others())})
            self._names["run"] = self._run("begin_run").fetchall()[0][0]

    def end_run(self, outcome: Mapping[str, Any]) -> None:
        """Note what the run came to."""
        with self._transaction():
            self._run("end_run", outcome)

    def break_run(self, status: str, error: str) -> None:
        """Note that the run did not come to its end; what it wrote is in the changelog."""
        with self._transaction():
            self._run("break_run", {"status": status, "error": error})

    def adopt(self, entries: pa.Table) -> None:
        """Note values that the service turned out to hold."""
        with self._incoming("incoming_entries", entries), self._transaction():
            self._run("replace_changed")

    def accepted(self, keys: pa.Table) -> Iterator[pa.RecordBatch]:
        """Stream the hashes of what the service holds under some keys, as far as is known.

        Args:
            keys: Their lower halves, `key_low`.
        """
        with self._incoming("incoming_keys", keys):
            yield from self._read_target("read_accepted")

    def count_known(self) -> int:
        """Return of how many values there are quick numbers."""
        return int(self._run("count_known").fetchall()[0][0])

    def known(self, first: int, last: int) -> pa.Table:
        """Return (quick_key, quick_value) of the keys from a first to a last one."""
        for name, value in (("spanduck_first", first), ("spanduck_last", last)):
            self._connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        return pa.Table.from_batches(self._read_target("read_known"), QUICK_SCHEMA)

    def keep_known(self, entries: pa.Table) -> None:
        """Note the quick numbers of values that turned out to be held, where there are none."""
        with self._incoming("incoming_entries", entries), self._transaction():
            self._run("keep_known")

    def failed(self) -> pa.Table:
        """Return the keys of the model's values that earlier runs did not write."""
        return read_table(self._connection, text_of("read_failed"), self._names)

    def pending(self) -> pa.Table:
        """Return (span_id, level, name) of values sent without an answer, by runs that ended."""
        self._not_looked_for = self._others()
        others = {"others": list(self._not_looked_for)}
        return read_table(self._connection, text_of("read_pending"), {**self._names, **others})

    def settle_pending(self, seen: pa.Table) -> None:
        """Note what became of what was `pending`, from the hashes of what the service holds."""
        others = list(self._not_looked_for | self._others())
        with self._incoming("incoming_seen", seen), self._transaction():
            self._run("settle_pending", {"others": others})

    def begin_call(self, call: int, entries: pa.Table) -> None:
        """Note what a call is about to carry."""
        with self._incoming("incoming_entries", entries), self._transaction():
            self._run("begin_call", {"call": call})

    def forget_call(self, call: int) -> None:
        """Note that nothing of a call has arrived."""
        with self._transaction():
            self._run("forget_call", {"call": call})

    def end_call(self, call: int, accepted: pa.Table, *, has_changed: bool) -> None:
        """Note that a call was answered.

        Args:
            call: Its number.
            accepted: The entries that the service has taken.
            has_changed: Some of them are not new.
        """
        with self._incoming("incoming_entries", accepted), self._transaction():
            self._run("forget_call", {"call": call})
            self._run("log_accepted")
            self._run("forget_rejected")
            # What was new may be there by now, from a model that runs beside this one.
            if has_changed or (self._is_shared() and self._run("has_some").fetchall()):
                self._run("replace_changed")
            else:
                self._run("keep_new")

    def note_refused(self, refusals: pa.Table) -> None:
        """Keep values that were not written, with the reason."""
        with self._incoming("incoming_refusals", refusals), self._transaction():
            self._run("log_refused")
            self._run("keep_refused")
            if pc.any(pc.equal(refusals.column("status"), _UNMATCHED)).as_py():
                self._run("forget_unmatched")

    def forget_old_rejected(self) -> None:
        """Forget what earlier runs of the model failed to write: this one looked at all of it."""
        with self._transaction():
            self._run("forget_old_rejected")

    def watermark(self) -> datetime | None:
        """Return up to which start of a span the model has been run."""
        rows = self._run("read_watermark").fetchall()
        return rows[0][0] if rows else None

    def set_watermark(self, watermark: datetime) -> None:
        """Note up to which start of a span the model has been run."""
        with self._transaction():
            self._run("set_watermark", {"watermark": watermark})

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._connection.close()
        with _has_ended:
            _live.discard(self._names["run_id"])
            _has_ended.notify_all()

    def _read_target(self, name: str) -> Iterator[pa.RecordBatch]:
        self._connection.execute(
            "SET VARIABLE spanduck_target = $target", {"target": self._names["target"]}
        )
        yield from self._connection.sql(text_of(name)).to_arrow_reader(_READ_ROWS)

    def _is_shared(self) -> bool:
        """Whether another run of this process has been going on since this state was opened."""
        return not self._is_first or any(
            moment > self._opened and run_id != self._names["run_id"]
            for moment, run_id in list(_last_begun)
        )

    def _others(self) -> set[str]:
        return _live - {self._names["run_id"]}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _TURN:
            self._connection.begin()
            try:
                yield
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    self._connection.rollback()
                raise
            self._connection.commit()

    @contextlib.contextmanager
    def _incoming(self, name: str, table: pa.Table) -> Iterator[None]:
        self._connection.register(name, table)
        try:
            yield
        finally:
            self._connection.unregister(name)

    # `Any`: parameters are of the types of their columns.
    def _run(self, name: str, more: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        given = {**self._names, **(more or {})}
        return run_statements(self._connection, text_of(name), given)


def wait_for_runs(timeout_s: float) -> None:
    """Wait until every run of this process that has begun has noted how it ended."""
    with _has_ended:
        _has_ended.wait_for(lambda: not _live, timeout_s)


def run_statements(
    con: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any]
) -> duckdb.DuckDBPyConnection:
    """Run statements, each with those of the parameters that it names; returns the last result."""
    for statement in con.extract_statements(text):
        names = statement.named_parameters
        con.execute(statement, {name: given[name] for name in names} if names else None)
    return con


def read_table(con: duckdb.DuckDBPyConnection, text: str, given: Mapping[str, Any]) -> pa.Table:
    """Return what a query yields; see `run_statements`."""
    (statement,) = con.extract_statements(text)
    named = {name: given[name] for name in statement.named_parameters}
    return con.sql(text, params=named or None).to_arrow_table()
