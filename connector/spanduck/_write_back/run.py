"""SQL results to the service: `write_back` for a query, `run_model` for a model file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from spanduck._write.rules import BATCH_ROWS
from spanduck._write_back.model import Model, read_model
from spanduck._write_back.options import IN_FLIGHT, Against, RunOptions
from spanduck._write_back.running import run
from spanduck._write_back.shape import NULLS_SKIP, Nulls
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    import threading

    import duckdb

    from spanduck._write_back.limits import Limit
    from spanduck._write_back.plan import WritePlan
    from spanduck._write_back.report import WriteBackReport

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
        KeyboardInterrupt: Ctrl-C. Either way what was sent is known, and the next run goes on.
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


def name_of(text: str) -> str:
    """Return what the state knows a query by that was given no name."""
    return f"query-{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:12]}"
