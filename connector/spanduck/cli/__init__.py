"""The `spanduck` command: arguments and printing, a module for each command.

Data goes to stdout and everything else to stderr. Exit status: 0 done, 1 the work failed or values
were not written, 2 bad usage or settings, 130 interrupted.

A command imports what it works with when it runs, so that `--help` does not wait for DuckDB. Its
annotations are evaluated, as typer reads them: these modules have no `annotations` of the future.
"""

import os
from typing import Annotated

import typer

from spanduck import __version__
from spanduck.cli.config import config
from spanduck.cli.delete import delete
from spanduck.cli.demo import demo
from spanduck.cli.explain import explain
from spanduck.cli.export import export
from spanduck.cli.filter import filter_
from spanduck.cli.list import list_
from spanduck.cli.log import log
from spanduck.cli.query import query
from spanduck.cli.run import plan, run
from spanduck.cli.serve import serve

app = typer.Typer(
    name="spanduck",
    help="LLM trace spans of Arize AX in SQL, and SQL results written back as evaluations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# In the order in which help lists them.
app.command("query")(query)
app.command("explain")(explain)
app.command("filter")(filter_)
app.command("plan")(plan)
app.command("run")(run)
app.command("list")(list_)
app.command("delete")(delete)
app.command("export")(export)
app.command("log")(log)
app.command("serve")(serve)
app.command("config")(config)
app.command("demo")(demo)


def main() -> None:
    """Run the command line; the entry point."""
    app()


def _version(value: bool) -> None:
    if value:
        typer.echo(f"spanduck {__version__}")
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
