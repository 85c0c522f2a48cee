"""Models that read only what they have not read: since a watermark, or what lacks their values.

A model finds where to begin in the variable `since` of its session. DuckDB folds
`getvariable('since')` into the statement when it binds it, so that a bound on `start_time` made of
it narrows the export; a scalar subquery would not. The true watermark is what is stored, and the
look-back for late spans is taken off when a run asks: a longer look-back holds for the next run.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._function.database import observing
from spanduck._function.spans import SpansRelation
from spanduck.exceptions import ValidationError, did_you_mean
from spanduck_sql.expressions import IsNull
from spanduck_sql.plan import wire_name
from spanduck_sql.schema import (
    ANNOTATION_NOTES,
    ANNOTATION_VALUES,
    EVALUATION_FIELDS,
    LEVEL_BY_PREFIX,
    START_TIME,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from duckdb import DuckDBPyConnection

    from spanduck._function.calls import Call
    from spanduck._function.source import Relation
    from spanduck._write_back.model import Model

_ANNOTATION: Final = "annotation"
_SENDABLE: Final = re.compile(r"[a-zA-Z0-9_\s]+")
# A number alone is seconds to DuckDB, which nobody means who writes lookback = "3".
_HAS_UNIT: Final = re.compile(r"[a-zA-Z:]")
# The zone of the session must not move a day's length.
_SET_SINCE: Final = """
    SET VARIABLE since = timezone('UTC', CAST($moment AS TIMESTAMP) - CAST($lookback AS INTERVAL))
"""
# Before every span, and before whatever is subtracted from it; NULL would match no span at all.
_SET_SINCE_EVER: Final = "SET VARIABLE since = TIMESTAMPTZ '-infinity'"
_KEEP: Final = "SET VARIABLE spanduck_since_before = getvariable('since')"
_RESTORE: Final = "SET VARIABLE since = getvariable('spanduck_since_before')"
_IS_SET: Final = "SELECT count(*) FROM duckdb_variables() WHERE name = 'since'"


@dataclass(frozen=True)
class Missing:
    """What the spans that a model reads must lack: one evaluation or annotation.

    Attributes:
        prefix: `eval`, `trace_eval`, `session_eval` or `annotation`.
        name: Its name; `notes` of annotations are the notes of a span.
    """

    prefix: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Missing:
        """Read `eval.Quality` and the like.

        Raises:
            ValidationError: It names neither an evaluation nor an annotation.
        """
        prefix, _, name = text.partition(".")
        prefixes = (*LEVEL_BY_PREFIX, _ANNOTATION)
        if prefix not in prefixes or not name.strip():
            raise ValidationError(
                f"missing is {text!r}, which names no evaluation or annotation",
                next_step=did_you_mean(prefix, prefixes)
                if name and prefix not in prefixes and did_you_mean(prefix, prefixes)
                else 'Write it like "eval.Quality", "trace_eval.Quality" or "annotation.Quality".',
            )
        stem, _, last = name.rpartition(".")
        fields = ANNOTATION_VALUES if prefix == _ANNOTATION else EVALUATION_FIELDS
        if stem and last in fields:
            raise ValidationError(
                f"missing is {text!r}, one field of an evaluation",
                next_step=f"Write {f'{prefix}.{stem}'!r}: a span lacks it when it has no field.",
            )
        if prefix != _ANNOTATION and not _SENDABLE.fullmatch(name):
            raise ValidationError(
                f"missing is {text!r}, and no evaluation can be called {name!r}",
                next_step="A name holds letters, digits, _ and spaces.",
            )
        return cls(prefix, name)

    def __str__(self) -> str:
        return f"{self.prefix}.{self.name}"

    def conditions(self, schema: pa.Schema) -> tuple[IsNull, ...]:
        """Return what is true of spans that lack it; nothing where no span of a project has it.

        Args:
            schema: The declared schema of the project.
        """
        fields = ANNOTATION_VALUES if self.prefix == _ANNOTATION else EVALUATION_FIELDS
        wanted = {f"{self}.{field}" for field in fields}
        if str(self) == ANNOTATION_NOTES:
            wanted = {ANNOTATION_NOTES}
        return tuple(IsNull(item.name) for item in schema if wire_name(item) in wanted)


class Watermark:
    """Where the next run of an incremental model begins.

    The latest `start_time` of the model's rows where it selects that column, never after the moment
    the run began: a span dated ahead must not hide those that come until then. Without the column
    it is that moment. It never goes back.

    Args:
        previous: Where this run began, before the look-back; None on the first.
        began: The moment this run began.
    """

    def __init__(self, previous: datetime | None, began: datetime) -> None:
        self.previous = previous
        self._began = began
        self._position: int | None = None
        self._latest: datetime | None = None

    def expect(self, names: Collection[str], type_names: Collection[str]) -> None:
        """Note the columns of the model.

        Raises:
            ValidationError: Its `start_time` is no TIMESTAMPTZ.
        """
        for place, (name, type_name) in enumerate(zip(names, type_names, strict=True)):
            if name.lower() != START_TIME:
                continue
            if type_name != "TIMESTAMP WITH TIME ZONE":
                raise ValidationError(
                    f"{name} of an incremental model is {type_name}, not TIMESTAMPTZ",
                    next_step="Select the span's own start_time, or leave the column out.",
                    column=name,
                )
            self._position = place

    def see(self, batch: pa.RecordBatch) -> None:
        """Take a batch of the model's rows into account."""
        if self._position is None or not len(batch):
            return
        # As a number: a session exports times in its own zone.
        moments = batch.column(self._position).cast(pa.timestamp("us", tz="UTC"))
        latest = pc.max(moments).as_py()
        if latest is not None and (self._latest is None or latest > self._latest):
            self._latest = latest

    def next(self) -> datetime | None:
        """Return it, when all rows were seen; None when there was no row, now or before."""
        if self._position is None:
            return self._later(self._began)
        return self._later(None if self._latest is None else min(self._latest, self._began))

    def _later(self, moment: datetime | None) -> datetime | None:
        known = [item for item in (moment, self.previous) if item is not None]
        return max(known, default=None)


