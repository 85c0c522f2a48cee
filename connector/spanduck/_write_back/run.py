"""SQL results to the service: `write_back` for a query, `run_model` for a model file."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import duckdb
import pyarrow as pa

from spanduck._config import load_settings
from spanduck._function.database import database_of
from spanduck._progress import progress
from spanduck._scan import schema_cache
from spanduck._sql import run_rewritten
from spanduck._transport.flight import FlightTransport
from spanduck._transport.rest import RestTransport
from spanduck._write.rules import BATCH_ROWS
from spanduck._write_back.account import Account
from spanduck._write_back.configs import configs_of
from spanduck._write_back.documents import documents_of
from spanduck._write_back.incremental import Watermark, prepared
from spanduck._write_back.keys import span_key
from spanduck._write_back.kinds import ANNOTATION, METADATA_KIND
from spanduck._write_back.ledger import Ledger
from spanduck._write_back.model import Model, read_model
from spanduck._write_back.options import IN_FLIGHT, Against, RunOptions
from spanduck._write_back.shape import NULLS_SKIP, Nulls, Shape, model_shape
from spanduck._write_back.state import Target, open_state
from spanduck._write_back.values import values_of
from spanduck.embedded import ensure_default
from spanduck.exceptions import AlreadyAttachedError, CancelledError, ConfigError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._config import Settings
    from spanduck._function.attachment import Attachment
    from spanduck._write_back.limits import Limit
    from spanduck._write_back.plan import WritePlan
    from spanduck._write_back.report import WriteBackReport

_READ_ROWS: Final = 2_048
# A PIVOT is several statements to DuckDB, and one query to whoever writes it.
_QUERY_TYPES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
_RELATION: Final = "relation"


# `Any`: the arguments of the function below, under the same names.
@overload
def write_back(
    con: duckdb.DuckDBPyConnection,
    sql: str | duckdb.DuckDBPyRelation,
    *,
    dry_run: Literal[False] = False,
    **arguments: Any,
) -> WriteBackReport: ...


@overload
def write_back(
    con: duckdb.DuckDBPyConnection,
    sql: str | duckdb.DuckDBPyRelation,
    *,
    dry_run: Literal[True],
    **arguments: Any,
) -> WritePlan: ...


def write_back(
    con: duckdb.DuckDBPyConnection,
    sql: str | duckdb.DuckDBPyRelation,
    *,
    kind: str | None = None,
    project: str | None = None,
    space: str | None = None,
    model: str | None = None,
    key: str | None = None,
    nulls: Nulls = NULLS_SKIP,
    dry_run: bool = False,
    against: str = Against.STATE,
    full: bool = False,
    only_failed: bool = False,
    limit: int | None = None,
    max_invalid: Limit | str | None = None,
    max_rejected: Limit | str | None = None,
    state: str | Path | None = None,
    batch_rows: int = BATCH_ROWS,
    in_flight: int = IN_FLIGHT,
    **settings: Any,
) -> WriteBackReport | WritePlan:
    """Write the rows of a query to the service, and account for every value.

    The query is read to its end before anything is sent, as a stream into a file, so it may read
    `spans(...)` of the same project, and a million rows need no more memory than ten thousand. What
    the service has accepted before is not sent again. It costs one call for each 100,000 spans and
    32 names, besides looking the project up. What was sent without an answer is looked for at the
    service, by this run and else by the next, and sent again only where it did not arrive.

    Args:
        con: Any DuckDB connection; it need not be attached.
        sql: One SELECT, or a relation of `con`. Long: `span_id, name, label?, score?,
            explanation?, level?` for evaluations; `span_id, name, label?, score?, text?` for
            annotations; `span_id, key, value` for metadata. Wide: `span_id` and
            `eval.<Name>.label`, `.score`, `.explanation` (or `trace_eval.`, `session_eval.`);
            `annotation.<Name>.label`, `.score`, `.text`, `annotation.notes`;
            `attributes.metadata.<key>`, or `patch_document`. A NULL says nothing. Text finds the
            tables of the connection, not the caller's variables: pass a relation for those.
        kind: `eval`, `annotation` or `metadata`; told by the columns where they leave no doubt.
        project: Name or id of the project.
        space: Name or id of the space; the configured one by default.
        model: What the state knows the query by; made of its text by default.
        key: What a row names its span by: `span_id`, `trace` (its root span), `session` (the root
            span of its earliest trace), or a column such as `attributes.metadata.order_id`. By
            default what the columns tell.
        nulls: What a NULL of metadata means, for all columns or by column: `skip`, or `write` a
            JSON null.
        dry_run: Send nothing, and return what would be sent.
        against: What values are compared with: the `state`, or the `service`, which is read for it.
        full: Send values that have not changed too.
        only_failed: Send only values that an earlier run of the model did not write.
        limit: Most values to send; the others are `left`.
        max_invalid: More invalid values stop the run before it sends: a number, a share as a float,
            or a text such as `5%`.
        max_rejected: More values that the service refuses, or has no span of, stop it.
        state: File of the state; `:memory:` for none. By default the schema `spanduck_state` in the
            database of `con` when that is a file, else `state.duckdb` in the local folder.
        batch_rows: Most rows of a record batch.
        in_flight: Most calls at once.
        **settings: Settings by name, over those of the environment and the file.

    Returns:
        The report; with `dry_run` the plan. A partial failure is told in the report;
        `report.raise_for_status()` makes it an exception.

    Raises:
        ValidationError: The query's columns make no values, or an argument is impossible.
        ConfigError: No project, no space, or a setting is impossible.
        StateError: The state cannot be used.
        UnknownProjectError: No such project; near matches are named.
        AuthenticationError: The key is wrong.
        UnavailableError: Nobody answers. Nothing was sent in any of these cases.
        CancelledError: `spanduck.cancel` was called.
        duckdb.Error: The query fails.
    """
    if project is None or not project.strip():
        raise ConfigError(
            "write_back needs a project",
            next_step="Pass project=, by name or id.",
            setting="project",
        )
    options = RunOptions.checked(
        against=against,
        full=full,
        only_failed=only_failed,
        limit=limit,
        max_invalid=max_invalid,
        max_rejected=max_rejected,
        batch_rows=batch_rows,
        in_flight=in_flight,
    )
    text = sql if isinstance(sql, str) else ""
    wanted = Model(
        path="",
        sql=text,
        project=project,
        kind=kind,
        space=space,
        name=model or (name_of(text) if text else _RELATION),
        key=key,
        nulls=nulls,
    )
    return run(con, wanted, sql, options, dry_run=dry_run, state=state, settings=settings)


# `Any`: likewise.
@overload
def run_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    dry_run: Literal[False] = False,
    **arguments: Any,
) -> WriteBackReport: ...


@overload
def run_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    dry_run: Literal[True],
    **arguments: Any,
) -> WritePlan: ...


def run_model(
    con: duckdb.DuckDBPyConnection,
    path: str | Path,
    *,
    project: str | None = None,
    space: str | None = None,
    dry_run: bool = False,
    state: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    stop: threading.Event | None = None,
    **options: Any,
) -> WriteBackReport | WritePlan:
    """Run a model file: `write_back` of its SELECT, as its leading comment says.

    Args:
        con: The connection the SELECT runs on; attached when it reads `spans(...)`.
        path: The file.
        project: Another project than the file names.
        space: Another space than the file names.
        dry_run: Send nothing, and return what would be sent.
        state: As of `write_back`.
        settings: Settings by name.
        stop: Set it to end the run soon: it raises, and the next run goes on.
        **options: Those of `write_back` from `against` on; they go before the model's own.

    Raises:
        ValidationError: The file is no model; the message begins with file and line. And as
            `write_back`.
    """
    model = read_model(Path(path))
    model = replace(model, project=project or model.project, space=space or model.space)
    limits = {"max_invalid": model.max_invalid, "max_rejected": model.max_rejected}
    given = {name: value for name, value in options.items() if value is not None}
    chosen = RunOptions.checked(**{**limits, **given})
    return run(
        con,
        model,
        model.sql,
        chosen,
        dry_run=dry_run,
        state=state,
        settings=settings,
        stop=stop,
    )


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
    """Run a model, or plan it; see `write_back`, which has the arguments by themselves."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    attachment = _attachment(con)
    named = {"space": model.space} if model.space is not None else {}
    resolved = _resolved(attachment, {**(settings or {}), **named})
    run_id, stop = uuid.uuid4().hex, stop or threading.Event()
    with RestTransport(resolved) as rest, FlightTransport(resolved) as flight:
        # Before the query is run: it may take long, and a wrong name is better told at once.
        found = rest.resolve_project(model.project, resolved.service.space)
        target = Target(model.name, model.kind or "", found.space_id, found.id, found.name)
        with open_state(con, state, resolved.local.home, target, run_id) as kept:
            watermark = Watermark(kept.watermark() if model.incremental else None, began_at)
            names = {model.project, found.name, found.id}
            spaces = {found.space_id, *filter(None, (resolved.service.space, model.space))}
            # What everything is sent of, everything is read of.
            since = None if options.full else watermark.previous
            with (
                _typed_errors(attachment),
                prepared(con, model, since, projects=names, spaces=spaces),
            ):
                query = _query(con, sql, is_attached=attachment is not None)
                shape = _shape(query, model)
                if model.incremental:
                    watermark.expect(query.columns, [str(type_) for type_ in query.types])
                ledger = _ledger(shape, rest, found.space_id)
                with _closing_if_failed(ledger):
                    rows = _read(query, shape, ledger, watermark, settings=resolved, stop=stop)
            account = Account(
                ledger=ledger,
                state=kept.of_kind(shape.kind.word),
                flight=flight,
                settings=resolved,
                target=replace(target, kind=shape.kind.word),
                options=options,
                model=model,
                run_id=run_id,
                rows=rows,
                began=began,
                attachment=attachment,
                stop=stop,
            )
            try:
                with _closing_if_failed(ledger):
                    if shape.key is not None:
                        ledger.find_spans(account.spans_of(shape.key))
                    ledger.settle()
                    return account.plan() if dry_run else account.send(watermark)
            finally:
                _forget_schema(resolved, space=found.space_id, projects=(found.name, model.project))


