# ruff: noqa: PLC0415 - each command imports what it needs, so that `--help` does not wait for DuckDB
"""The `spanduck` command: arguments and printing.

Data goes to stdout and everything else to stderr. Exit status: 0 done, 1 the work failed or values
were not written, 2 bad usage or settings, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from spanduck import __version__
from spanduck._output.ending import ending_well, say, stderr
from spanduck._output.formats import FileFormat, Format, ListFormat, ReportFormat, TextFormat

if TYPE_CHECKING:
    import pyarrow as pa

    from spanduck._output.ending import Ending

app = typer.Typer(
    name="spanduck",
    help="LLM trace spans of Arize AX in SQL, and SQL results written back as evaluations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point."""
    app()


def _version(value: bool) -> None:
    if value:
        print(f"spanduck {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    profile: Annotated[
        str | None,
        typer.Option(help="Settings of [profiles.NAME] in spanduck.toml.", metavar="NAME"),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    if profile is not None:
        # By way of the environment: settings are resolved where they are needed, in children too.
        os.environ["SPANDUCK_PROFILE"] = profile


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="SQL text, a file that holds it, or - for stdin.", metavar="SQL")
    ],
    *,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How rows are written. By default a table, or what the name of --output ends in."
            " json is one array, ndjson an object a line.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to this file, which appears once it is complete."
        ),
    ] = None,
    database: Annotated[
        str, typer.Option(help="DuckDB database file to run on, with its tables.", metavar="FILE")
    ] = ":memory:",
    max_rows: Annotated[int, typer.Option(min=1, help="Rows that a table shows.")] = 100,
) -> None:
    """Run SQL over spans, evaluations and your own tables.

    The table functions are spans('project'), evaluations('project'), annotations('project') and
    projects(). Conditions on spans are sent to the service as far as it understands them; see
    `spanduck explain`.
    """
    fmt = _format(fmt, output)
    text = _sql_text(sql)
    with ending_well() as ending:
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.reports import count
        from spanduck._output.results import run_query
        from spanduck._output.tables import show_table
        from spanduck._output.writers import replacing, write_rows
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        began = time.monotonic()
        with replacing(output) if output else nullcontext(sys.stdout.buffer) as stream:

            def work() -> str:
                relation = run_query(con, text)
                if relation is None:
                    return "done"
                if fmt is not Format.table:
                    return count(write_rows(relation, fmt, stream), "row")
                reader = relation.to_arrow_reader(max_rows + 1)
                shown = show_table(Console(), reader, max_rows=max_rows)
                more = " shown of more; --max-rows shows them" if shown.has_more else ""
                return f"{count(shown.rows, 'row')}{more}"

            outcome = run_interruptibly(work, partial(cancel, con))
        where = f" to {output}" if output else ""
        say(f"{outcome}{where} in {time.monotonic() - began:.2f} s")


@app.command()
def explain(
    sql: Annotated[
        str, typer.Argument(help="SQL text, a file that holds it, or - for stdin.", metavar="SQL")
    ],
    *,
    fmt: Annotated[
        TextFormat, typer.Option("--format", "-f", help="For a person, or for a program.")
    ] = TextFormat.text,
    database: Annotated[
        str, typer.Option(help="DuckDB database file to plan on, with its tables.", metavar="FILE")
    ] = ":memory:",
) -> None:
    """Show what a statement would ask the service for.

    It is planned, not run. For each spans(...) and evaluations(...): the window, the filter that is
    sent, the columns, what is applied again here, how many rows come, and which conditions are not
    sent and why.
    """
    text = _utf_8(_sql_text(sql))
    with ending_well() as ending:
        from spanduck._explain import explain as explain_statement
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.plans import tell_plans
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        tell_plans(
            run_interruptibly(partial(explain_statement, con, text), partial(cancel, con)), fmt
        )