def parse_lookback(text: str) -> str:
    """Check a look-back such as `3 days` or `36 hours`, as DuckDB reads an INTERVAL.

    Raises:
        ValidationError: It is no interval, or a negative one.
    """
    example = 'Write it like "3 days" or "36 hours".'
    with contextlib.closing(duckdb.connect()) as con:
        try:
            row = con.execute(
                "SELECT CAST($text AS INTERVAL) < INTERVAL '0 days'", {"text": text}
            ).fetchone()
        except duckdb.Error:
            row = None
    if row is None or not _HAS_UNIT.search(text):
        raise ValidationError(f"lookback is {text!r}, no length of time", next_step=example)
    if row[0]:
        raise ValidationError(f"lookback is {text!r}, which is negative", next_step=example)
    return text


@contextlib.contextmanager
def prepared(
    con: DuckDBPyConnection,
    model: Model,
    watermark: datetime | None,
    *,
    projects: Collection[str] = (),
    spaces: Collection[str] = (),
) -> Iterator[None]:
    """Let what `con` binds and runs inside read only what the model has not read.

    Sets the variable `since` of an incremental model, and gives it back what it was. Where the
    model says what is missing, every `spans(...)` call of its project that this thread binds gets
    the condition, which travels with the export and is applied again here.

    Args:
        con: Where its SELECT runs; inside no transaction that an error may abort, after which no
            variable can be set.
        model: The model.
        watermark: The stored one; None on the first run, or to read everything.
        projects: Names and ids of the project; the model's own by default.
        spaces: Names and ids of the space; any by default.
    """
    with contextlib.ExitStack() as stack:
        if model.incremental:
            stack.enter_context(_since(con, watermark or model.start, model.lookback, watermark))
        if model.missing is not None:
            known = set(projects) or {model.project}
            stack.enter_context(observing(_lacking(model.missing, known, set(spaces))))
        yield


@contextlib.contextmanager
def _since(
    con: DuckDBPyConnection,
    moment: datetime | None,
    lookback: str | None,
    watermark: datetime | None,
) -> Iterator[None]:
    was_set = con.execute(_IS_SET).fetchall() != [(0,)]
    if was_set:
        con.execute(_KEEP)
    try:
        if moment is None:
            con.execute(_SET_SINCE_EVER)
        else:
            # Where the first run begins is meant as it is written.
            back = lookback if lookback and watermark is not None else "0 days"
            naive = moment.astimezone(UTC).replace(tzinfo=None)
            con.execute(_SET_SINCE, {"moment": naive, "lookback": back})
        yield
    finally:
        # What failed matters more than that a transaction which it aborted takes no statement.
        with contextlib.suppress(duckdb.TransactionException):
            con.execute(_RESTORE if was_set else "RESET VARIABLE since")
            con.execute("RESET VARIABLE spanduck_since_before")


def _lacking(
    missing: Missing, projects: Collection[str], spaces: Collection[str]
) -> Callable[[Call, Relation], tuple[Relation, str]]:
    def narrowed(call: Call, relation: Relation) -> tuple[Relation, str]:
        if not isinstance(relation, SpansRelation) or call.project not in projects:
            return relation, ""
        if not spaces or relation.space in spaces:
            relation = relation.narrowed(missing.conditions(relation.project_schema))
        return relation, ""

    return narrowed
