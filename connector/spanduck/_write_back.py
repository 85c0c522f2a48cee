"""SQL results to the service: `write_back` for a query, `run_model` for a model file."""

from __future__ import annotations

import contextlib
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from spanduck._config import load_settings
from spanduck._function.database import database_of
from spanduck._progress import progress
from spanduck._scan import schema_cache
from spanduck._transport.flight import FlightTransport
from spanduck._transport.rest import RestTransport
from spanduck._write.ledger import Ledger
from spanduck._write.model import KINDS, read_model
from spanduck._write.report import WriteBackReport
from spanduck._write.rules import BATCH_ROWS, Status
from spanduck._write.send import Sender
from spanduck._write.shape import Shape, evaluation_shape
from spanduck._write.values import values_of
from spanduck.embedded import ensure_default
from spanduck.exceptions import (
    AlreadyAttachedError,
    ConfigError,
    ValidationError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._config import Settings
    from spanduck._function.attachment import Attachment

__all__ = ["WriteBackReport", "run_model", "write_back"]

_SUPPORTED_KINDS: Final = ("eval",)
_READ_ROWS: Final = 2_048
# A PIVOT is several statements to DuckDB, and one query to whoever writes it.
_QUERY_TYPES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)


def write_back(
    con: duckdb.DuckDBPyConnection,
    sql: str | duckdb.DuckDBPyRelation,
    *,
    kind: str = "eval",
    project: str | None = None,
    space: str | None = None,
    batch_rows: int = BATCH_ROWS,
    **settings: Any,
) -> WriteBackReport:
    """Write the rows of a query to the service, and account for every value.

    The query is read to its end before anything is sent, as a stream into a file, so it may read
    `spans(...)` of the same project, and a million rows need no more memory than ten thousand. It
    costs one call for each 100,000 spans and 32 evaluation names, besides looking the project up.
    Calls are not repeated once data was sent.

    Args:
        con: Any DuckDB connection; it need not be attached.
        sql: One SELECT, or a relation of `con`. Its columns are `span_id, name, label?, score?,
            explanation?, level?`, or `span_id` and `eval.<Name>.label`, `eval.<Name>.score`,
            `eval.<Name>.explanation` (or `trace_eval.`, `session_eval.`). Text finds the tables of
            the connection, not the caller's variables: pass a relation for those.
        kind: `eval`; `annotation` and `metadata` are refused for now.
        project: Name or id of the project.
        space: Name or id of the space; the configured one by default.
        batch_rows: Most rows of a record batch.
        **settings: Settings by name, over those of the environment and the file.

    Returns:
        The report. A partial failure is told there; `report.raise_for_status()` makes it an
        exception.

    Raises:
        ValidationError: The query's columns make no evaluations, or the kind is not supported.
        ConfigError: No project, no space, or a setting is impossible.
        UnknownProjectError: No such project; near matches are named.
        AuthenticationError: The key is wrong.
        UnavailableError: Nobody answers. Nothing was sent in any of these cases.
        duckdb.Error: The query fails.
    """
    _check_kind(kind)
    if project is None or not project.strip():
        raise ConfigError(
            "write_back needs a project",
            next_step="Pass project=, by name or id.",
            setting="project",
        )
    if batch_rows < 1:
        raise ValidationError(f"batch_rows is {batch_rows}", next_step="Give at least 1.")
    began = time.monotonic()
    attachment = _attachment(con)
    with _typed_errors(attachment):
        query = _query(con, sql)
        shape = evaluation_shape(query.columns, [str(type_) for type_ in query.types])
    resolved = _resolved(attachment, {**settings, "space": space})
    with RestTransport(resolved) as rest, FlightTransport(resolved) as flight:
        # Before the query is run: it may take long, and a wrong name is better told at once.
        target = rest.resolve_project(project, resolved.service.space)
        ledger = Ledger()
        try:
            with _typed_errors(attachment):
                rows = _read(query, shape, ledger, resolved)
            total, _ = ledger.measure_to_send()
            with progress(unit="values", total=total, is_wanted=resolved.local.progress) as advance:
                sender = Sender(
                    ledger,
                    flight,
                    space=target.space_id,
                    project=target.name,
                    batch_rows=min(batch_rows, BATCH_ROWS),
                    on_sent=partial(advance, "sending"),
                )
                sender.run()
            counts = ledger.counts()
        except BaseException:
            ledger.close()
            raise
        finally:
            _forget_schema(resolved, space=target.space_id, projects=(target.name, project))
    return WriteBackReport(
        run_id=uuid.uuid4().hex,
        kind=kind,
        project=target.name,
        space=target.space_id,
        rows=rows,
        values=sum(counts.values()),
        **{str(status): counts.get(status, 0) for status in Status},
        calls=sender.traffic.calls,
        bytes=sender.traffic.size_bytes,
        seconds=time.monotonic() - began,
        _ledger=ledger,
    )


