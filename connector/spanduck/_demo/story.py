"""The demo: load spans, ask three questions, score with two models, ask again."""

from __future__ import annotations

import shlex
import tempfile
import time
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.text import Text

from spanduck import _sample
from spanduck._output.reports import count, show_report
from spanduck._output.tables import show_table
from spanduck._write_back import run_model
from spanduck.client import SpansClient
from spanduck.embedded import serve
from spanduck.table_function import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from rich.console import Console

    from spanduck.embedded import EmbeddedServer

PROJECT: Final = "fernway-support"
SPANS: Final = 20_000
_DAYS: Final = 2
_CALL_ROWS: Final = 2_500
_TEXTS: Final = files("spanduck_sql") / "demo"

_QUESTIONS: Final = (
    ("Which models are slowest, and what do they cost?", "slowest_models.sql"),
    ("Which kinds of spans failed since yesterday?", "error_rate_by_kind.sql"),
    ("In which sessions did agents retry the most?", "most_retries.sql"),
)
_MODELS: Final = (
    ("Score every call against an objective of 3 seconds", "latency_objective.sql"),
    ("Where JSON was asked for, is the answer JSON?", "valid_json.sql"),
)
_AGAIN: Final = ("The first question again, now with the scores", "scores_by_model.sql")


def run_demo(console: Console, *, keep: Path | None = None, spans: int = SPANS) -> None:
    """Run the demo and print it.

    Args:
        console: Where to.
        keep: Folder for the store, which is left behind; a temporary one when left out.
        spans: How many to generate.

    Raises:
        Error: Something failed; what was started is stopped.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spanduck-")))
        _intro(console, spans)
        server = stack.enter_context(serve(folder))
        _detail(console, f"in {folder}, started in {time.monotonic() - began:.1f} s")
        settings = _settings(server)
        _load(console, settings, spans)
        con = stack.enter_context(connect(**settings))
        for title, name in _QUESTIONS:
            _heading(console, title)
            _ask(console, con, name)
        for title, name in _MODELS:
            _heading(console, title)
            _score(console, con, settings, name)
        _heading(console, _AGAIN[0])
        _ask(console, con, _AGAIN[1])
    _outro(console, keep, time.monotonic() - began)


def _settings(server: EmbeddedServer) -> dict[str, Any]:
    """The server's address as settings, with those that would lead elsewhere emptied."""
    address = {
        name.removeprefix("ARIZE_").lower(): value for name, value in server.environment().items()
    }
    return {**address, "region": "", "base_domain": "", "single_host": "", "single_port": 0}


def _load(console: Console, settings: dict[str, Any], spans: int) -> None:
    _heading(console, f"Load {count(spans, 'span')} of a shop's support assistant")
    columns = (
        TextColumn("  uploading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("spans"),
        TimeElapsedColumn(),
    )
    sent = size = scores = 0
    seconds = 0.0
    with (
        SpansClient(**settings, progress=False) as client,
        Progress(*columns, console=console, transient=True) as bar,
    ):
        task = bar.add_task("", total=spans)
        for batch in _sample.generate(spans, seed=1, days=_DAYS, batch_rows=_CALL_ROWS):
            evaluations = _sample.evaluations(batch)
            began = time.monotonic()
            response = client.log(
                project_name=PROJECT,
                dataframe=pa.Table.from_batches([batch]),
                evals_dataframe=pa.Table.from_batches([evaluations]),
            )
            seconds += time.monotonic() - began
            sent += response.spans
            size += response.size_bytes
            scores += len(evaluations)
            bar.update(task, completed=sent)
    _detail(
        console,
        f"{count(sent, 'span')} and {count(scores, 'earlier evaluation')}, {size / 1e6:.0f} MB,"
        f" stored in {seconds:.1f} s ({sent / seconds:,.0f} spans/s)",
    )


def _ask(console: Console, con: DuckDBPyConnection, name: str) -> None:
    text = (_TEXTS / name).read_text(encoding="utf-8").strip()
    _show_sql(console, text)
    began = time.monotonic()
    shown = show_table(console, con.sql(text).to_arrow_reader())
    _detail(console, f"{count(shown.rows, 'row')} in {time.monotonic() - began:.2f} s")


def _score(console: Console, con: DuckDBPyConnection, settings: dict[str, Any], name: str) -> None:
    with as_file(_TEXTS / name) as path:
        _show_sql(console, path.read_text(encoding="utf-8").strip())
        # Nothing is left of a demo, so nothing is remembered of it.
        quiet = {**settings, "progress": False}
        with run_model(con, path, settings=quiet, state=":memory:") as report:
            show_report(console, f"spanduck run {name}", report)


def _show_sql(console: Console, text: str) -> None:
    console.print(
        Syntax(text, "sql", theme="ansi_dark", background_color="default", word_wrap=True)
        if console.is_terminal
        else Text(text),
        soft_wrap=not console.is_terminal,
    )
    console.print()


def _heading(console: Console, title: str) -> None:
    console.print()
    console.rule(Text(title, style="bold cyan"), align="left", style="cyan")


def _detail(console: Console, text: str) -> None:
    console.print(Text(text, style="dim"), soft_wrap=True)


def _intro(console: Console, spans: int) -> None:
    console.print(
        Text.assemble(
            ("spanduck", "bold yellow"),
            f": {count(spans, 'generated span')}, real SQL, evaluations written back.",
        ),
        soft_wrap=True,
    )
    _heading(console, "Start a server that speaks Arize AX's protocol, on this machine")


_KEEP: Final = """\
spanduck demo --keep .spanduck
    the same, kept where the other commands look when no account is configured
"""
_NEXT: Final = """\
{home}spanduck query "SELECT name, latency_ms FROM spans('{project}') ORDER BY 2 DESC LIMIT 5"
    any SQL; --format csv, json, arrow or parquet for programs
{home}spanduck run my_model.sql
    a SELECT with a comment like those above: its rows are written back
{home}python -c "import spanduck; spanduck.connect().sql(\\"FROM spans('{project}')\\").show()"
    the same in Python; with ARIZE_API_KEY and ARIZE_SPACE set, on your own spans
"""


def _outro(console: Console, keep: Path | None, seconds: float) -> None:
    _heading(console, f"Done in {seconds:.0f} s. What to type next")
    is_default = keep is None or keep.resolve() == Path(".spanduck").resolve()
    home = "" if is_default else f"SPANDUCK_HOME={shlex.quote(str(keep))} "
    text = (_KEEP if keep is None else "") + _NEXT.format(home=home, project=PROJECT)
    for line in text.splitlines():
        console.print(Text(line, style="dim" if line.startswith(" ") else "green"), soft_wrap=True)