@app.command("filter")
def filter_(
    text: Annotated[
        str | None, typer.Argument(help="The filter, or - for stdin.", metavar="TEXT")
    ] = None,
    *,
    from_sql: Annotated[
        str | None,
        typer.Option(
            help="Make a filter of this SQL condition, with or without WHERE; - for stdin.",
            metavar="CONDITION",
        ),
    ] = None,
    dialect: Annotated[
        str, typer.Option(help="Dialect that the SQL is written in.", metavar="NAME")
    ] = "duckdb",
    project: Annotated[
        str | None,
        typer.Option(
            help="Read names and types as this project has them. Without it any field may be there,"
            " and no server is asked.",
            metavar="NAME",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A field that the project lacks is an error.")
    ] = False,
    fmt: Annotated[
        TextFormat, typer.Option("--format", "-f", help="For a person, or for a program.")
    ] = TextFormat.text,
) -> None:
    """Check a span filter and show what it means, as SQL too.

    With --from-sql the other way round: what of a SQL condition is sent to the service, and what is
    left to DuckDB. Exit status 1 when the text is wrong; a caret shows where.
    """
    given = text if from_sql is None else from_sql
    if given is None or (text is not None and from_sql is not None):
        raise typer.BadParameter("Give either a filter or --from-sql with a condition.")
    given = _utf_8(sys.stdin.read() if given == "-" else given)
    with ending_well() as ending:
        from spanduck._config import load_settings
        from spanduck._output.filters import tell_condition, tell_filter

        _check_dialect(dialect)
        schema = None if project is None else _schema_of(project, ending)
        if from_sql is None:
            tell_filter(given, schema, dialect=dialect, strict=strict, fmt=fmt)
        else:
            tell_condition(given, schema, mode=load_settings().local.pushdown, fmt=fmt)


@app.command()
def run(
    models: Annotated[
        list[Path], typer.Argument(help="SQL models to run.", metavar="MODEL.sql...")
    ],
    *,
    project: Annotated[
        str | None, typer.Option(help="Another project than the models name.", metavar="NAME")
    ] = None,
    database: Annotated[
        str, typer.Option(help="DuckDB database file to run on, with its tables.", metavar="FILE")
    ] = ":memory:",
) -> None:
    """Run SQL models and write their rows back as evaluations.

    A model is one SELECT with /* spanduck ... */ at its head, which names the kind and the project.
    All models are run, also after one that fails; exit status 1 when a value was not written.
    """
    with ending_well() as ending:
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.reports import show_report
        from spanduck._write_back import run_model
        from spanduck.table_function import cancel, connect

        con = ending.connection = run_interruptibly(partial(connect, database), int)
        for path in models:
            with ending.going_on():
                report = run_interruptibly(
                    partial(run_model, con, path, project=project), partial(cancel, con)
                )
                with report:
                    show_report(stderr(), path.name, report)
                    ending.is_failed |= report.values != report.accepted + report.duplicate


@app.command("list")
def list_(
    project: Annotated[str, typer.Argument(help="Name or id of the project.", metavar="PROJECT")],
    *,
    where: Annotated[
        str | None,
        typer.Option(
            "--filter", help="Span filter, which the service evaluates.", metavar="FILTER"
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="First start of a span that is wanted: ISO 8601, in UTC unless it says another"
            " zone.  [default: seven days ago]",
            metavar="TIME",
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Last start, inclusive.  [default: now]", metavar="TIME")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most spans that are listed.")] = 50,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Of attributes, evaluations and annotations only these: names with commas between"
            " them.",
            metavar="NAMES",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="All but these: names with commas between them.", metavar="NAMES"),
    ] = None,
    truncate: Annotated[
        int | None,
        typer.Option(min=1, help="Most characters of a text in attributes.", metavar="N"),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Another space than the configured one.", metavar="SPACE")
    ] = None,
    fmt: Annotated[
        ListFormat, typer.Option("--format", "-f", help="How spans are written.")
    ] = ListFormat.table,
) -> None:
    """List the newest spans of a project.

    A table shows the fields that fit a line, and those of --columns; the other formats all that the
    service sends. For more than some thousand spans `spanduck export` is faster.
    """
    if columns and exclude:
        raise typer.BadParameter("It excludes --columns.", param_hint="--exclude")
    window = {"start_time": _moment(start, "--start"), "end_time": _moment(end, "--end")}
    from spanduck._output.ending import ending_well, say

    with ending_well():
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.lists import list_spans
        from spanduck.client import SpansClient

        with run_interruptibly(SpansClient, int) as client:
            began = time.monotonic()
            work = partial(
                list_spans,
                client,
                fmt,
                Console(),
                limit=limit,
                project=project,
                space=space,
                filter=where,
                included_columns=_names(columns),
                excluded_columns=_names(exclude),
                truncate_string_length=truncate,
                **window,
            )
            outcome = run_interruptibly(work, client.close)
        say(f"{outcome} in {time.monotonic() - began:.2f} s")