def _ledger(shape: Shape, rest: RestTransport, space_id: str) -> Ledger:
    is_patch = shape.kind is METADATA_KIND and shape.sources[0].name_column is None
    return Ledger(
        shape.kind,
        is_named=not is_patch,
        key_name=shape.span_id.name,
        configs=configs_of(rest, space_id) if shape.kind is ANNOTATION else (),
    )


@contextlib.contextmanager
def _closing_if_failed(ledger: Ledger) -> Iterator[None]:
    # Else what is returned owns it.
    try:
        yield
    except BaseException:
        ledger.close()
        raise


def name_of(text: str) -> str:
    """Return what the state knows a query by that was given no name."""
    return f"query-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:12]}"


def _shape(query: duckdb.DuckDBPyRelation, model: Model) -> Shape:
    key = None if model.key is None else span_key(model.key)
    return model_shape(
        query.columns,
        [str(type_) for type_ in query.types],
        kind=model.kind,
        key=None if key is None or key.is_span_id else key,
        nulls=model.nulls if model.nulls is not None else NULLS_SKIP,
        has_start_time=model.incremental,
    )


def _query(
    con: duckdb.DuckDBPyConnection, sql: str | duckdb.DuckDBPyRelation, *, is_attached: bool
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
    return run_rewritten(con, sql, con.sql) if is_attached else con.sql(sql)


def _read(
    query: duckdb.DuckDBPyRelation,
    shape: Shape,
    ledger: Ledger,
    watermark: Watermark,
    *,
    settings: Settings,
    stop: threading.Event,
) -> int:
    if shape.kind is METADATA_KIND:
        made = partial(documents_of, shape=shape, to_json=ledger.to_json)
    else:
        made = partial(values_of, shape=shape)
    rows = 0
    with progress(unit="rows", is_wanted=settings.local.progress) as advance:
        for batch in query.to_arrow_reader(_READ_ROWS):
            if stop.is_set():
                raise CancelledError("the write-back was cancelled before it sent anything")
            ledger.add(made(batch, first_row=rows))
            watermark.see(batch)
            rows += len(batch)
            advance("reading", len(batch))
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
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as exc:
        ours = attachment.error_behind(exc)
        if ours is None:
            raise
        raise ours from exc


def _forget_schema(settings: Settings, *, space: str, projects: tuple[str, ...]) -> None:
    service, home = settings.service.flight_location, settings.local.home
    # Under every name that a query may have asked by.
    for name in {space, settings.service.space} - {None, ""}:
        for project in projects:
            schema_cache.drop(service, str(name), project, home=home)
