"""One run or plan of a model, from its name to its report."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from spanduck._config import load_settings
from spanduck._function.database import database_of
from spanduck._interrupts import run_beside
from spanduck._scan import schema_cache
from spanduck._transport.flight import FlightTransport
from spanduck._transport.rest import RestTransport
from spanduck._write_back.account import Account
from spanduck._write_back.cancelling import Cancellation, told_as_cancelled
from spanduck._write_back.configs import configs_of
from spanduck._write_back.incremental import Watermark, prepared
from spanduck._write_back.kinds import ANNOTATION, METADATA_KIND
from spanduck._write_back.ledger import Ledger
from spanduck._write_back.options import Against
from spanduck._write_back.reading import bound, read_values, shape_of
from spanduck._write_back.state import Target
from spanduck._write_back.state_file import open_state
from spanduck.embedded import ensure_default
from spanduck.exceptions import AlreadyAttachedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spanduck._config import Settings
    from spanduck._function.attachment import Attachment
    from spanduck._write_back.model import Model
    from spanduck._write_back.options import RunOptions
    from spanduck._write_back.plan import WritePlan
    from spanduck._write_back.report import WriteBackReport
    from spanduck._write_back.shape import Shape
    from spanduck._write_back.state import State

_GRACE_S: Final = 10.0
"""A service that does not answer must not hold Ctrl-C for ever."""


def run(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    sql: str | duckdb.DuckDBPyRelation,
    options: RunOptions,
    *,
    dry_run: bool = False,
    state: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    stop: threading.Event | None = None,
) -> WriteBackReport | WritePlan:
    """Run a model, or plan it; see `write_back`, which has the arguments by themselves.

    Raises:
        KeyboardInterrupt: Ctrl-C came in the main thread. The run was ended, and has noted so.
    """
    stop = stop or threading.Event()
    cancellation = Cancellation(stop)

    # All of it: within the least statement the engine makes an error of its own of Ctrl-C.
    def work() -> WriteBackReport | WritePlan:
        attachment = _attachment(con)
        with cancellation.found_by(attachment), told_as_cancelled(stop):
            asked = _Run(
                con=con,
                model=model,
                sql=sql,
                options=options,
                settings=_resolved(attachment, settings or {}, model),
                attachment=attachment,
                stop=stop,
                cancellation=cancellation,
            )
            return asked.made(state, dry_run=dry_run)

    return run_beside(work, cancel=cancellation.cancel_all, grace_s=_GRACE_S, discard=_close)


@dataclass(frozen=True)
class _Run:
    """What a run is asked for."""

    con: duckdb.DuckDBPyConnection
    model: Model
    sql: str | duckdb.DuckDBPyRelation
    options: RunOptions
    settings: Settings
    attachment: Attachment | None
    stop: threading.Event
    cancellation: Cancellation

    def made(self, state: str | Path | None, *, dry_run: bool) -> WriteBackReport | WritePlan:
        began, began_at = time.monotonic(), datetime.now(UTC)
        settings, model, stop = self.settings, self.model, self.stop
        run_id = uuid.uuid4().hex
        with RestTransport(settings) as rest, FlightTransport(settings, cancel=stop) as flight:
            self.cancellation.interrupts(rest.close)
            # Before the query is run: it may take long, and a wrong name is better told at once.
            found = rest.resolve_project(model.project, settings.service.space)
            target = Target(model.name, model.kind or "", found.space_id, found.id, found.name)
            home = settings.local.home
            with open_state(self.con, state, home, target, run_id, stop=stop) as kept:
                watermark = Watermark(kept.watermark() if model.incremental else None, began_at)
                shape, ledger, rows = self._read(rest, target, kept, watermark)
                account = Account(
                    ledger=ledger,
                    state=kept,
                    flight=flight,
                    settings=settings,
                    target=replace(target, kind=shape.kind.word),
                    options=self.options,
                    model=model,
                    run_id=run_id,
                    rows=rows,
                    began=began,
                    stop=stop,
                )
                try:
                    with _closing_if_failed(ledger):
                        if shape.key is not None:
                            ledger.find_spans(account.spans_of(shape.key))
                        ledger.settle()
                        return account.plan() if dry_run else account.send(watermark)
                finally:
                    self._forget_schema(target)

    def _read(
        self, rest: RestTransport, target: Target, kept: State, watermark: Watermark
    ) -> tuple[Shape, Ledger, int]:
        con, model, options = self.con, self.model, self.options
        names = {model.project, target.project, target.project_id}
        spaces = {target.space_id, *filter(None, (self.settings.service.space, model.space))}
        # What everything is sent of, everything is read of.
        since = None if options.full else watermark.previous
        with (
            _typed_errors(self.attachment),
            prepared(con, model, since, projects=names, spaces=spaces),
        ):
            self.cancellation.interrupts(con.interrupt)
            query = bound(con, self.sql, is_attached=self.attachment is not None)
            shape = shape_of(query, model)
            if model.incremental:
                watermark.expect(query.columns, [str(type_) for type_ in query.types])
            if kept.of_kind(shape.kind.word).is_made_anew():
                _tell_of_another_project(target.project)
            ledger = _ledger(shape, rest, target.space_id)
            with _closing_if_failed(ledger):
                self.cancellation.interrupts(ledger.interrupt)
                known = kept.count_known() if _is_known_by_state(shape, options, kept) else 0
                if known:
                    ledger.expect(kept.known, known)
                rows = read_values(
                    query,
                    shape,
                    ledger,
                    watermark,
                    settings=self.settings,
                    stop=self.stop,
                    is_looked_up=known > 0,
                )
        return shape, ledger, rows

    def _forget_schema(self, target: Target) -> None:
        settings = self.settings
        service, home = settings.service.flight_location, settings.local.home
        # Under every name that a query may have asked by.
        for name in {target.space_id, settings.service.space} - {None, ""}:
            for project in (target.project, self.model.project):
                schema_cache.drop(service, str(name), project, home=home)


def _close(result: WriteBackReport | WritePlan) -> None:
    result.close()


def _tell_of_another_project(name: str) -> None:
    sys.stderr.write(
        f"spanduck: {name!r} is another project than the one that earlier runs wrote to under this"
        " name, so what was accepted there does not count\n"
    )


def _ledger(shape: Shape, rest: RestTransport, space_id: str) -> Ledger:
    is_patch = shape.kind is METADATA_KIND and shape.sources[0].name_column is None
    return Ledger(
        shape.kind,
        is_named=not is_patch,
        key_name=shape.span_id.name,
        configs=configs_of(rest, space_id) if shape.kind is ANNOTATION else (),
    )


def _is_known_by_state(shape: Shape, options: RunOptions, state: State) -> bool:
    """Whether a value is unchanged when the state has it as it is."""
    is_all_looked_at = options.full or options.only_failed or options.against is not Against.STATE
    # A key names a span only later; what was sent without an answer must be looked for before.
    return not (
        is_all_looked_at
        or shape.kind is METADATA_KIND
        or shape.key is not None
        or state.pending().num_rows
    )


@contextlib.contextmanager
def _closing_if_failed(ledger: Ledger) -> Iterator[None]:
    # Else what is returned owns it.
    try:
        yield
    except BaseException:
        ledger.close()
        raise


def _attachment(con: duckdb.DuckDBPyConnection) -> Attachment | None:
    try:
        found = database_of(con)
    except AlreadyAttachedError:
        # Somebody else's function; what matters here is that there are no settings of ours.
        return None
    return None if found is None else found.attachment


def _resolved(attachment: Attachment | None, overrides: dict[str, Any], model: Model) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
    if model.space is not None:
        given["space"] = model.space
    if attachment is None:
        return ensure_default(load_settings(given))
    # A connection that was attached to a service writes back to that service.
    attached = attachment.settings
    base = {**attached.service.model_dump(), **attached.local.model_dump()}
    return load_settings({**base, **given})


@contextlib.contextmanager
def _typed_errors(attachment: Attachment | None) -> Iterator[None]:
    """Raise our own error where the engine could only show its text."""
    if attachment is None:
        yield
        return
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as exc:
        ours = attachment.error_behind(exc)
        if ours is None:
            raise
        raise ours from exc