@app.command()
def delete(
    project: Annotated[str, typer.Argument(help="Name or id of the project.", metavar="PROJECT")],
    *,
    span_id: Annotated[
        list[str] | None,
        typer.Option("--span-id", help="Id of a span; may be repeated.", metavar="ID"),
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(help="File with a span id on each line, or - for stdin.", metavar="FILE"),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Only spans that start then or later: ISO 8601, in UTC unless it says another"
            " zone.  [default: two years ago]",
            metavar="TIME",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="Only spans that start before.  [default: now]", metavar="TIME"),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Another space than the configured one.", metavar="SPACE")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete spans by their ids, for good, with what was said of them.

    Ids that were not deleted are printed, one a line; exit status 1 when there are any.
    """
    first, last = _moment(start, "--start"), _moment(end, "--end")
    with ending_well() as ending:
        from spanduck._output.deletes import given_ids, outcome
        from spanduck._output.reports import count
        from spanduck.client import SpansClient

        ids = given_ids(span_id or (), from_file)
        if not yes and not sys.stdin.isatty():
            raise typer.BadParameter("Nobody can be asked here. Add --yes.", param_hint="--yes")
        if not yes:
            question = f"Delete {count(len(ids), 'span')} of {project} for good?"
            typer.confirm(question, abort=True, err=True)
        with SpansClient() as client:
            response = client.delete(
                project=project, span_ids=ids, space=space, start_time=first, end_time=last
            )
        for id_ in response.not_deleted_span_ids:
            print(id_)
        say(outcome(response))
        ending.is_failed = bool(response.not_deleted_span_ids)


@app.command()
def export(
    project: Annotated[str, typer.Argument(help="Name or id of the project.", metavar="PROJECT")],
    *,
    where: Annotated[
        str | None,
        typer.Option(
            "--filter", help="Span filter, which the service evaluates.", metavar="FILTER"
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="First start of a span that is wanted: ISO 8601, in the local zone unless it says"
            " another.",
            metavar="TIME",
        ),
    ] = None,
    end: Annotated[str | None, typer.Option(help="The same, exclusive.", metavar="TIME")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Only these columns: names with commas between them.", metavar="NAMES"),
    ] = None,
    sample_rate: Annotated[
        float | None, typer.Option(help="Share of the traces, 0.000001 to 1.", metavar="SHARE")
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Another space than the configured one.", metavar="SPACE")
    ] = None,
    fmt: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How spans are written. By default a table, or what the name of --output ends in.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to this file, which appears once it is complete."
        ),
    ] = None,
) -> None:
    """Export the spans of a project as they are, to a file or to stdout.

    Without --start and --end it is every span that the service holds. Parquet and Arrow have the
    service's own types, as SpansClient.export has them; the other formats have times and JSON.
    """
    fmt = _format(fmt, output)
    if where is not None and not where.strip():
        raise typer.BadParameter("It is empty. Leave it out for none.", param_hint="--filter")
    wanted = _names(columns)
    window = {"start_time": _moment(start, "--start"), "end_time": _moment(end, "--end")}
    from spanduck._output.ending import ending_well, say

    with ending_well():
        from spanduck._output.exports import export_spans
        from spanduck._output.interrupts import run_interruptibly
        from spanduck.client import SpansClient

        with run_interruptibly(SpansClient, int) as client:
            began = time.monotonic()
            work = partial(
                export_spans,
                client,
                fmt,
                output,
                project_name=project,
                space=space,
                where=where or "",
                columns=wanted,
                sample_rate=sample_rate,
                **window,
            )
            outcome = run_interruptibly(work, client.close)
        place = f" to {output}" if output else ""
        say(f"{outcome}{place} in {time.monotonic() - began:.2f} s")


@app.command()
def log(
    project: Annotated[
        str, typer.Argument(help="Name of the project; made if there is none.", metavar="PROJECT")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of spans: Parquet, Arrow, CSV, JSON.",
            metavar="FILE...",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    evaluations: Annotated[
        Path | None,
        typer.Option(
            "--evals",
            help="File of evaluations of the spans, instead of those in the files themselves.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Another space than the configured one.", metavar="SPACE")
    ] = None,
    fmt: Annotated[
        FileFormat | None,
        typer.Option("--format", "-f", help="What the files are. By default what their names say."),
    ] = None,
    datetime_format: Annotated[
        str | None,
        typer.Option(help="strptime format of times that are not ISO 8601.", metavar="FORMAT"),
    ] = None,
) -> None:
    """Upload spans from files.

    Columns are called as the service calls them: context.span_id, context.trace_id, name,
    start_time and end_time must be there; columns of evaluations are sent along. Of a file with a
    wrong row nothing is sent, and the rows are named with what is wrong; the other files are sent
    all the same, and the exit status is 1.
    """
    formats = [_file_format(path, fmt) for path in files]
    evaluations_format = None if evaluations is None else _file_format(evaluations, fmt)
    from spanduck._output.ending import ending_well

    with ending_well() as ending:
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.uploads import log_file
        from spanduck.client import SpansClient

        with run_interruptibly(SpansClient, int) as client:
            for path, file_format in zip(files, formats, strict=True):
                with ending.going_on():
                    work = partial(
                        log_file,
                        client,
                        path,
                        file_format,
                        evaluations=evaluations,
                        evaluations_format=evaluations_format,
                        project_name=project,
                        space=space,
                        **({"datetime_format": datetime_format} if datetime_format else {}),
                    )
                    run_interruptibly(work, client.close)


@app.command()
def serve(
    path: Annotated[
        Path, typer.Option(help="Folder of the store; made when it is not there.", metavar="DIR")
    ] = Path(".spanduck"),
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    rest_port: Annotated[int, typer.Option(help="Port of REST; 0 takes a free one.")] = 0,
    flight_port: Annotated[int, typer.Option(help="Port of Flight; 0 takes a free one.")] = 0,
    api_key: Annotated[
        str | None,
        typer.Option(
            help="Key that every call must bring; else SPANDUCK_SERVE_API_KEY, else the file's,"
            " else a new one.",
            metavar="KEY",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File that holds the key.", metavar="FILE")
    ] = None,
    idle_exit: Annotated[
        float | None, typer.Option(help="End after so many seconds without a call.", metavar="S")
    ] = None,
    strict_configs: Annotated[
        bool,
        typer.Option(
            "--strict-configs",
            help="Refuse annotations that fit no annotation config, as the service does.",
        ),
    ] = False,
) -> None:
    """Run an AX-compatible server on a folder of this machine.

    Prints one line of JSON once it accepts calls: ports, space and key. Ends at SIGINT or SIGTERM.
    """
    with ending_well():
        from spanduck.server import ServerOptions
        from spanduck.server import run as run_server
        from spanduck.server.options import find_api_key

        key = find_api_key(api_key, api_key_file)
        options = ServerOptions(
            path,
            host,
            rest_port,
            flight_port,
            idle_exit_s=idle_exit,
            strict_configs=strict_configs,
        )
        status = run_server(options if key is None else replace(options, api_key=key))
    raise typer.Exit(status)


@app.command()
def config(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Reach the service instead: REST and Flight, the space and its projects.",
        ),
    ] = False,
    fmt: Annotated[
        ReportFormat, typer.Option("--format", "-f", help="For a person, or for a program.")
    ] = ReportFormat.table,
) -> None:
    """Show every setting and where its value comes from.

    Secrets are masked. With --check the exit status is 1 when something cannot be reached, and what
    to do about it is told.
    """
    from spanduck._output.ending import FAILED as CHECK_FAILED
    from spanduck._output.ending import ending_well

    with ending_well():
        from spanduck._config import load_settings
        from spanduck._output.check import check_service, tell_check
        from spanduck._output.interrupts import run_interruptibly
        from spanduck._output.settings import tell_settings
        from spanduck.embedded import ensure_default

        settings = load_settings()
        if not check:
            tell_settings(settings, fmt)
            return
        checked = run_interruptibly(lambda: check_service(ensure_default(settings)), int)
        tell_check(checked, fmt)
        if not checked.is_good:
            raise typer.Exit(CHECK_FAILED)


@app.command()
def demo(
    *,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep the store in this folder, for `spanduck query` after the demo.",
            metavar="DIR",
        ),
    ] = None,
) -> None:
    """See it work, on generated spans and a server of its own.

    Loads 20,000 spans, asks three questions in SQL, writes evaluations back and asks again. Takes
    seconds; needs no account and no network.
    """
    with ending_well():
        from spanduck._demo import run_demo

        run_demo(Console(), keep=keep)


def _format(fmt: Format | None, output: Path | None) -> Format:
    if output is None:
        chosen = fmt or Format.table
        if chosen.is_binary and sys.stdout.isatty():
            raise typer.BadParameter(
                f"{chosen} is not for a terminal. Name a file with --output, or redirect stdout.",
                param_hint="--format",
            )
        return chosen
    of_file = fmt or Format.of_file(output)
    if of_file is None:
        raise typer.BadParameter(
            f"{output.name} does not tell the format. Add --format.", param_hint="--output"
        )
    if of_file is Format.table:
        raise typer.BadParameter("A table is for reading, not for a file.", param_hint="--format")
    return of_file


def _names(given: list[str] | None) -> list[str] | None:
    import csv

    # As a line of CSV, so that a name with a comma can be given in quotes.
    names = [
        name.strip() for line in csv.reader(given or [], skipinitialspace=True) for name in line
    ]
    if given and not all(names):
        raise typer.BadParameter("A name is empty.", param_hint="--columns")
    return names or None


def _moment(given: str | None, option: str) -> datetime | None:
    try:
        moment = None if given is None else datetime.fromisoformat(given)
    except ValueError as exc:
        raise typer.BadParameter(
            f"{given!r} is no time. Write it like 2026-11-01 or 2026-11-01T12:00:00Z.",
            param_hint=option,
        ) from exc
    if moment is None or moment.utcoffset() is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def _file_format(path: Path, given: FileFormat | None) -> FileFormat:
    fmt = given or FileFormat.of_file(path)
    if fmt is None:
        raise typer.BadParameter(
            f"{path.name} does not tell the format. Add --format.", param_hint="--format"
        )
    return fmt


def _sql_text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if given.endswith(".sql"):
        try:
            return Path(given).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise typer.BadParameter(f"cannot read {given}: {exc}", param_hint="SQL") from exc
    return given


def _utf_8(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise typer.BadParameter("The text is not valid UTF-8.") from exc
    return text


def _check_dialect(name: str) -> None:
    from spanduck_sql.errors import did_you_mean
    from spanduck_sql.translate import dialects

    if name not in dialects():
        hint = did_you_mean(name, dialects()) or f"Known are {', '.join(dialects())}."
        raise typer.BadParameter(f"no dialect {name!r}. {hint}", param_hint="--dialect")


def _schema_of(project: str, ending: Ending) -> pa.Schema:
    from spanduck._explain import columns_of_project
    from spanduck._output.interrupts import run_interruptibly
    from spanduck.table_function import cancel, connect

    con = ending.connection = run_interruptibly(connect, int)
    return run_interruptibly(partial(columns_of_project, con, project), partial(cancel, con))