def run_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    project: str | None = None,
    space: str | None = None,
    batch_rows: int = BATCH_ROWS,
    **settings: Any,
) -> WriteBackReport:
    """Run a model file: `write_back` of its SELECT, as its leading comment says.

    Args:
        con: The connection the SELECT runs on; attached when it reads `spans(...)`.
        path: The file.
        project: Another project than the file names.
        space: Another space than the file names.
        batch_rows: Most rows of a record batch.
        **settings: Settings by name.

    Raises:
        ValidationError: The file is no model; the message begins with file and line. And as
            `write_back`.
    """
    model = read_model(Path(path))
    return write_back(
        con,
        model.sql,
        kind=model.kind,
        project=project or model.project,
        space=space or model.space,
        batch_rows=batch_rows,
        **settings,
    )


def _check_kind(kind: str) -> None:
    if kind in _SUPPORTED_KINDS:
        return
    supported = " or ".join(map(repr, _SUPPORTED_KINDS))
    if kind in KINDS:
        raise ValidationError(
            f"kind {kind!r} cannot be written back yet",
            next_step=f"Supported for now: {supported}.",
        )
    raise ValidationError(
        f"there is no kind {kind!r}",
        next_step=did_you_mean(kind, KINDS) or f"Supported for now: {supported}.",
    )


def _query(
    con: duckdb.DuckDBPyConnection, sql: str | duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    if isinstance(sql, duckdb.DuckDBPyRelation):
        return sql
    statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _QUERY_TYPES:
        told = ", ".join(str(statement.type).rpartition(".")[2] for statement in statements)
        raise ValidationError(
            f"a write-back takes one SELECT, not {told or 'an empty text'}",
            next_step="Run other statements on the connection first.",
        )
    return con.sql(sql)


def _read(query: duckdb.DuckDBPyRelation, shape: Shape, ledger: Ledger, settings: Settings) -> int:
    rows = 0
    with progress(unit="rows", is_wanted=settings.local.progress) as advance:
        for batch in query.to_arrow_reader(_READ_ROWS):
            ledger.add(values_of(batch, shape, first_row=rows))
            rows += len(batch)
            advance("reading", len(batch))
    ledger.settle()
    return rows


def _attachment(con: duckdb.DuckDBPyConnection) -> Attachment | None:
    try:
        found = database_of(con)
    except AlreadyAttachedError:
        # Somebody else's function; what matters here is that there are no settings of ours.
        return None
    return None if found is None else found.attachment


def _resolved(attachment: Attachment | None, overrides: dict[str, Any]) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
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
    before = attachment.last_error
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as exc:
        error = attachment.last_error
        if error is None or error is before:
            raise
        raise error from exc


def _forget_schema(settings: Settings, *, space: str, projects: tuple[str, ...]) -> None:
    for name in {space, settings.service.space or space}:
        for project in projects:
            schema_cache.drop(
                settings.service.flight_location, name, project, home=settings.local.home
            )
