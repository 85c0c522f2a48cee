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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from spanduck import __version__
from spanduck._output.ending import ending_well, say, stderr
from spanduck._output.formats import Format, TextFormat

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

    The table functions are spans('project'), evaluations('project') and projects(). Conditions on
    spans are sent to the service as far as it understands them; see `spanduck explain`.
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
) -> None:
    """Run an AX-compatible server on a folder of this machine.

    Prints one line of JSON once it accepts calls: ports, space and key. Ends at SIGINT or SIGTERM.
    """
    with ending_well():
        from spanduck.server import ServerOptions
        from spanduck.server import run as run_server
        from spanduck.server.options import find_api_key

        key = find_api_key(api_key, api_key_file)
        options = ServerOptions(path, host, rest_port, flight_port, idle_exit_s=idle_exit)
        status = run_server(options if key is None else replace(options, api_key=key))
    raise typer.Exit(status)


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
