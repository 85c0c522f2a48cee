"""`FROM write_back(…)`: a write-back as a table, for who has nothing but a SQL prompt.

Binding reads the arguments and no more. The query is run, and values are sent, when a statement
asks for the first row: so EXPLAIN, DESCRIBE, PREPARE and CREATE VIEW send nothing. All is done
before that row is given, whatever LIMIT says, because what was sent cannot be left half told.
"""

from __future__ import annotations

import contextlib
import json
import threading
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from spanduck._write.arrays import constant
from spanduck._write_back.ledger import OUTCOME_SCHEMA
from spanduck._write_back.model import Model, read_model
from spanduck._write_back.options import RunOptions
from spanduck._write_back.plan import WritePlan
from spanduck._write_back.run import name_of
from spanduck._write_back.running import run
from spanduck._write_back.turns import turn
from spanduck.exceptions import ConfigError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

    from spanduck._function.attachment import Attachment
    from spanduck._function.calls import Call
    from spanduck._write_back.report import WriteBackReport
    from spanduck_sql.expressions import Predicate

_RUN_COLUMNS: Final = ("run_id", "model", "project", "kind")
OUTCOMES: Final = pa.schema([*((name, pa.string()) for name in _RUN_COLUMNS), *OUTCOME_SCHEMA])
"""A row for each value: the run, then what `WriteBackReport.outcomes(all=True)` tells."""

_COUNTS: Final = ("new", "changed", "unchanged", "invalid", "duplicate", "unmatched", "left")
PLAN: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("model", "project", "kind")),
        *((name, pa.int64()) for name in ("rows", "values", *_COUNTS, "calls", "bytes")),
        *((name, pa.string()) for name in ("against", "state")),
    ]
)
"""One row: the attributes of a `WritePlan` of these names."""

_FILE_ENDING: Final = ".sql"
_OPTIONS: Final = ("against", "full", "only_failed", "max_invalid", "max_rejected")
_is_running: ContextVar[bool] = ContextVar("_is_running", default=False)


class WriteBackRelation:
    """The outcomes of a write-back, one row a value, or its plan, in one row.

    Every reading is a run of its own. It runs on a connection beside the one that reads: it sees
    what is committed, and no temporary tables or variables.

    Args:
        attachment: Whose service is written to.
        call: Project, space and, as JSON, the other arguments.
        connect: Opens a connection of the same database.

    Raises:
        ValidationError: An argument is impossible, a model file is none, or the call stands in the
            query of another.
        ConfigError: A query without a project.
    """

    row_estimate = None

    def __init__(
        self, attachment: Attachment, call: Call, connect: Callable[[], DuckDBPyConnection]
    ) -> None:
        if _is_running.get():
            raise ValidationError(
                "write_back(…) stands in the query of another",
                next_step="Run one after the other, in statements of their own.",
            )
        self._attachment = attachment
        self._connect = connect
        # `Any`: values of JSON; NULL is an argument that is not given.
        given: dict[str, Any] = {
            name: value
            for name, value in json.loads(call.filter_text or "{}").items()
            if value is not None
        }
        self._search_path: str = given.pop("search_path", "")
        self._time_zone: str = given.pop("time_zone", "UTC")
        self._text: str = given.pop("model", "")
        self._is_dry: bool = given.pop("dry_run", False)
        self._state: str | None = given.pop("state", None)
        self._options: dict[str, Any] = {
            name: given.pop(name) for name in _OPTIONS if name in given
        }
        if "max_values" in given:
            self._options["limit"] = given.pop("max_values")
        # What is left says what a model file would.
        self._words = {"project": call.project, "space": call.space, **given}
        self._words = {name: value for name, value in self._words.items() if value is not None}
        self._model()
        RunOptions.checked(**self._options)
        self.schema = PLAN if self._is_dry else OUTCOMES

    def _model(self) -> Model:
        if not self._text.strip():
            raise ValidationError(
                "write_back(…) needs a model",
                next_step="Give a SELECT as text, as in write_back($$SELECT …$$, project := 'p'),"
                " or the path of a model file.",
            )
        if self._text.lower().endswith(_FILE_ENDING):
            return replace(read_model(Path(self._text)), **self._words)
        if "project" not in self._words:
            raise ConfigError(
                "write_back(…) of a query needs a project",
                next_step="Add project := 'my-project'; FROM projects() lists them.",
                setting="project",
            )
        return Model(path="", sql=self._text, **{"name": name_of(self._text), **self._words})

    def accepts(self, predicate: Predicate) -> bool:  # noqa: ARG002 - part of the protocol
        """Whether it is answered here: never, every value is told of."""
        return False

    def read(
        self,
        columns: Sequence[str],
        predicates: Sequence[Predicate],  # noqa: ARG002 - none is accepted
    ) -> pa.RecordBatchReader:
        """Return the rows; the run begins when the first batch is asked for."""
        delivered = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(delivered, self._batches(list(columns)))

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with self._run() as done:
            if isinstance(done, WritePlan):
                yield pa.RecordBatch.from_pylist([done.to_dict()], PLAN).select(columns)
                return
            for batch in done.outcomes(all=True):
                told = [constant(getattr(done, name), len(batch)) for name in _RUN_COLUMNS]
                rows = pa.RecordBatch.from_arrays([*told, *batch.columns], schema=OUTCOMES)
                yield rows.select(columns)

    # The rows are read after the connection is closed: they lie in a file of the run's own.
    def _run(self) -> WriteBackReport | WritePlan:
        model = self._model()
        limits: dict[str, Any] = {
            "max_invalid": model.max_invalid,
            "max_rejected": model.max_rejected,
        }
        options = RunOptions.checked(**{**limits, **self._options})
        work = self._attachment.opened(_Work())
        token = _is_running.set(True)
        try:
            with (
                # Two readings of one view in a statement are two runs of it.
                turn(model.name, model.project, stop=work.stop),
                contextlib.closing(self._connect()) as con,
            ):
                con.execute("SET TimeZone = $zone", {"zone": self._time_zone})
                if self._search_path:
                    con.execute("SET search_path = $path", {"path": self._search_path})
                return run(
                    con,
                    model,
                    model.sql,
                    options,
                    dry_run=self._is_dry,
                    state=self._state,
                    stop=work.stop,
                )
        finally:
            _is_running.reset(token)
            work.is_closed = True


class _Work:
    """A run, as `spanduck.cancel` finds it."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.is_closed = False

    def cancel(self) -> None:
        """Make it end soon."""
        self.stop.set()
